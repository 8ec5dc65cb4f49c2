"""Reminders: a message to a member who wants it, before a day ends that would cost a freeze or the streak.

A reminder that is due is moved to its next time in one transaction and sent only afterwards. So each is sent at most
once, whichever process takes it, and a crash loses one rather than sending it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.context.identity import Location
from bot.context.local_time import assigned_day, clock_in_force, day_boundary, instant_of, local_day, next_occurrence
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.errors import DatabaseError
from bot.replies import Button, Buttons, DayMark, Notice, Reply
from bot.store.models import Member
from bot.study.account import queries
from bot.study.members.queries import member_if_stored
from bot.study.progress.streaks import streak_of
from bot.text.plural import plural

log = structlog.get_logger()

BATCH_SIZE = 80
"""Reminders taken at once. A crash may lose this many, and the next run's posts may have to wait for this many."""
MAX_SENDERS = 8
SEND_TIMEOUT = 20.0
"""Seconds a platform has for each reminder."""
MAX_DELAY = timedelta(hours=2)
"""A reminder later than this is skipped: its member is asleep, or the day is over."""
EVERY_DAY = "0123456"
BUTTONS = Buttons((Button("Practice now", "question", "primary"), Button("No more reminders", "remind off")))


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A reminder to send: to whom, the time it was due, and the time of the member's next one."""

    member_id: int
    external_id: str
    location: Location
    due: datetime
    following: datetime | None


def next_reminder(
    member: Member, workspace_zone: str, after: datetime, *, after_day: date | None = None
) -> datetime | None:
    """Return the time of the member's next reminder, by the clock in effect then; None if they want none.

    `workspace_zone` is for a member without their own. With `after_day`, the reminder is on a later day of theirs.
    """
    moment = after
    while member.remind_at is not None:
        before, change = moment, member.next_from
        _, moment = next_occurrence(before, member.remind_at, _zone(member, workspace_zone, before), EVERY_DAY)
        if change is not None and before < change <= moment:
            before = change - timedelta.resolution
            _, moment = next_occurrence(before, member.remind_at, _zone(member, workspace_zone, change), EVERY_DAY)
        if after_day is None or assigned_day(member, moment) > after_day:
            return moment
    return None


def rescheduled(member: Member, workspace_zone: str, at: datetime) -> datetime | None:
    """Return the time of the next reminder after a change of the member's clock.

    No day gets a second reminder, even if a move west makes it longer.
    """
    if member.next_reminder is None:
        return None
    had_todays = member.next_reminder >= day_boundary(at, *clock_in_force(member, at))
    return next_reminder(member, workspace_zone, at, after_day=assigned_day(member, at) if had_todays else None)


def _zone(member: Member, workspace_zone: str, at: datetime) -> str:
    return clock_in_force(member, at)[0] if member.zone else workspace_zone


async def send_due(study: Study, now: datetime) -> int:
    """Send the reminders that are due on the platforms of this process; return how many were sent.

    Stop after a batch in which a platform didn't answer, so that the next run's posts aren't delayed.
    """
    count = 0
    while study.outboxes:
        taken, reminders = await study.store.transaction(_take_batch, tuple(study.outboxes), now)
        queue = iter(reminders)
        results = await asyncio.gather(*(_send_from(study, queue) for _ in range(min(MAX_SENDERS, len(reminders)))))
        count += sum(sent for sent, _ in results)
        if taken < BATCH_SIZE or any(unanswered for _, unanswered in results):
            break
    return count


def _take_batch(connection: Connection, platforms: tuple[str, ...], now: datetime) -> tuple[int, list[DueReminder]]:
    """Move a batch to their next times; return its size, and the reminders in it that are still worth sending."""
    batch = queries.lock_due_reminders(connection, platforms, now, BATCH_SIZE)
    reminders, next_times = [], {}
    for member, workspace in batch:
        due, next_times[member.id] = _due_and_next(member, workspace.zone, now)
        if due is not None and workspace.left_at is None:
            location = Location(workspace.platform, workspace.external_id, "", workspace.name)
            reminders.append(DueReminder(member.id, member.external_id, location, due, next_times[member.id]))
    queries.set_next_reminders(connection, next_times)
    return len(batch), reminders


def _due_and_next(member: Member, workspace_zone: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the due time (None if it's too long ago, or from an outdated clock) and the next one."""
    due = member.next_reminder
    if due is not None and (now - due > MAX_DELAY or not _fits_clock(member, workspace_zone, due)):
        due = next_reminder(member, workspace_zone, now - MAX_DELAY)  # after a long pause a later one may be due
    if due is None or due > now:
        return None, due
    return due, next_reminder(member, workspace_zone, now, after_day=assigned_day(member, due))


def _fits_clock(member: Member, workspace_zone: str, due: datetime) -> bool:
    """Return whether the time fits the member's zone, which their first answer may have changed since."""
    zone = _zone(member, workspace_zone, due)
    return member.remind_at is not None and instant_of(local_day(due, zone), member.remind_at, zone) == due


async def _send_from(study: Study, queue: Iterator[DueReminder]) -> tuple[int, bool]:
    """Send reminders until the queue is empty; return how many, and whether a platform left one unanswered."""
    sent, unanswered = 0, False
    for reminder in queue:
        try:
            sent += await _send(study, reminder)
        except (OSError, TimeoutError, DatabaseError) as problem:
            log.warning("not reminded", member=reminder.member_id, problem=type(problem).__name__)
            unanswered = True
        except Exception:  # one that can't be sent must not hold up the others
            log.exception("reminder failed", member=reminder.member_id)
    return sent, unanswered


async def _send(study: Study, reminder: DueReminder) -> bool:
    # Now, not at the start of the turn: the reminders before this one may have taken long.
    text = await study.store.query(_text, reminder, study.clock())
    if text is None:
        return False
    reply, key = Reply.of(Notice(text), BUTTONS), f"reminder-{reminder.member_id}-{reminder.due:%Y%m%dT%H%M}"
    outbox = study.outboxes[reminder.location.platform]
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await outbox.send_direct(reminder.location, reminder.external_id, reply, key)
    except PostError as refusal:
        log.warning("not reminded", member=reminder.member_id, reason=str(refusal), retry=refusal.retry)
        if not refusal.retry:
            await study.store.transaction(queries.stop_reminders, reminder.member_id, reminder.following, str(refusal))
        return False
    log.info("reminded", member=reminder.member_id)
    return True


def _text(connection: Connection, reminder: DueReminder, now: datetime) -> str | None:
    """Return what the day would cost without another answer; None if nothing, or if there's no longer a reason to send.

    The member may have turned the reminder off or changed it, or the day may be over.
    """
    member = member_if_stored(connection, reminder.member_id)
    if member is None or member.next_reminder != reminder.following:
        return None
    today = assigned_day(member, now)
    if today != assigned_day(member, reminder.due) or now - reminder.due > MAX_DELAY:
        return None
    streak = streak_of(connection, member, now)
    if not streak.current or streak.marks[-1] != (today, DayMark.OPEN):
        return None
    # What today will have been, seen from so much later that no answer soon after midnight could bridge it.
    later = day_boundary(now, *clock_in_force(member, now)) + timedelta(days=2)
    outcome = dict(streak_of(connection, member, later).marks)[today]
    days = plural(streak.current, "day")
    if outcome is DayMark.MISSED:
        return f"Your streak of {days} ends tonight unless you answer a question. Any question will do."
    if outcome is DayMark.FREEZE:
        return f"Answer a question to extend your streak of {days}, or you'll use a freeze (you have {streak.freezes})."
    return None
