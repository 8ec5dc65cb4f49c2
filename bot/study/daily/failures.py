"""What comes of a post that did not get through: another try, or the schedule stops and its managers hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError
from bot.context.study import Study
from bot.replies import Notice, Reply, Tone
from bot.store.models import DeliveryState, ScheduleState
from bot.store.orm import Channel, Delivery, Member, Schedule

log = structlog.get_logger()

LEASE = timedelta(seconds=90)
"""How long whoever takes a delivery up has for it."""
TRIES = 3
DEADLINE = 30.0
"""Seconds for a word to one manager."""


async def failed(study: Study, delivery: Delivery, location: Location, reason: str, *, retry: bool) -> None:
    """Try again after a while, three times in all; then stop the schedule and tell its managers, once."""
    log.warning("not posted", delivery=delivery.id, reason=reason, attempt=delivery.attempts)
    last = not retry or delivery.attempts >= TRIES
    async with study.store.write() as session:
        row = await session.get_one(Delivery, delivery.id, with_for_update=True)
        if row.state is not DeliveryState.SENDING or row.attempts != delivery.attempts:
            return  # the lease had run out, and somebody else has it in hand
        row.problem = reason
        if not last:
            row.state, row.lease_until = DeliveryState.DUE, study.clock() + LEASE * row.attempts
            return
        row.lease_until = None
        posted = row.message_ref is not None
        row.state = DeliveryState.DONE if posted else DeliveryState.FAILED
        managers = [] if posted else await _stopped(session, row, reason)
    if posted:
        await half_done(study, delivery, location, reason)
    elif managers is not None:
        where = location.channel_name or location.channel
        words = f"The daily question in {where} is paused: {reason} When that is mended: `schedule resume` there."
        await _tell(study, location, managers, words, f"paused-{delivery.id}")


async def _stopped(session: AsyncSession, delivery: Delivery, reason: str) -> Sequence[str] | None:
    """Stop the schedule; who is to hear of it, None where it had stopped already."""
    stopped = await session.exec(
        update(Schedule)
        .where(col(Schedule.id) == delivery.schedule_id, col(Schedule.state) == ScheduleState.ACTIVE)
        .values(state=ScheduleState.FAILED, problem=reason)
    )
    return await _managers(session, delivery) if stopped.rowcount else None


async def half_done(study: Study, delivery: Delivery, location: Location, reason: str) -> None:
    """The question is posted, without its thread or pin: kept with the schedule, and told where it is news."""
    log.warning("posted without its thread or pin", delivery=delivery.id, reason=reason)
    async with study.store.write() as session:
        schedule = await session.get_one(Schedule, delivery.schedule_id, with_for_update=True)
        if schedule.problem == reason:
            return
        schedule.problem = reason
        session.add(schedule)
        managers = await _managers(session, delivery)
    words = f"The daily question is in {location.channel_name or location.channel}, but not all of it: {reason}"
    await _tell(study, location, managers, words, f"half-{delivery.id}")


async def mended(study: Study, delivery: Delivery) -> None:
    """Thread and pin came through: should they fail another day, that is news again."""
    async with study.store.write() as session:
        await session.exec(
            update(Schedule)
            .where(
                col(Schedule.id) == delivery.schedule_id,
                col(Schedule.state) == ScheduleState.ACTIVE,
                col(Schedule.problem).is_not(None),
            )
            .values(problem=None)
        )


async def _managers(session: AsyncSession, delivery: Delivery) -> Sequence[str]:
    """Those named here, and whoever set the schedule up."""
    maker = select(Schedule.made_by).where(Schedule.id == delivery.schedule_id).scalar_subquery()
    here = select(Channel.workspace_id).where(Channel.id == delivery.channel_id).scalar_subquery()
    query = select(Member.external_id).where(
        Member.workspace_id == here, or_(col(Member.manager).is_(True), col(Member.id) == maker)
    )
    return (await session.exec(query)).all()


async def _tell(study: Study, location: Location, managers: Sequence[str], words: str, key: str) -> None:
    outbox = study.outboxes[location.platform]
    for manager in managers or await _owners(outbox, location):
        try:
            async with asyncio.timeout(DEADLINE):
                await outbox.send_direct(location, manager, Reply.of(Notice(words, Tone.PROBLEM)), f"{key}-{manager}")
        except (PostError, OSError, TimeoutError) as problem:
            log.warning("manager not told", reason=str(problem))


async def _owners(outbox: Outbox, location: Location) -> Sequence[str]:
    try:
        async with asyncio.timeout(DEADLINE):
            return await outbox.owners(location)
    except (PostError, OSError, TimeoutError) as problem:
        log.warning("nobody to tell", reason=str(problem))
        return ()
