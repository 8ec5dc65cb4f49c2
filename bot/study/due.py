"""What is due: schedules become deliveries, deliveries become posts, each exactly once, whoever crashes when.

`sweep` only writes rows; `send` takes one row at a time under a lease, posts outside any transaction, and records
it. A process that dies in between leaves a lease that runs out, and another takes the row up under the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.replies import Notice, Reply, Tone
from bot.store.tables import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Member,
    Round,
    RoundKind,
    Schedule,
    ScheduleState,
    Workspace,
)
from bot.store.upsert import insert
from bot.study import daily
from bot.study.context import CannotPost, Place, Study
from bot.study.days import instant_of, next_occurrence
from bot.study.rounds import new_round

log = structlog.get_logger()

BATCH = 200
"""Schedules a transaction enqueues: 500 stalled the event loop for 0.2 s."""
LEASE = timedelta(seconds=90)
DEADLINE = 60.0
"""Seconds a platform has for one post; shorter than the lease, so that the lease need not be renewed."""
TRIES = 3
SENDERS = 8
OPEN = (DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.POSTED)


async def sweep(study: Study, now: datetime) -> int:
    """Enter a delivery for every schedule that has come due; how many schedules there were."""
    count = 0
    while True:
        async with study.store.write() as session:
            await _resume(session, now)
            query = (
                select(Schedule)
                .where(col(Schedule.next_due) <= now)
                .order_by(col(Schedule.next_due))
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            due = (await session.exec(query)).all()
            await _enqueue(study, session, due, now)
        count += len(due)
        if len(due) < BATCH:
            return count


async def _resume(session: AsyncSession, now: datetime) -> None:
    """Schedules paused until a date take their times up again when it has come in their zone."""
    query = select(Schedule).where(
        Schedule.state == ScheduleState.PAUSED, col(Schedule.paused_until) <= (now + timedelta(days=1)).date()
    )
    for schedule in (await session.exec(query.with_for_update(skip_locked=True))).all():
        start = instant_of(schedule.paused_until or now.date(), time.min, schedule.zone)
        if start <= now:
            activate(schedule, after=start - timedelta(microseconds=1))


def activate(schedule: Schedule, *, after: datetime) -> None:
    """Let a schedule post again, from the first of its times after a moment."""
    schedule.state, schedule.problem, schedule.paused_until = ScheduleState.ACTIVE, None, None
    schedule.next_day, schedule.next_due = next_occurrence(after, schedule.at, schedule.zone, schedule.weekdays)


async def _enqueue(study: Study, session: AsyncSession, schedules: Sequence[Schedule], now: datetime) -> None:
    """Deliveries for every time that has passed, and the rounds of those that are to be posted."""
    choosing = await daily.Choosing.among(session, study.library.bank, schedules)
    late = timedelta(hours=study.rules.late_hours)
    entered = [entry for schedule in schedules for entry in _entries(schedule, choosing, now, late)]
    session.add_all(schedules)
    session.add_all(delivery for delivery, _ in entered)
    await session.flush()
    for delivery, round in entered:
        if round is not None:
            round.delivery_id = delivery.id
            session.add(round)


def _entries(
    schedule: Schedule, choosing: daily.Choosing, now: datetime, late: timedelta
) -> Iterator[tuple[Delivery, Round | None]]:
    """Move a schedule on to its next time; of those that have passed, only the latest may still be posted."""
    while schedule.next_due and schedule.next_day and schedule.next_due <= now:
        day, due = schedule.next_day, schedule.next_due
        schedule.next_day, schedule.next_due = next_occurrence(due, schedule.at, schedule.zone, schedule.weekdays)
        delivery = Delivery(
            schedule_id=schedule.id, channel_id=schedule.channel_id, kind=DeliveryKind.DAILY, day=day, due_at=due
        )
        closes = daily.reveal_at(schedule, day)
        if schedule.next_due <= now or now - due > late or closes <= now:
            delivery.state, delivery.problem = DeliveryState.SKIPPED, "too late"
            yield delivery, None
        elif (question := choosing.next(schedule)) is None:
            delivery.state, delivery.problem = DeliveryState.SKIPPED, "no question fits the schedule"
            log.warning("nothing to ask", schedule=schedule.id)
            yield delivery, None
        else:
            channel = choosing.channels[schedule.channel_id]
            yield (
                delivery,
                new_round(
                    question,
                    workspace_id=channel.workspace_id,
                    channel_id=channel.id,
                    kind=RoundKind.DAILY,
                    at=due,
                    closes=closes,
                ),
            )


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in hand: where it goes and what it says."""

    delivery: Delivery
    place: Place
    reply: Reply
    round: Round


async def send(study: Study, now: datetime) -> int:
    """Post everything that is due on the platforms of this process; how many posts there were."""

    async def one_by_one() -> int:
        count = 0
        while (claim := await _claim(study, now)) is not None:
            count += await _post(study, claim, now)
        return count

    return sum(await asyncio.gather(*(one_by_one() for _ in range(SENDERS if study.outboxes else 0))))


async def _claim(study: Study, now: datetime) -> Claim | None:
    """Take the delivery that waits longest, for as long as the lease lasts."""
    asked = aliased(Delivery)  # a reveal speaks of the round of its day's question
    query = (
        select(Delivery, Channel, Workspace, Round)
        .join(Channel, col(Channel.id) == Delivery.channel_id)
        .join(Workspace, col(Workspace.id) == Channel.workspace_id)
        .join(
            asked,
            and_(
                col(asked.schedule_id) == Delivery.schedule_id,
                col(asked.day) == Delivery.day,
                col(asked.kind) == DeliveryKind.DAILY,
            ),
        )
        .join(Round, col(Round.delivery_id) == asked.id)
        .where(
            col(Delivery.state).in_(OPEN),
            col(Delivery.due_at) <= now,
            or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now),
            col(Workspace.platform).in_(study.outboxes),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(1)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    async with study.store.write() as session:
        found = (await session.exec(query)).first()
        if found is None:
            return None
        delivery, channel, workspace, round = found
        delivery.state, delivery.lease_until = DeliveryState.SENDING, now + LEASE
        delivery.attempts += 1
        session.add(delivery)
        place = Place(workspace.platform, workspace.external_id, channel.external_id, workspace.name, channel.name)
        return Claim(delivery, place, await _words(study, session, delivery, round, now), round)


async def _words(study: Study, session: AsyncSession, delivery: Delivery, round: Round, now: datetime) -> Reply:
    question = study.library.bank.get(round.question_id)
    if question is None:
        return Reply.of(Notice("The question of this day has left the bank since.", Tone.WARNING))
    if delivery.kind is DeliveryKind.REVEAL:
        return await daily.reveal(session, round, question, now)
    return daily.post(round, question)


async def _post(study: Study, claim: Claim, now: datetime) -> bool:
    outbox = study.outboxes[claim.place.platform]
    key = f"delivery-{claim.delivery.id}"
    try:
        async with asyncio.timeout(DEADLINE):
            ref = await outbox.post(claim.place, claim.reply, key)
    except CannotPost as refusal:
        await _failed(study, claim, str(refusal), retry=refusal.retry, now=now)
        return False
    except (OSError, TimeoutError) as problem:
        await _failed(study, claim, f"{claim.place.platform} did not answer ({type(problem).__name__}).", True, now)
        return False
    except Exception as problem:  # a renderer's mistake must not stop the other channels' posts
        log.exception("post failed", delivery=claim.delivery.id)
        await _failed(study, claim, f"the post could not be made ({type(problem).__name__}).", True, now)
        return False
    async with study.store.write() as session:
        await session.exec(
            update(Delivery)
            .where(col(Delivery.id) == claim.delivery.id)
            .values(state=DeliveryState.DONE, message_ref=ref, posted_at=now, lease_until=None, problem=None)
        )
        if claim.delivery.kind is DeliveryKind.DAILY:
            await session.exec(
                insert(session, Delivery)
                .values(
                    schedule_id=claim.delivery.schedule_id,
                    channel_id=claim.delivery.channel_id,
                    kind=DeliveryKind.REVEAL,
                    day=claim.delivery.day,
                    due_at=claim.round.closes_at,
                    state=DeliveryState.DUE,
                    attempts=0,
                )
                .on_conflict_do_nothing()
            )
    log.info("posted", delivery=claim.delivery.id, kind=claim.delivery.kind.value)
    return True


async def _failed(study: Study, claim: Claim, reason: str, retry: bool, now: datetime) -> None:
    """Try again after a while, three times in all; then pause the schedule and tell its managers, once."""
    log.warning("not posted", delivery=claim.delivery.id, reason=reason, attempt=claim.delivery.attempts)
    last = not retry or claim.delivery.attempts >= TRIES
    async with study.store.write() as session:
        delivery = await session.get_one(Delivery, claim.delivery.id, with_for_update=True)
        delivery.problem = reason
        if not last:
            delivery.state, delivery.lease_until = DeliveryState.DUE, now + LEASE * delivery.attempts
            return
        delivery.state, delivery.lease_until = DeliveryState.FAILED, None
        stopped = await session.exec(
            update(Schedule)
            .where(col(Schedule.id) == delivery.schedule_id, col(Schedule.state) == ScheduleState.ACTIVE)
            .values(state=ScheduleState.FAILED, problem=reason, next_due=None, next_day=None)
        )
        query = select(Member.external_id).where(
            Member.workspace_id == claim.round.workspace_id, col(Member.manager).is_(True)
        )
        managers = (await session.exec(query)).all() if stopped.rowcount else []
    where = claim.place.channel_name or claim.place.channel
    words = f"The daily question in {where} is paused: {reason} When that is mended: `schedule resume` there."
    for manager in managers:
        try:
            async with asyncio.timeout(DEADLINE):
                await study.outboxes[claim.place.platform].tell(
                    claim.place, manager, Reply.of(Notice(words, Tone.PROBLEM)), f"paused-{claim.delivery.id}-{manager}"
                )
        except (CannotPost, OSError, TimeoutError) as problem:
            log.warning("manager not told", reason=str(problem))
