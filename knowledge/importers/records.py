"""Rows of named values (CSV, TSV, JSON lines) -> drafts, whatever sensible names the columns have."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from knowledge.importers import markup
from knowledge.importers.draft import Draft, Reading
from knowledge.importers.prose import LEVELS
from knowledge.questions import Choice, Difficulty, Misconception, Reference

NAMES = {
    "title": "question title front prompt q ask term card",
    "answer": "answer back response a definition reply solution",
    "in_depth": "in_depth indepth in-depth depth details detail explanation notes extra more",
    "difficulty": "difficulty level hardness",
    "topic": "topic category section deck subject chapter area",
    "tags": "tags tag labels keywords",
    "aliases": "aliases alias also synonyms variants",
    "id": "id key slug",
}
COLUMN = {name: field for field, names in NAMES.items() for name in names.split()}
LISTS = frozenset({"tags", "aliases"})
RUN = re.compile(r"^'(?=[=+\-@\t\r])")
"""Put before a cell that a spreadsheet would run as a formula; taken away again when read."""
MOST = 100_000
FIELD_LIMIT = 1_000_000


def read_table(text: str, suffix: str) -> Reading:
    """CSV or TSV. Without a row of known names, the first column asks and the second answers."""
    csv.field_size_limit(FIELD_LIMIT)
    tabs = suffix == ".tsv" or "\t" in text.partition("\n")[0]
    delimiter = "\t" if tabs else _delimiter(text)
    reading = Reading("tsv" if tabs else "csv")
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        while True:
            line = rows.line_num + 1
            row = next(rows, None)
            if row is None or len(reading.drafts) >= MOST:
                break
            if not any(cell.strip() for cell in row) or (header is None and row[0].startswith("#")):
                continue  # Anki's text export begins with lines such as #separator:tab
            if header is None:
                header = _header(row)
                if header:
                    continue
                header = ["title", "answer", "tags"]
                reading.note(
                    line, "there is no row of names; the first column is read as the question, the second as its answer"
                )
            _add(reading, dict(zip(header, map(_cell, row), strict=False)), line)
    except csv.Error as error:
        reading.note(rows.line_num, f"cannot be read as a table: {error}; what comes after it is left out")
    return reading


def _delimiter(text: str) -> str:
    """The one that the first line has most of."""
    first = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    return max(",;|", key=first.count)


def _header(row: list[str]) -> list[str] | None:
    names = [COLUMN.get(re.sub(r"[\s_]+", "_", cell.strip().casefold()), "") for cell in row]
    return names if "title" in names else None


def _cell(text: str) -> str:
    return RUN.sub("", text)


def read_lines(text: str) -> Reading:
    """JSON lines: our own export with all its fields, or any objects with sensible names."""
    reading = Reading("jsonl")
    for number, line in enumerate(islice(text.split("\n"), MOST), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            reading.note(number, f"is not JSON: {getattr(error, 'msg', 'too deeply nested')}")
            continue
        if not isinstance(row, dict):
            reading.note(number, 'is no object; a line is {"question": "...", "answer": "..."}')
            continue
        if "key_points" in row or "choices" in row:
            _add_ours(reading, row, number)
        else:
            _add(reading, {COLUMN.get(str(key).casefold(), ""): value for key, value in row.items()}, number)
    return reading


def _add(reading: Reading, row: Mapping[str, Any], line: int) -> None:
    texts = {field: _text(value) for field, value in row.items() if field and field not in LISTS}
    for field in ("title", "answer", "in_depth"):
        if markup.looks_like(texts.get(field, "")):
            if markup.dropped(texts[field]):
                reading.note(line, "scripts, styles and the like are left out")
            texts[field] = markup.markdown(texts[field])
    title = " ".join(texts.get("title", "").split())
    if not title:
        reading.note(line, "has no question")
        return
    if not texts.get("answer"):
        reading.note(line, f"“{title[:60]}” has no answer")
    reading.drafts.append(
        Draft(
            title=title,
            answer=texts.get("answer", ""),
            in_depth=texts.get("in_depth", ""),
            difficulty=level(texts.get("difficulty", ""), lambda reason: reading.note(line, reason)),
            topic=texts.get("topic", "").rpartition("::")[2],
            id=texts.get("id", ""),
            tags=_list(row.get("tags"), r"[,;|\n]+"),
            aliases=_list(row.get("aliases"), r"[|\n]+"),
            line=line,
        )
    )


def level(text: str, note: Callable[[str], None]) -> Difficulty | None:
    """A difficulty by its own or another word for it; any other word is noted."""
    word = text.strip().casefold()
    for difficulty, words in LEVELS.items():
        if word in words.split("|"):
            return difficulty
    if word:
        note(f"the difficulty “{text[:30]}” is none of easy, medium and hard; medium is taken")
    return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _list(value: Any, between: str) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else re.split(between, _text(value))
    return tuple(dict.fromkeys(" ".join(part.split()) for part in map(str, parts) if part.strip()))


def _add_ours(reading: Reading, row: Mapping[str, Any], line: int) -> None:
    """A line of our own export."""
    try:
        texts = {name: row.get(name) or "" for name in ("title", "answer", "in_depth", "id", "topic")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["title"].strip():
            raise ValueError("title, answer, in_depth, id and topic are texts, and there is a title")
        reading.drafts.append(
            Draft(
                **texts,
                difficulty=Difficulty(row["difficulty"]) if row.get("difficulty") else None,
                key_points=tuple(_strings(row, "key_points")),
                misconceptions=tuple(
                    Misconception(**_only(m, "claim", "reason")) for m in row.get("misconceptions", ())
                ),
                choices=tuple(
                    Choice(str(c["text"]), c["right"] is True, str(c.get("reason", ""))) for c in row.get("choices", ())
                ),
                follow_ups=tuple(_strings(row, "follow_ups")),
                aliases=tuple(_strings(row, "aliases")),
                related=tuple(_strings(row, "related")),
                references=tuple(_reference(r) for r in row.get("references", ())),
                tags=tuple(_strings(row, "tags")),
                as_of=date.fromisoformat(row["as_of"]) if row.get("as_of") else None,
                line=line,
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        reading.note(line, f"is not as `bank export --format jsonl` writes it: {error}")


def _strings(row: Mapping[str, Any], name: str) -> Iterator[str]:
    for value in row.get(name) or ():
        if not isinstance(value, str):
            raise ValueError(f"{name} holds texts")
        yield value


def _only(value: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: str(value[name]) for name in names}


def _reference(value: Mapping[str, Any]) -> Reference:
    at = str(value.get("at") or "")
    return Reference(str(value["title"]), str(value["by"]), int(value["year"]), at, bool(at))
