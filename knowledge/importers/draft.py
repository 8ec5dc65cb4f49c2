"""What importers read from a file: drafts of questions, and problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from knowledge.questions import Choice, Difficulty, Misconception, Reference


@dataclass(frozen=True, slots=True)
class QuestionDraft:
    """A question as somebody else wrote it; only the title is always there.

    `line` is where it starts, or the number of its record.
    """

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
class ParsedFile:
    """The drafts in a file, and its problems: a line (0: the whole file), and what's wrong there."""

    format_name: str
    drafts: list[QuestionDraft] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def note(self, line: int, reason: str) -> None:
        self.problems.append((line, reason))
