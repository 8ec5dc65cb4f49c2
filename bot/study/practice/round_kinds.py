"""The rules that differ between kinds of rounds: who may answer, what scores and why, when it closes, what's stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from bot.context.identity import RequestContext
from bot.store.models import Round, RoundKind


class UnscoredReason(StrEnum):
    """Why an answer earns no points, as stored in `Answer.unscored_reason`."""

    PRACTICE = "practice"
    LATE = "late"
    VIEWED = "looked-up"
    TEST = "test"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    UnscoredReason.PRACTICE: "Practice earns no points, but it counts toward your streak and mastery.",
    UnscoredReason.LATE: "The answer was already out, so no points. It still counts toward your streak and mastery.",
    UnscoredReason.VIEWED: (
        "You'd already seen the answer, so no points. It still counts toward your streak and mastery."
    ),
    UnscoredReason.TEST: "This was a test, so no points.",
}


@dataclass(frozen=True, slots=True)
class KindRules:
    """The rules of one kind of round.

    `for_everyone`: anyone in the workspace may answer, otherwise only the round's own member. `closes`: answers score
    until the round's `closes_at`. `never_scored`: why no answer of this kind earns points; None if they can.
    `stores_answers`: otherwise a member gets a verdict, but nothing is stored.
    """

    for_everyone: bool
    closes: bool
    never_scored: UnscoredReason | None
    stores_answers: bool


ROUND_KINDS: Mapping[RoundKind, KindRules] = MappingProxyType(
    {
        RoundKind.DAILY: KindRules(for_everyone=True, closes=True, never_scored=None, stores_answers=True),
        RoundKind.PRACTICE: KindRules(
            for_everyone=False, closes=False, never_scored=UnscoredReason.PRACTICE, stores_answers=True
        ),
        RoundKind.TEST: KindRules(
            for_everyone=True, closes=False, never_scored=UnscoredReason.TEST, stores_answers=False
        ),
    }
)

CLOSING_KINDS = tuple(kind for kind, rules in ROUND_KINDS.items() if rules.closes)


def may_answer(question_round: Round, context: RequestContext) -> bool:
    """Return whether the member may answer the round."""
    if question_round.workspace_id != context.workspace_id:
        return False
    return ROUND_KINDS[question_round.kind].for_everyone or question_round.member_id == context.member_id


def is_open(question_round: Round, at: datetime) -> bool:
    """Return whether answers to the round can still score."""
    closes = question_round.closes_at if ROUND_KINDS[question_round.kind].closes else None
    return closes is not None and at < closes


def unscored_reason(question_round: Round, at: datetime, *, viewed: bool) -> UnscoredReason | None:
    """Return why an answer given at that time earns no points; None if it does.

    `viewed`: the member has seen this question's answer before.
    """
    rules = ROUND_KINDS[question_round.kind]
    if rules.never_scored is not None:
        return rules.never_scored
    if question_round.closes_at is not None and at >= question_round.closes_at:
        return UnscoredReason.LATE
    return UnscoredReason.VIEWED if viewed else None
