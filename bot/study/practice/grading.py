"""Points and what an answer is worth: pure arithmetic on an answer row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.store.orm import Answer
from knowledge.questions import Difficulty, Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage

POINTS = {Difficulty.EASY: 10, Difficulty.MEDIUM: 20, Difficulty.HARD: 30}
TEXT_CAP = 0.5
"""Share of the points that a written answer can earn: similarity says "mentioned", never "correct"."""

JUDGEMENTS = {"had-it": 1.0, "partly": 0.5, "missed": 0.0}
"""What a member may say of their own answer beside the reference, and the share it stands for."""


def grade(answer: Answer, question: Question, coverage: Coverage | None) -> None:
    """Fill in `right`, `share` and `points` of a fresh answer: a choice is right or wrong, text has its share."""
    full = POINTS[question.difficulty] if answer.scored else 0
    if answer.choice is not None:
        answer.correct = question.choices[answer.choice].right
        answer.share = float(answer.correct)
        answer.points = full if answer.correct else 0
    elif coverage is not None:
        answer.share = coverage.share
        answer.points = int(full * TEXT_CAP * coverage.share)


def judge_oneself(answer: Answer, question: Question, how: str) -> None:
    """Take over the member's own judgement, once: points may rise to the cap of written answers, never fall."""
    worth = JUDGEMENTS[how]
    full = POINTS[question.difficulty] if answer.scored else 0
    answer.self_graded = True
    answer.correct = {"had-it": True, "missed": False}.get(how)
    answer.share = worth
    answer.points = max(answer.points, int(full * TEXT_CAP * worth))
