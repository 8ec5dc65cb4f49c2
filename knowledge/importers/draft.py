"""A question as somebody else wrote it, on its way into a bank, and what reading a file gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from knowledge.questions import Choice, Difficulty, Misconception, Reference


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that may lack everything but its title. `line` is where it begins: of the file, or its record."""

    title: str
    answer: str = ""
    line: int = 1
    id: str = ""
    topic: str = ""
    difficulty: Difficulty | None = None
    in_depth: str = ""
    key_points: tuple[str, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    choices: tuple[Choice, ...] = ()
    follow_ups: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    as_of: date | None = None


@dataclass(slots=True)
class Reading:
    """What a file held. `problems` are lines (0: the file as a whole) with what is wrong there."""

    format: str
    drafts: list[Draft] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def note(self, line: int, reason: str) -> None:
        self.problems.append((line, reason))
