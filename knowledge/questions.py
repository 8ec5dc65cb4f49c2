"""The question bank in memory: one `Question` a file, and the `Bank` that holds them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""What an id or a topic looks like."""
OWN = "own-"
"""Ids of workspaces' own questions begin so, and no others do: the bank that all have may grow without meeting them."""


class Difficulty(StrEnum):
    """How hard a question is, easiest first."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of four answers to choose from; `reason` says why a wrong one is wrong."""

    text: str
    right: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong claim people make, and why it is wrong."""

    claim: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A primary source. `at` (arXiv, DOI, URL) is there only where somebody looked it up (`checked`)."""

    title: str
    by: str
    year: int
    at: str = ""
    checked: bool = False


@dataclass(frozen=True)
class Question:
    """One question of the bank, texts in Markdown with LaTeX maths. `topic` and `id` are its folder and file name.

    Other people's questions may lack everything but a title and an answer. There are four choices, or none.
    """

    id: str
    topic: str
    title: str
    difficulty: Difficulty
    answer: str
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

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change whenever anything of the question does."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:16]

    @property
    def right_choice(self) -> int:
        """Index of the right choice, where there are choices."""
        return next(i for i, choice in enumerate(self.choices) if choice.right)


@dataclass(frozen=True)
class Bank:
    """Every question by id, in the order of topic and id."""

    questions: dict[str, Question] = field(default_factory=dict)

    @classmethod
    def of(cls, questions: Iterable[Question]) -> Bank:
        """A bank of these questions, sorted by topic and id."""
        return cls({q.id: q for q in sorted(questions, key=lambda q: (q.topic, q.id))})

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions.values())

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, id: str) -> bool:
        return id in self.questions

    def __getitem__(self, id: str) -> Question:
        return self.questions[id]

    def get(self, id: str) -> Question | None:
        return self.questions.get(id)

    def over(self, beneath: Bank) -> Bank:
        """Both banks as one; where both have an id, this one's question."""
        return Bank.of({**beneath.questions, **self.questions}.values())

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The topics that have a question, in alphabetical order."""
        return tuple(sorted({q.topic for q in self}))

    @cached_property
    def version(self) -> str:
        """16 hexadecimal digits that change whenever any question does."""
        return hashlib.sha256("".join(q.fingerprint for q in self).encode()).hexdigest()[:16]
