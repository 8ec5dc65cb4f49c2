"""Read CSV and TSV: our own export with all its columns, other tables by their column names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from itertools import islice

from knowledge.format import csv_format
from knowledge.importers.draft import ParsedFile, QuestionDraft
from knowledge.importers.records import FIELD_BY_NAME, MAX_RECORDS, add_record
from knowledge.questions import Difficulty

MAX_CELL_LENGTH = 1_000_000
"""Maximum characters in a cell."""
SAMPLE_ROWS = 5
"""Rows that are checked to tell a table from a document."""
CUT_SHORT = "unexpected end of data"
"""The csv module's message for an unclosed quotation mark."""


def is_table(text: str) -> bool:
    """Return whether a text is a table: it starts with known column names, or has tabs in each of its first rows."""
    if text.startswith("#separator:"):
        return True
    head = [line for line in text[:20_000].split("\n") if line.strip()][:SAMPLE_ROWS]
    names = _header(next(csv.reader([head[0]], delimiter=_delimiter(head[0])), [])) if head else None
    if names and "answer" in names:
        return True
    return len(head) > 1 and all(1 <= line.strip().count("\t") <= 3 and line[0] != "\t" for line in head)


def read(text: str) -> ParsedFile:
    """Return the drafts in a table. Without known column names, its columns are question, answer, and tags."""
    text = text.lstrip("\ufeff\n")
    delimiter = _delimiter(text.partition("\n")[0])
    parsed = ParsedFile("tsv" if delimiter == "\t" else "csv")
    header: list[str] | None = None
    is_export = False
    for line, row in islice(_rows(text, delimiter, parsed), MAX_RECORDS):
        if not any(cell.strip() for cell in row) or (header is None and row[0].startswith("#")):
            continue  # Anki's text export starts with lines such as #separator:tab
        if header is None:
            is_export = tuple(row) == csv_format.COLUMNS
            header = _header(row)
            if header:
                continue
            header = ["title", "answer", "tags"]
            parsed.note(
                line, "no known column names; the first column was read as the question, the second as its answer"
            )
        cells = [csv_format.unescaped(cell) for cell in row]
        if is_export and len(cells) == len(csv_format.COLUMNS):
            _add_exported(parsed, cells, line)
        else:
            add_record(parsed, dict(zip(header, cells, strict=False)), line)
    return parsed


def _rows(text: str, delimiter: str, parsed: ParsedFile) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line where it starts.

    Start over without strict quoting at the first misplaced quotation mark, which is noted.
    """
    csv.field_size_limit(MAX_CELL_LENGTH)
    strict = True
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    done = 0
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            if not strict or str(error) == CUT_SHORT or "field limit" in str(error):
                parsed.note(line, f"can't be read as a table: {error}; everything from here on was left out")
                return
            parsed.note(rows.line_num, "there's a quotation mark in the middle of a cell; it was left out")
            strict = False
            rows = csv.reader(io.StringIO(text), delimiter=delimiter)
            for _ in range(done):
                next(rows)
            continue
        if row is None:
            return
        done += 1
        yield line, row


def _delimiter(first_line: str) -> str:
    """Return the delimiter that the first line names, or else has most of; a tab beats all others."""
    if named := re.match(r"#separator:(.+)", first_line):
        return {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(named[1].strip().casefold(), "\t")
    unquoted = re.sub(r'"[^"]*"', "", first_line)
    return "\t" if "\t" in unquoted else max(",;|", key=unquoted.count)


def _header(row: list[str]) -> list[str] | None:
    names = [FIELD_BY_NAME.get(re.sub(r"[\s_]+", "_", cell.strip().casefold()), "") for cell in row]
    return names if "title" in names else None


def _add_exported(parsed: ParsedFile, row: list[str], line: int) -> None:
    """Add the draft in a row of our own export."""
    cells = dict(zip(csv_format.COLUMNS, row, strict=True))
    try:
        parsed.drafts.append(
            QuestionDraft(
                title=cells["question"],
                answer=cells["answer"],
                line=line,
                id=cells["id"],
                topic=cells["topic"],
                difficulty=Difficulty(cells["difficulty"]) if cells["difficulty"] else None,
                in_depth=cells["in_depth"],
                key_points=csv_format.split(cells["key_points"], str),
                misconceptions=csv_format.split(cells["misconceptions"], csv_format.read_misconception),
                choices=csv_format.split(cells["choices"], csv_format.read_choice),
                follow_ups=csv_format.split(cells["follow_ups"], str),
                aliases=csv_format.split(cells["aliases"], str),
                related=csv_format.split(cells["related"], str),
                references=csv_format.split(cells["references"], csv_format.read_reference),
                tags=csv_format.split(cells["tags"], str),
                as_of=date.fromisoformat(cells["as_of"]) if cells["as_of"] else None,
            )
        )
    except ValueError as error:
        parsed.note(line, f"isn't what `bank export --format csv` writes: {error}")
