"""Grades, and the rules of each kind of round."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.models import Answer, RoundKind
from bot.study.practice.grading import POINTS, SELF_GRADES, Grade, grade, max_text_points, self_grade
from bot.study.practice.round_kinds import ROUND_KINDS, UnscoredReason, is_open, unscored_reason
from bot.study.practice.rounds import new_round
from knowledge.coverage import Coverage
from knowledge.format.reader import load
from knowledge.questions import Difficulty

LORA = replace(load().bank.questions["lora"], difficulty=Difficulty.MEDIUM)
OPENED = datetime(2026, 11, 18, 9, tzinfo=UTC)
CLOSES = OPENED + timedelta(hours=8)


def test_a_right_choice_earns_the_points_of_its_difficulty() -> None:
    right = LORA.right_choice

    assert grade(LORA, choice=right, coverage=None, scored=True) == Grade(True, 1.0, POINTS[Difficulty.MEDIUM])
    assert grade(LORA, choice=right, coverage=None, scored=False) == Grade(True, 1.0, 0)
    assert grade(LORA, choice=(right + 1) % 4, coverage=None, scored=True) == Grade(False, 0.0, 0)


@given(st.floats(0, 1))
def test_a_written_answer_never_earns_more_than_its_maximum(share: float) -> None:
    coverage = Coverage(points=(), misconceptions=(), off_topic=False, share=share)
    graded = grade(LORA, choice=None, coverage=coverage, scored=True)

    assert graded.correct is None
    assert 0 <= graded.points <= max_text_points(LORA) == 10


@given(st.sampled_from(sorted(SELF_GRADES)), st.integers(0, max_text_points(LORA)))
def test_a_self_grade_never_takes_points_away(judgment: str, points: int) -> None:
    answer = Answer.of({"scored": True, "points": points})
    graded = self_grade(answer, LORA, judgment)

    assert points <= graded.points <= max_text_points(LORA)
    assert answer.points == points


def test_every_kind_of_round_has_its_rules() -> None:
    assert set(ROUND_KINDS) == set(RoundKind)
    assert {kind for kind, rules in ROUND_KINDS.items() if rules.never_scored is None} == {RoundKind.DAILY}


@pytest.mark.parametrize(
    ("kind", "at", "viewed", "reason"),
    [
        (RoundKind.DAILY, OPENED, False, None),
        (RoundKind.DAILY, OPENED, True, UnscoredReason.VIEWED),
        (RoundKind.DAILY, CLOSES, True, UnscoredReason.LATE),
        (RoundKind.PRACTICE, OPENED, False, UnscoredReason.PRACTICE),
        (RoundKind.TEST, OPENED, True, UnscoredReason.TEST),
    ],
)
def test_each_unscored_answer_has_exactly_one_reason(
    kind: RoundKind, at: datetime, viewed: bool, reason: UnscoredReason | None
) -> None:
    asked = new_round(LORA, workspace_id=1, channel_id=1, kind=kind, at=OPENED, closes=CLOSES)

    assert unscored_reason(asked, at, viewed=viewed) == reason
    assert is_open(asked, at) == (kind is RoundKind.DAILY and at < CLOSES)
