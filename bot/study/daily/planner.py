"""What is due: schedules become deliveries, one for each scheduled date; `sending` posts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import structlog
from sqlalchemy import exists
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, delete, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.local_time import instant_of, next_occurrence
from bot.context.study import Study
from bot.store.models import DeliveryKind, DeliveryState, RoundKind, ScheduleState
from bot.store.orm import Answer, Delivery, Round, Schedule
from bot.study.daily import questions
from bot.study.practice.rounds import new_round
from bot.study.workspaces import custom_questions
from knowledge.questions import Bank

log = structlog.get_logger()

BATCH = 200
"""Schedules a transaction enqueues: 500 stalled the event loop for 0.2 s."""
LATE = timedelta(minutes=15)
"""What a post may wait in the queue, or for another try, without being a late one."""


async def enqueue_due(study: Study, now: datetime) -> int:
    """Enter a delivery for every schedule that has come due; how many schedules there were."""
    count = 0
    own_banks = await custom_questions.banks_of_due(study, now)
    while True:
        async with study.store.write() as session:
            query = (
                select(Schedule)
                .where(col(Schedule.next_due) <= now)
                .order_by(col(Schedule.next_due))
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            )
            due = (await session.exec(query)).all()
            await _enqueue(study, session, due, own_banks, now)
            if len(due) < BATCH:
                await _resume(session, now)
                await _pass_over(session, now, timedelta(hours=study.rules.late_hours))
        count += len(due)
        if len(due) < BATCH:
            return count


async def _resume(session: AsyncSession, now: datetime) -> None:
    """Schedules paused until a date are active again when it has come in their zone."""
    query = select(Schedule).where(
        Schedule.state == ScheduleState.PAUSED, col(Schedule.paused_until) <= (now + timedelta(days=1)).date()
    )
    for schedule in (await session.exec(query.with_for_update(skip_locked=True))).all():
        if instant_of(schedule.paused_until or now.date(), time.min, schedule.zone) <= now:
            schedule.state, schedule.paused_until = ScheduleState.ACTIVE, None
            session.add(schedule)


async def _pass_over(session: AsyncSession, now: datetime, late: timedelta) -> None:
    """Skip questions that nobody has posted while it made sense, such as those of a platform whose process was down.

    A channel gets one late question at most, so one that a later question of the channel waits behind is skipped too.
    What somebody has answered was posted, even if that was never recorded: it is taken up again under its key.
    """
    newer = aliased(Delivery)
    answered = exists().where(col(Round.delivery_id) == Delivery.id, col(Answer.round_id) == Round.id)
    closed = exists().where(col(Round.delivery_id) == Delivery.id, col(Round.closes_at) <= now)
    followed = exists().where(
        col(newer.channel_id) == Delivery.channel_id,
        col(newer.kind) == DeliveryKind.DAILY,
        col(newer.due_at) > Delivery.due_at,
        col(newer.due_at) <= now,
        col(newer.state).not_in((DeliveryState.FAILED, DeliveryState.SKIPPED)),
    )
    skipped = await session.exec(
        update(Delivery)
        .where(
            col(Delivery.kind) == DeliveryKind.DAILY,
            col(Delivery.state).in_((DeliveryState.DUE, DeliveryState.SENDING)),
            col(Delivery.message_ref).is_(None),  # else it is posted, and waits for its thread or pin
            or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now),
            or_(col(Delivery.due_at) < now - late, closed, and_(col(Delivery.due_at) < now - LATE, followed)),
            ~answered,
        )
        .values(state=DeliveryState.SKIPPED, problem="too late", lease_until=None)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )
    gone = [id for (id,) in skipped.all()]
    if gone:  # their questions were not asked, and may come another day
        await session.exec(delete(Round).where(col(Round.delivery_id).in_(gone)))
        log.warning("too late to post", deliveries=gone)


def activate(schedule: Schedule, *, after: datetime) -> None:
    """Let a schedule post again, from the first of its times after a moment."""
    schedule.state, schedule.problem, schedule.paused_until = ScheduleState.ACTIVE, None, None
    schedule.next_day, schedule.next_due = next_occurrence(after, schedule.at, schedule.zone, schedule.weekdays)


async def _enqueue(
    study: Study, session: AsyncSession, schedules: Sequence[Schedule], own_banks: Mapping[int, Bank], now: datetime
) -> None:
    """Deliveries for every time that has passed, and the rounds of those that are to be posted."""
    if not schedules:
        return
    choosing = await questions.Choosing.among(session, study.library.bank, own_banks, schedules)
    late = timedelta(hours=study.rules.late_hours)
    there = await _entered(session, schedules)
    entered = [entry for schedule in schedules for entry in _entries(schedule, choosing, there, now, late)]
    session.add_all(schedules)
    session.add_all(delivery for delivery, _ in entered)
    await session.flush()
    for delivery, round in entered:
        if round is not None:
            round.delivery_id = delivery.id
            session.add(round)


async def _entered(session: AsyncSession, schedules: Sequence[Schedule]) -> set[tuple[int, date]]:
    """Days of these schedules, from the first that is due on, that have their delivery already.

    A manager's `resume` may set a time that has just been swept; entering it again would fail the whole batch.
    """
    query = select(col(Delivery.schedule_id), col(Delivery.day)).where(
        col(Delivery.schedule_id).in_([schedule.id for schedule in schedules]),
        Delivery.kind == DeliveryKind.DAILY,
        col(Delivery.day) >= min(schedule.next_day for schedule in schedules if schedule.next_day),
    )
    return set((await session.exec(query)).all())


def _entries(
    schedule: Schedule,
    choosing: questions.Choosing,
    there: set[tuple[int, date]],
    now: datetime,
    late: timedelta,
) -> Iterator[tuple[Delivery, Round | None]]:
    """Move a schedule on to its next time; of those that have passed, only the latest may still be posted."""
    while schedule.next_due and schedule.next_day and schedule.next_due <= now:
        day, due = schedule.next_day, schedule.next_due
        schedule.next_day, schedule.next_due = next_occurrence(due, schedule.at, schedule.zone, schedule.weekdays)
        if (schedule.id, day) in there:
            continue
        delivery = Delivery(
            schedule_id=schedule.id, channel_id=schedule.channel_id, kind=DeliveryKind.DAILY, day=day, due_at=due
        )
        closes = questions.reveal_at(schedule, day)
        problem, question = _rest(schedule, day), None
        if not problem and (schedule.next_due <= now or now - due > late or closes <= now):
            problem = "too late"
        if not problem and (question := choosing.next(schedule)) is None:
            problem = "no question fits the schedule"
            log.warning("nothing to ask", schedule=schedule.id)
        if question is None:
            delivery.state, delivery.problem = DeliveryState.SKIPPED, problem
            yield delivery, None
            continue
        channel = choosing.channels[schedule.channel_id]
        round = new_round(
            question,
            workspace_id=channel.workspace_id,
            channel_id=channel.id,
            kind=RoundKind.DAILY,
            at=due,
            closes=closes,
        )
        yield delivery, round


def _rest(schedule: Schedule, day: date) -> str:
    """Why the schedule posts nothing on a day, which then is excused; empty if it does."""
    match schedule.state:
        case ScheduleState.PAUSED if schedule.paused_until is None or day < schedule.paused_until:
            return "paused"
        case ScheduleState.FAILED:
            return "stopped"
        case _:
            return ""
