"""SQL statements for the number of answers that a posted question shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from bot.context.identity import Location
from bot.store import tables
from bot.store.models import Round
from bot.study.daily.delivery_queries import ON_PLATFORMS
from bot.study.members.queries import location_of

FAST_FOR = timedelta(hours=1)
"""How long after its post a question is updated at the fast interval."""
FAST_INTERVAL, SLOW_INTERVAL = timedelta(seconds=10), timedelta(minutes=10)
"""The minimum time between two edits of one message, during FAST_FOR and afterwards."""
BATCH_SIZE = 50

deliveries, rounds, answers = tables.deliveries.c, tables.rounds.c, tables.answers.c
channels, workspaces = tables.channels.c, tables.workspaces.c


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """The number of answers that a message should show."""

    location: Location
    message_ref: str
    question_round: Round
    answers: int


_fast_due = and_(
    deliveries.posted_at > bindparam("fast_since"),
    or_(deliveries.counted_at.is_(None), deliveries.counted_at <= bindparam("fast_counted")),
)
_slow_due = or_(
    and_(deliveries.counted_at.is_(None), deliveries.posted_at <= bindparam("fast_since")),
    deliveries.counted_at <= bindparam("slow_counted"),
)
_DUE = (
    select(deliveries.id, deliveries.message_ref)
    .where(
        deliveries.count_due.is_not(None),
        deliveries.message_ref.is_not(None),
        or_(_fast_due, _slow_due),
        ON_PLATFORMS,
    )
    .order_by(deliveries.count_due)
    .limit(BATCH_SIZE)
    .with_for_update(of=tables.deliveries, skip_locked=True)
)
_COUNTS = (
    select(tables.rounds, tables.channels, tables.workspaces, func.count(answers.id).label("answers"))
    .join_from(tables.rounds, tables.channels, channels.id == rounds.channel_id)
    .join(tables.workspaces, workspaces.id == channels.workspace_id)
    .join(tables.answers, answers.round_id == rounds.id)
    .where(rounds.delivery_id.in_(bindparam("delivery_ids", expanding=True)))
    .group_by(rounds.id, channels.id, workspaces.id)
)


def take_due_counts(connection: Connection, platforms: Sequence[str], now: datetime) -> list[AnswerCount]:
    """Return the counts of questions with answers not shown yet, and record them as shown.

    If an edit then fails, the next one makes up for it.
    """
    moments = {
        "fast_since": now - FAST_FOR,
        "fast_counted": now - FAST_INTERVAL,
        "slow_counted": now - SLOW_INTERVAL,
    }
    message_refs = dict(connection.execute(_DUE, {"platforms": list(platforms), **moments}).all())
    if not message_refs:
        return []
    taken = update(tables.deliveries).where(deliveries.id.in_(message_refs))
    connection.execute(taken.values(count_due=None, counted_at=now))
    return [
        AnswerCount(
            location_of(row),
            message_refs[row[rounds.delivery_id]],
            Round.of(tables.columns_of(row, tables.rounds)),
            row["answers"],
        )
        for row in connection.execute(_COUNTS, {"delivery_ids": list(message_refs)}).mappings()
    ]
