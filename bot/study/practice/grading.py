"""Compute what an answer is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.store.models import Answer
from knowledge.questions import Difficulty, Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage

POINTS = {Difficulty.EASY: 10, Difficulty.MEDIUM: 20, Difficulty.HARD: 30}
MAX_TEXT_SHARE = 0.5
"""Share of the points that a written answer can earn: similarity shows what was mentioned, not what's correct."""

SELF_GRADES = {"had-it": 1.0, "partly": 0.5, "missed": 0.0}
"""How members can grade their own answer, and the share that each grade stands for."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The graded part of an `Answer`: `share` is 0 to 1, `correct` is None if only the member can tell."""

    correct: bool | None
    share: float | None
    points: int


def max_text_points(question: Question) -> int:
    """Return the most that a written answer can earn."""
    return int(POINTS[question.difficulty] * MAX_TEXT_SHARE)


def grade(question: Question, *, choice: int | None, coverage: Coverage | None, scored: bool) -> Grade:
    """Grade a new answer: a choice is right or wrong, a text earns points by the share of key points it mentions.

    `choice` is an index into the question's own order; it takes precedence over `coverage`.
    """
    full = POINTS[question.difficulty] if scored else 0
    if choice is not None:
        correct = question.choices[choice].right
        return Grade(correct, float(correct), full if correct else 0)
    if coverage is None:
        return Grade(None, None, 0)
    return Grade(None, coverage.share, int(full * MAX_TEXT_SHARE * coverage.share))


def self_grade(answer: Answer, question: Question, judgment: str) -> Grade:
    """Apply the member's own grade, a key of SELF_GRADES: points can rise to the maximum for text, but never drop."""
    share = SELF_GRADES[judgment]
    full = POINTS[question.difficulty] if answer.scored else 0
    correct = {"had-it": True, "missed": False}.get(judgment)
    return Grade(correct, share, max(answer.points, int(full * MAX_TEXT_SHARE * share)))
