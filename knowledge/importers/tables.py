"""CSV and TSV -> drafts: our own tables whole, others by the names of their columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date

from knowledge.format import csv_format
from knowledge.importers.draft import Draft, Reading
from knowledge.importers.records import COLUMN, MOST, add
from knowledge.questions import Difficulty

FIELD_LIMIT = 1_000_000
"""Characters of a cell."""
LOOKED_AT = 5
"""Rows by which a table is told from a document."""
CUT = "unexpected end of data"


def is_table(text: str) -> bool:
    """Whether a text is a table by what is in it: a row of names, or a tab or more in each of its first rows."""
    if text.startswith("#separator:"):
        return True
    head = [line for line in text[:20_000].split("\n") if line.strip()][:LOOKED_AT]
    names = _header(next(csv.reader([head[0]], delimiter=_delimiter(head[0])), [])) if head else None
    if names and "answer" in names:
        return True
    return len(head) > 1 and all(1 <= line.strip().count("\t") <= 3 and line[0] != "\t" for line in head)


def read(text: str) -> Reading:
    """The rows of a table. Without a row of known names, the first column asks and the second answers."""
    text = text.lstrip("\ufeff\n")
    delimiter = _delimiter(text.partition("\n")[0])
    reading = Reading("tsv" if delimiter == "\t" else "csv")
    header: list[str] | None = None
    ours = False
    for line, row in _rows(text, delimiter, reading):
        if len(reading.drafts) >= MOST:
            break
        if not any(cell.strip() for cell in row) or (header is None and row[0].startswith("#")):
            continue  # Anki's text export begins with lines such as #separator:tab
        if header is None:
            ours = tuple(row) == csv_format.COLUMNS
            header = _header(row)
            if header:
                continue
            header = ["title", "answer", "tags"]
            reading.note(
                line, "there is no row of names; the first column is read as the question, the second as its answer"
            )
        found = [csv_format.unguarded(cell) for cell in row]
        if ours and len(found) == len(csv_format.COLUMNS):
            _add_ours(reading, found, line)
        else:
            add(reading, dict(zip(header, found, strict=False)), line)
    return reading


def _rows(text: str, delimiter: str, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line where it begins. A quotation mark in the wrong place is told once, then taken as it is."""
    csv.field_size_limit(FIELD_LIMIT)
    strict = True
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    done = skip = 0
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            if not strict or str(error) == CUT or "field limit" in str(error):
                reading.note(line, f"cannot be read as a table: {error}; what begins here is left out")
                return
            reading.note(rows.line_num, "a quotation mark stands in the middle of a cell; it is left out")
            strict, skip = False, done
            rows = csv.reader(io.StringIO(text), delimiter=delimiter)
            for _ in range(skip):
                next(rows)
            continue
        if row is None:
            return
        done += 1
        yield line, row


def _delimiter(first: str) -> str:
    """The one that the first line has most of, or the one that it names."""
    if named := re.match(r"#separator:(.+)", first):
        return {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(named[1].strip().casefold(), "\t")
    first = re.sub(r'"[^"]*"', "", first)
    return "\t" if "\t" in first else max(",;|", key=first.count)


def _header(row: list[str]) -> list[str] | None:
    names = [COLUMN.get(re.sub(r"[\s_]+", "_", cell.strip().casefold()), "") for cell in row]
    return names if "title" in names else None


def _add_ours(reading: Reading, row: list[str], line: int) -> None:
    """A row of our own export."""
    it = dict(zip(csv_format.COLUMNS, row, strict=True))
    try:
        reading.drafts.append(
            Draft(
                title=it["question"],
                answer=it["answer"],
                line=line,
                id=it["id"],
                topic=it["topic"],
                difficulty=Difficulty(it["difficulty"]) if it["difficulty"] else None,
                in_depth=it["in_depth"],
                key_points=csv_format.read(it["key_points"], str),
                misconceptions=csv_format.read(it["misconceptions"], csv_format.read_misconception),
                choices=csv_format.read(it["choices"], csv_format.read_choice),
                follow_ups=csv_format.read(it["follow_ups"], str),
                aliases=csv_format.read(it["aliases"], str),
                related=csv_format.read(it["related"], str),
                references=csv_format.read(it["references"], csv_format.read_reference),
                tags=csv_format.read(it["tags"], str),
                as_of=date.fromisoformat(it["as_of"]) if it["as_of"] else None,
            )
        )
    except ValueError as error:
        reading.note(line, f"is not as `bank export --format csv` writes it: {error}")
