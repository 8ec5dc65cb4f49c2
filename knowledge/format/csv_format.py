"""What of a question is no plain text, in a cell of a table: a line for each entry, so that it can be read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TypeVar

from knowledge.format.sections import DASH
from knowledge.questions import Choice, Misconception, Reference

COLUMNS = (
    "id", "topic", "difficulty", "question", "answer", "in_depth", "key_points", "misconceptions", "choices",
    "follow_ups", "aliases", "tags", "related", "references", "as_of",
)  # fmt: skip
"""Of our own tables. A table that begins with exactly these is read as ours."""
RUN = re.compile(r"^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for a formula, wide signs too. Such a cell gets an apostrophe in front, and so does one that
already has some before such a sign: taking one away again gives back whatever it was."""
GUARDED = re.compile(r"^'(?='*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")

Entry = TypeVar("Entry")


def guarded(cell: str) -> str:
    """The cell as no spreadsheet runs it."""
    return f"'{cell}" if RUN.match(cell) else cell


def unguarded(cell: str) -> str:
    return GUARDED.sub("", cell)


def lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)


def choice(it: Choice) -> str:
    return f"[{'x' if it.right else ' '}] {it.text}" + (f"{DASH}{it.reason}" if it.reason else "")


def misconception(it: Misconception) -> str:
    return f"{it.claim}{DASH}{it.reason}"


def reference(it: Reference) -> str:
    return json.dumps(asdict(it), ensure_ascii=False)


def read(cell: str, entry: Callable[[str], Entry]) -> tuple[Entry, ...]:
    """The entries of a cell, a line each. Raises ValueError."""
    return tuple(entry(line) for line in cell.split("\n") if line.strip())


def read_choice(line: str) -> Choice:
    text, _, reason = line[4:].partition(DASH)
    if line[:4] not in ("[x] ", "[X] ", "[ ] "):
        raise ValueError("a choice is [x] or [ ], and its text")
    return Choice(text, line[:4] != "[ ] ", reason)


def read_misconception(line: str) -> Misconception:
    claim, dash, reason = line.partition(DASH)
    if not dash:
        raise ValueError(f"a misconception is a claim, a dash ({DASH!r}), and why it is wrong")
    return Misconception(claim, reason)


def read_reference(line: str) -> Reference:
    try:
        found = json.loads(line)
        return Reference(str(found["title"]), str(found["by"]), int(found["year"]), str(found.get("at") or ""),
                         bool(found.get("at")))  # fmt: skip
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError('a reference is {"title": "...", "by": "...", "year": 2017}') from error
