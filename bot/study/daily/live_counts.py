"""Update posted questions with the number of answers so far, a message at a time and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from bot.context.identity import Location
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.store import tables
from bot.store.models import Round
from bot.study.daily.posts import question_post
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

log = structlog.get_logger()

FAST_FOR = timedelta(hours=1)
"""How long after its post a question is updated at the fast interval."""
FAST_INTERVAL, SLOW_INTERVAL = timedelta(seconds=10), timedelta(minutes=10)
"""The least time between two edits of one message, during FAST_FOR and afterwards."""
BATCH_SIZE = 50
EDIT_TIMEOUT = 20.0
"""Seconds a platform has for one edit."""

deliveries, rounds, answers = tables.deliveries.c, tables.rounds.c, tables.answers.c
channels, workspaces = tables.channels.c, tables.workspaces.c


@dataclass(frozen=True, slots=True)
class _Count:
    location: Location
    message_ref: str
    question_round: Round
    answers: int


async def update_counts(study: Study) -> int:
    """Edit the messages whose count is due, and return how many were edited."""
    due = await study.store.transaction(_take_due, list(study.outboxes), study.clock()) if study.outboxes else []
    return sum(await asyncio.gather(*(_show(study, count) for count in due)))


_our_channels = (
    select(channels.id)
    .join_from(tables.channels, tables.workspaces, workspaces.id == channels.workspace_id)
    .where(workspaces.platform.in_(bindparam("platforms", expanding=True)), workspaces.left_at.is_(None))
)
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
        deliveries.channel_id.in_(_our_channels),
    )
    .order_by(deliveries.count_due)
    .limit(BATCH_SIZE)
    .with_for_update(of=tables.deliveries, skip_locked=True)
)
_COUNTS = (
    select(
        tables.rounds,
        workspaces.platform.label("platform"),
        workspaces.external_id.label("workspace"),
        channels.external_id.label("channel"),
        workspaces.name.label("workspace_name"),
        channels.name.label("channel_name"),
        func.count(answers.id).label("answers"),
    )
    .join_from(tables.rounds, tables.channels, channels.id == rounds.channel_id)
    .join(tables.workspaces, workspaces.id == channels.workspace_id)
    .join(tables.answers, answers.round_id == rounds.id)
    .where(rounds.delivery_id.in_(bindparam("delivery_ids", expanding=True)))
    .group_by(rounds.id, channels.id, workspaces.id)
)


def _take_due(connection: Connection, platforms: Sequence[str], now: datetime) -> list[_Count]:
    """Return the counts of questions with answers not shown yet.

    They are recorded as shown at once: the next edit makes up for one that fails.
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
    counts = []
    for row in connection.execute(_COUNTS, {"delivery_ids": list(message_refs)}).mappings():
        question_round = Round.of({column.key: row[column] for column in tables.rounds.c})
        location = Location(
            row["platform"], row["workspace"], row["channel"], row["workspace_name"], row["channel_name"]
        )
        counts.append(_Count(location, message_refs[question_round.delivery_id or 0], question_round, row["answers"]))
    return counts


async def _show(study: Study, count: _Count) -> bool:
    """Edit a message to show its count. One that can't be edited is left alone: the count is a courtesy."""
    bank = (await custom_questions.for_workspace(study, count.question_round.workspace_id)).library.bank
    question = unchanged_question(bank, count.question_round)
    if question is None:
        return False
    try:
        async with asyncio.timeout(EDIT_TIMEOUT):
            reply = question_post(count.question_round, question, answers=count.answers)
            await study.outboxes[count.location.platform].edit(count.location, count.message_ref, reply)
    except (PostError, OSError, TimeoutError) as problem:
        log.info("count not shown", round=count.question_round.id, reason=str(problem))
        return False
    return True
