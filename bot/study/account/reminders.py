"""Reminders: a message to a member who wants it, before a day ends that would cost a freeze or the streak.

A reminder that is due is enqueued, and the member's next one is set, in one transaction.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from bot.context.local_time import assigned_day, clock_in_force, day_boundary, instant_of, local_day, next_occurrence
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.delivery import queue
from bot.delivery.kinds import DONE, AbandonedError, DeliveryType, Outcome
from bot.delivery.queue import Claim
from bot.replies import Button, Buttons, DayMark, Notice, Reply
from bot.store.models import Delivery, DeliveryKind, DeliveryState, Member
from bot.study.account import queries
from bot.study.members.queries import member_if_stored, member_with_zone
from bot.study.progress.streaks import streak_of
from bot.text.plural import plural

BATCH_SIZE = 80
"""Reminders per transaction."""
MAX_DELAY = timedelta(hours=2)
"""A reminder later than this is skipped: its member is asleep, or the day is over."""
EVERY_DAY = "0123456"
BUTTONS = Buttons((Button("Practice now", "question", "primary"), Button("No more reminders", "remind off")))


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


async def enqueue_due(study: Study, now: datetime) -> int:
    """Enqueue the reminders that are due on the platforms of this process; return how many members that concerned."""
    count = 0
    while study.outboxes:
        taken = await study.store.transaction(_enqueue_batch, tuple(study.outboxes), now)
        count += taken
        if taken < BATCH_SIZE:
            break
    return count


def _enqueue_batch(connection: Connection, platforms: tuple[str, ...], now: datetime) -> int:
    """Enqueue those of a batch that are still worth sending, set the next time of each member, and return its size."""
    batch = queries.lock_due_reminders(connection, platforms, now, BATCH_SIZE)
    reminders, next_times = [], {}
    for member, workspace in batch:
        due, next_times[member.id] = _due_and_next(member, workspace.zone, now)
        if due is not None and workspace.left_at is None:
            reminders.append(
                Delivery(
                    kind=DeliveryKind.REMINDER,
                    workspace_id=workspace.id,
                    member_id=member.id,
                    due_at=due,
                    available_at=due,
                )
            )
    queries.set_next_reminders(connection, next_times)
    queue.add(connection, reminders)
    return len(batch)


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


async def _send(study: Study, claim: Claim) -> Outcome:
    text = await study.store.query(_text, claim.delivery, study.clock())
    if text is not None:
        outbox, reply = study.outboxes[claim.location.platform], Reply.of(Notice(text), BUTTONS)
        await outbox.send_direct(claim.location, claim.recipient, reply, claim.key, attempt=claim.lease)
    return DONE


def _give_up(connection: Connection, claim: Claim, refusal: PostError, _now: datetime) -> DeliveryState:
    """Stop the reminders of a member whom the platform doesn't let us message."""
    if not refusal.retry and not isinstance(refusal, AbandonedError) and claim.delivery.member_id is not None:
        queries.stop_reminders(connection, claim.delivery.member_id, str(refusal))
    return DeliveryState.FAILED


REMINDER = DeliveryType(_send, _give_up, is_kept=False)


def _text(connection: Connection, reminder: Delivery, now: datetime) -> str | None:
    """Return what the day would cost without another answer; None if nothing, or if there's no longer a reason to send.

    The member may have turned the reminder off or changed it, or the day may be over.
    """
    member_id = reminder.member_id or 0
    if member_if_stored(connection, member_id) is None:
        return None
    member, zone = member_with_zone(connection, member_id)
    today, due = assigned_day(member, now), reminder.due_at
    is_wanted = member.next_reminder is not None and _fits_clock(member, zone, due)
    if not is_wanted or today != assigned_day(member, due) or now - due > MAX_DELAY:
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
