"""Update totals and streak for an accepted answer, in the transaction that stores it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, update

from bot.store import tables
from bot.store.models import Answer, Member, Round
from bot.study.progress import streaks, totals


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """An answer just stored, the round it is for, and the member's current row, which is locked."""

    answer: Answer
    question_round: Round
    member: Member


def add_to_totals(connection: Connection, accepted: AcceptedAnswer) -> AcceptedAnswer:
    """Add a scored answer to the totals of its member and team."""
    if accepted.answer.scored:
        totals.add_points(connection, accepted.answer, accepted.member, points=accepted.answer.points)
    return accepted


_EXTEND_STREAK = update(tables.members).where(tables.members.c.id == bindparam("member"))


def extend_streak(connection: Connection, accepted: AcceptedAnswer) -> AcceptedAnswer:
    """Recompute the streak on the first answer of a day; later ones don't change it, so don't read the history."""
    answer, member = accepted.answer, accepted.member
    if member.last_day == answer.day:
        return accepted
    member = member.model_copy(update={"last_day": answer.day})
    streak = streaks.streak_of(connection, member, answer.accepted_at)
    stored = {"streak": streak.current, "longest": streak.longest, "freezes": streak.freezes}
    connection.execute(_EXTEND_STREAK, {"member": member.id, "last_day": answer.day, **stored})
    return replace(accepted, member=member.model_copy(update=stored))
