"""Plan what's due: turn schedules into deliveries, one for each scheduled day; `delivery` posts them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

import structlog
from sqlalchemy import Connection

from bot.context.local_time import instant_of, next_occurrence
from bot.context.study import Study
from bot.store.models import Delivery, DeliveryKind, DeliveryState, Round, RoundKind, Schedule, ScheduleState
from bot.study.daily import delivery_queries, schedule_queries
from bot.study.daily.selection import QuestionPicker, question_picker
from bot.study.practice.rounds import new_round
from bot.study.workspaces import custom_questions
from knowledge.questions import Bank

log = structlog.get_logger()

BATCH_SIZE = 100
"""Schedules per transaction. On SQLite, it runs on the event loop: 100 block it for 15 to 30 ms."""
CANNOT_PLAN = "I can't tell when the next question is due. Set the time and the zone again."
QUEUE_GRACE = timedelta(minutes=15)
"""How long a post may sit in the queue, or wait for a retry, before it counts as late."""


async def enqueue_due(study: Study, now: datetime) -> int:
    """Enqueue a delivery for every schedule that's due, and return how many schedules there were."""
    count = 0
    custom_banks = await custom_questions.banks_of_due(study, now)
    while True:
        size = await study.store.transaction(_enqueue_batch, study, custom_banks, now)
        count += size
        if size < BATCH_SIZE:
            return count
        await asyncio.sleep(0)  # whoever became ready during the batch goes before the next one


def _enqueue_batch(connection: Connection, study: Study, custom_banks: Mapping[int, Bank], now: datetime) -> int:
    """Enqueue one batch and return its size; the last batch also ends pauses and skips late questions."""
    due = schedule_queries.lock_due(connection, now, BATCH_SIZE)
    max_delay = timedelta(hours=study.rules.late_hours)
    if due:
        _enqueue(connection, due, question_picker(connection, study.library.bank, custom_banks, due), now, max_delay)
    if len(due) < BATCH_SIZE:
        _end_pauses(connection, now)
        if skipped := delivery_queries.skip_late(connection, now, max_delay, QUEUE_GRACE):
            log.warning("too late to post", deliveries=skipped)
    return len(due)


def _enqueue(
    connection: Connection, due: Sequence[Schedule], picker: QuestionPicker, now: datetime, max_delay: timedelta
) -> None:
    """Store deliveries for every time that has passed, the rounds of those to be posted, and each schedule's next time.

    A manager's `resume` may set a time that has just been enqueued; such a day is left alone.
    """
    planned: list[tuple[Delivery, Round | None]] = []
    moved: dict[tuple[date, datetime], list[int]] = defaultdict(list)
    for schedule in due:
        assert schedule.next_day is not None and schedule.next_due is not None  # noqa: S101, PT018  # it is due
        following = schedule.next_day, schedule.next_due
        try:
            while following[1] <= now:
                day, instant = following
                following = next_occurrence(instant, schedule.at, schedule.zone, schedule.weekdays)
                # Of several times that have passed, only the last can still be posted.
                late = following[1] <= now or now - instant > max_delay or reveal_at(schedule, day) <= now
                planned.append(_plan(schedule, picker, day, instant, late=late))
        except Exception:  # such as for a zone that a newer list of zones no longer has
            log.exception("schedule stopped", schedule=schedule.id)
            schedule_queries.stop_for_good(connection, schedule.id, CANNOT_PLAN)
            continue
        moved[following].append(schedule.id)
    schedule_queries.set_next(connection, moved)
    delivery_queries.add_questions(connection, planned)


def _plan(
    schedule: Schedule, picker: QuestionPicker, day: date, due: datetime, *, late: bool
) -> tuple[Delivery, Round | None]:
    """Return the delivery for one of a schedule's times, and its round unless it's skipped."""
    delivery = Delivery(
        kind=DeliveryKind.DAILY,
        workspace_id=picker.workspace_of[schedule.channel_id],
        channel_id=schedule.channel_id,
        schedule_id=schedule.id,
        day=day,
        due_at=due,
        available_at=due,
    )
    problem, question = _reason_not_to_post(schedule, day), None
    if not problem and late:
        problem = "too late"
    if not problem and (question := picker.pick(schedule)) is None:
        problem = "no question matches the schedule"
        log.warning("no question to ask", schedule=schedule.id)
    if question is None:
        return delivery.model_copy(update={"state": DeliveryState.SKIPPED, "problem": problem}), None
    return delivery, new_round(
        question,
        workspace_id=picker.workspace_of[schedule.channel_id],
        channel_id=schedule.channel_id,
        kind=RoundKind.DAILY,
        at=due,
        closes=reveal_at(schedule, day),
    )


def _reason_not_to_post(schedule: Schedule, day: date) -> str:
    """Return why the schedule posts nothing on a day, which is then excused; empty if it does post."""
    match schedule.state:
        case ScheduleState.PAUSED if schedule.paused_until is None or day < schedule.paused_until:
            return "paused"
        case ScheduleState.FAILED:
            return "stopped"
        case _:
            return ""


def _end_pauses(connection: Connection, now: datetime) -> None:
    """Make schedules active again once their pause has ended, in their own zone."""
    over = [
        schedule.id
        for schedule in schedule_queries.lock_paused(connection, (now + timedelta(days=1)).date())
        if schedule.paused_until and instant_of(schedule.paused_until, time.min, schedule.zone) <= now
    ]
    if over:
        schedule_queries.end_pause(connection, over)


def reveal_at(schedule: Schedule, day: date) -> datetime:
    """Return when that day's answer is revealed: on the same day if `reveal` is later than `at`, else on the next."""
    return instant_of(day if schedule.reveal > schedule.at else day + timedelta(days=1), schedule.reveal, schedule.zone)


def activated(schedule: Schedule, *, after: datetime) -> Schedule:
    """Return the schedule active again, with its first time after a moment as its next."""
    active = {"state": ScheduleState.ACTIVE, "problem": None, "paused_until": None}
    return moved_on(schedule.model_copy(update=active), after=after)


def moved_on(schedule: Schedule, *, after: datetime) -> Schedule:
    """Return the schedule with its first time after a moment as its next."""
    day, due = next_occurrence(after, schedule.at, schedule.zone, schedule.weekdays)
    return schedule.model_copy(update={"next_day": day, "next_due": due})
