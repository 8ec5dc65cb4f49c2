"""The question bank in memory: a `Question` for each file, and the `Bank` that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""The form of an id or a topic."""
OWN = "own-"
"""Prefix of the ids of custom questions, and of no others, so that the built-in bank can grow without collisions."""


class Difficulty(StrEnum):
    """How hard a question is, easiest first."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the four choices of a question; `reason` says why a wrong one is wrong."""

    text: str
    right: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong claim that people make, and why it's wrong."""

    claim: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A primary source. It has `at` (arXiv id, DOI, or URL) only if somebody looked it up (`checked`)."""

    title: str
    by: str
    year: int
    at: str = ""
    checked: bool = False


@dataclass(frozen=True)
class Question:
    """A question of the bank; its texts are Markdown with LaTeX. `topic` and `id` are its folder and file name.

    Only the title and the answer are always there. A question has four choices or none.
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

    @property
    def right_choice(self) -> int:
        """Return the index of the right choice of a question that has choices."""
        return next(i for i, choice in enumerate(self.choices) if choice.right)


@dataclass(frozen=True)
class Bank:
    """Questions by id, ordered by topic and id."""

    questions: dict[str, Question] = field(default_factory=dict)

    @classmethod
    def of(cls, questions: Iterable[Question]) -> Bank:
        """Make a bank of these questions."""
        ordered = sorted(questions, key=lambda question: (question.topic, question.id))
        return cls({question.id: question for question in ordered})

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions.values())

    def __len__(self) -> int:
        return len(self.questions)

    def __contains__(self, question_id: str) -> bool:
        return question_id in self.questions

    def __getitem__(self, question_id: str) -> Question:
        return self.questions[question_id]

    def get(self, question_id: str) -> Question | None:
        return self.questions.get(question_id)

    def over(self, base: Bank) -> Bank:
        """Merge both banks; if both have an id, take this one's question."""
        return Bank.of({**base.questions, **self.questions}.values())

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """Return the topics in alphabetical order."""
        return tuple(sorted({question.topic for question in self}))
