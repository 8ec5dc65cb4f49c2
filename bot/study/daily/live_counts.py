"""Live counts: a posted question says how many have answered it, at a gentle pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import func
from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Location
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.store.orm import Answer, Channel, Delivery, Round, Workspace
from bot.study.daily import questions
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

log = structlog.get_logger()

FRESH = timedelta(hours=1)
"""How long after its post a question is watched closely."""
CLOSE, WIDE = timedelta(seconds=10), timedelta(minutes=10)
"""The least time between two edits of one message: while it is fresh, and afterwards."""
BATCH = 50
DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class _Count:
    location: Location
    ref: str
    round: Round
    answers: int


async def sweep(study: Study) -> int:
    """Edit the counts whose turn it is; how many messages were edited."""
    due = await _due(study) if study.outboxes else []
    return sum(await asyncio.gather(*(_show(study, count) for count in due)))


async def _due(study: Study) -> list[_Count]:
    """Questions with answers not yet shown. Marked as shown at once: an edit that fails is made up for by the next."""
    now = study.clock()
    close = and_(
        col(Delivery.posted_at) > now - FRESH,
        or_(col(Delivery.counted_at).is_(None), col(Delivery.counted_at) <= now - CLOSE),
    )
    wide = or_(
        and_(col(Delivery.counted_at).is_(None), col(Delivery.posted_at) <= now - FRESH),
        col(Delivery.counted_at) <= now - WIDE,
    )
    ours = (
        select(Channel.id)
        .join(Workspace, col(Workspace.id) == Channel.workspace_id)
        .where(col(Workspace.platform).in_(study.outboxes), col(Workspace.left_at).is_(None))
    )
    turn = (
        select(Delivery)
        .where(
            col(Delivery.count_due).is_not(None),
            col(Delivery.message_ref).is_not(None),
            or_(close, wide),
            col(Delivery.channel_id).in_(ours),
        )
        .order_by(col(Delivery.count_due))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    async with study.store.write() as session:
        due = (await session.exec(turn)).all()
        for delivery in due:
            delivery.count_due, delivery.counted_at = None, now
            session.add(delivery)
        return await _counts(session, {delivery.id: delivery.message_ref or "" for delivery in due}, study)


async def _counts(session: AsyncSession, refs: dict[int, str], study: Study) -> list[_Count]:
    query = (
        select(Round, Channel, Workspace, func.count(col(Answer.id)))
        .join(Channel, col(Channel.id) == Round.channel_id)
        .join(Workspace, col(Workspace.id) == Channel.workspace_id)
        .join(Answer, col(Answer.round_id) == Round.id)
        .where(col(Round.delivery_id).in_(refs))
        .group_by(col(Round.id), col(Channel.id), col(Workspace.id))
    )
    found = (await session.exec(query)).all() if refs else []
    return [
        _Count(
            Location(workspace.platform, workspace.external_id, channel.external_id, workspace.name, channel.name),
            refs[round.delivery_id or 0],
            round,
            answers,
        )
        for round, channel, workspace, answers in found
    ]


async def _show(study: Study, count: _Count) -> bool:
    """The question anew with its count. A message that can't be edited stays as it is: the count is a courtesy."""
    bank = (await custom_questions.for_workspace(study, count.round.workspace_id)).library.bank
    question = unchanged_question(bank, count.round)
    if question is None:
        return False
    try:
        async with asyncio.timeout(DEADLINE):
            reply = questions.post(count.round, question, answers=count.answers)
            await study.outboxes[count.location.platform].edit(count.location, count.ref, reply)
    except (PostError, OSError, TimeoutError) as problem:
        log.info("count not shown", round=count.round.id, reason=str(problem))
        return False
    return True
