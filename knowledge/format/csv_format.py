"""Write lists of a question into a cell of a CSV table, one line per entry, and read them back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

from knowledge.format.sections import DASH
from knowledge.questions import Choice, Misconception, Reference

COLUMNS = (
    "id", "topic", "difficulty", "question", "answer", "in_depth", "key_points", "misconceptions", "choices",
    "follow_ups", "aliases", "tags", "related", "references", "as_of",
)  # fmt: skip
"""The columns of our own tables. A table with exactly these is read as ours."""
FORMULA = re.compile(r"^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for a formula, including full-width signs. Such a cell gets an apostrophe in front. So does
one that already has apostrophes before such a sign, so that removing one always gives the original back."""
ESCAPED = re.compile(r"^'(?='*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")

Entry = TypeVar("Entry")


def escaped(cell: str) -> str:
    """Return the cell in a form that no spreadsheet runs."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def unescaped(cell: str) -> str:
    return ESCAPED.sub("", cell)


def join(entries: Iterable[str]) -> str:
    return "\n".join(entries)


def write_reference(reference: Reference) -> str:
    return json.dumps(asdict(reference), ensure_ascii=False)


def split(cell: str, read_entry: Callable[[str], Entry]) -> tuple[Entry, ...]:
    """Return the entries of a cell, one per line. Raises ValueError."""
    return tuple(read_entry(line) for line in cell.split("\n") if line.strip())


def read_choice(line: str) -> Choice:
    mark, (text, _, reason) = line[:4], line[4:].partition(DASH)
    if mark not in ("[x] ", "[X] ", "[ ] "):
        raise ValueError("a choice is [x] or [ ] followed by its text")
    return Choice(text, mark != "[ ] ", reason)


def read_misconception(line: str) -> Misconception:
    claim, dash, reason = line.partition(DASH)
    if not dash:
        raise ValueError(f"a misconception is a claim, a dash ({DASH!r}), and why it's wrong")
    return Misconception(claim, reason)


def read_reference(line: str) -> Reference:
    """Return the reference in a line of JSON. Raises ValueError."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    return reference_of(values)


def reference_of(values: Any) -> Reference:
    """Return the reference in an object of an export. Raises ValueError."""
    try:
        at = str(values.get("at") or "")
        return Reference(str(values["title"]), str(values["by"]), int(values["year"]), at, bool(at))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError('a reference is {"title": "...", "by": "...", "year": 2017}') from error
