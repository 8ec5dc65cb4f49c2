"""Reminders: one word to a member who wants it, before a day ends that would cost a freeze or the streak.

A time that has come is moved on to the next day's in the transaction that takes it in hand, and only then is anything
sent: so each is sent at most once, whichever process takes it, and a crash loses one rather than sending two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import exists
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Location
from bot.context.local_time import assigned_day, clock_in_force, day_boundary, instant_of, local_day, next_occurrence
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.errors import DatabaseError
from bot.replies import Button, Buttons, DayMark, Notice, Reply
from bot.store.orm import Member, Workspace
from bot.study.progress.streaks import member_streak

log = structlog.get_logger()

BATCH = 80
"""Reminders taken in hand at once: what a crash may lose, and what the posts of the next turn may wait behind."""
SENDERS = 8
DEADLINE = 20.0
"""Seconds a platform has for one."""
LATE = timedelta(hours=2)
"""A reminder later than this is left out: its member sleeps, or the day is over."""
EVERY_DAY = "0123456"
CHOICES = Buttons((Button("A question now", "question", "primary"), Button("No more reminders", "remind off")))


@dataclass(frozen=True, slots=True)
class Claim:
    """A reminder in hand: whose, the moment it was for, and the moment of the next."""

    member_id: int
    external_id: str
    location: Location
    due: datetime
    following: datetime | None


def upcoming(member: Member, home: str, after: datetime, *, beyond: date | None = None) -> datetime | None:
    """The member's next time after a moment, by the clock then in force; None without a time.

    `home` is the workspace's zone, for a member without one. With `beyond` the time is on a later day of theirs.
    """
    moment = after
    while member.remind_at is not None:
        before, change = moment, member.next_from
        _, moment = next_occurrence(before, member.remind_at, _zone(member, home, before), EVERY_DAY)
        if change is not None and before < change <= moment:
            before = change - timedelta.resolution
            _, moment = next_occurrence(before, member.remind_at, _zone(member, home, change), EVERY_DAY)
        if beyond is None or assigned_day(member, moment) > beyond:
            return moment
    return None


def _zone(member: Member, home: str, at: datetime) -> str:
    return clock_in_force(member, at)[0] if member.zone else home


def move(member: Member, home: str, at: datetime) -> None:
    """Keep the time true to a clock just changed. No day gets a second one, even where a move west makes it longer."""
    if member.next_reminder is not None:
        done = member.next_reminder >= day_boundary(at, *clock_in_force(member, at))
        beyond = assigned_day(member, at) if done else None
        member.next_reminder = upcoming(member, home, at, beyond=beyond)


async def sweep(study: Study, now: datetime) -> int:
    """Remind whom it is time to remind, on the platforms of this process; how many reminders went out.

    A batch in which a platform did not answer is the last one: the posts of the next turn come first.
    """
    count = 0
    while study.outboxes:
        taken, claims = await _claim(study, now)
        waiting = iter(claims)
        sent = await asyncio.gather(*(_one_by_one(study, waiting) for _ in range(min(SENDERS, len(claims)))))
        count += sum(went for went, _ in sent)
        if taken < BATCH or any(silent for _, silent in sent):
            break
    return count


async def _claim(study: Study, now: datetime) -> tuple[int, list[Claim]]:
    """Move a batch on to their next time; how many there were, and those that are still to be reminded."""
    ours = exists().where(col(Workspace.id) == Member.workspace_id, col(Workspace.platform).in_(study.outboxes))
    query = (
        select(Member)
        .where(col(Member.next_reminder) <= now, ours)
        .order_by(col(Member.next_reminder))
        .limit(BATCH)
        .with_for_update(of=Member, skip_locked=True)
    )
    async with study.store.write() as session:
        members = (await session.exec(query)).all()
        homes = select(Workspace).where(col(Workspace.id).in_({member.workspace_id for member in members}))
        workspaces = {home.id: home for home in (await session.exec(homes)).all()}
        claims = []
        for member in members:
            workspace = workspaces[member.workspace_id]
            due, member.next_reminder = _due_and_next(member, workspace.zone, now)
            session.add(member)
            if due is not None and workspace.left_at is None:
                place = Location(workspace.platform, workspace.external_id, "", workspace.name)
                claims.append(Claim(member.id, member.external_id, place, due, member.next_reminder))
    return len(members), claims


def _due_and_next(member: Member, home: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The member's time that has come, None where it is too long ago or was never theirs; and the next one."""
    due = member.next_reminder
    if due is not None and (now - due > LATE or not _theirs(member, home, due)):
        due = upcoming(member, home, now - LATE)  # after a long silence, a later one may have come just now
    if due is None or due > now:
        return None, due
    return due, upcoming(member, home, now, beyond=assigned_day(member, due))


def _theirs(member: Member, home: str, due: datetime) -> bool:
    """Not so where the member's first answer has given them another zone since."""
    zone = _zone(member, home, due)
    return member.remind_at is not None and instant_of(local_day(due, zone), member.remind_at, zone) == due


async def _one_by_one(study: Study, waiting: Iterator[Claim]) -> tuple[int, bool]:
    """How many went out, and whether the platform was silent for one."""
    went, silent = 0, False
    for claim in waiting:
        try:
            went += await _remind(study, claim)
        except (OSError, TimeoutError, DatabaseError) as problem:
            log.warning("not reminded", member=claim.member_id, problem=type(problem).__name__)
            silent = True
        except Exception:  # one that cannot be written must not keep the others from theirs
            log.exception("reminder failed", member=claim.member_id)
    return went, silent


async def _remind(study: Study, claim: Claim) -> bool:
    now = study.clock()  # not the beginning of the turn: others may have taken long
    async with study.store.read() as session:
        member = await session.get(Member, claim.member_id)
        if member is None or member.next_reminder != claim.following:
            return False  # turned off or set anew in the meantime
        words = await _words(session, member, claim.due, now)
    if words is None:
        return False
    reply, key = Reply.of(Notice(words), CHOICES), f"reminder-{claim.member_id}-{claim.due:%Y%m%dT%H%M}"
    try:
        async with asyncio.timeout(DEADLINE):
            await study.outboxes[claim.location.platform].send_direct(claim.location, claim.external_id, reply, key)
    except PostError as refusal:
        log.warning("not reminded", member=claim.member_id, reason=str(refusal), retry=refusal.retry)
        if not refusal.retry:
            await _stop(study, claim, str(refusal))
        return False
    log.info("reminded", member=claim.member_id)
    return True


async def _words(session: AsyncSession, member: Member, due: datetime, now: datetime) -> str | None:
    """What the day would cost if nothing were answered any more; None where that is nothing, or the day is over."""
    today = assigned_day(member, now)
    if today != assigned_day(member, due) or now - due > LATE:
        return None
    streak = await member_streak(session, member, now=now)
    if not streak.current or streak.marks[-1] != (today, DayMark.OPEN):
        return None
    # What today will have been, seen from so far on that no answer soon after midnight could bridge it.
    afterwards = day_boundary(now, *clock_in_force(member, now)) + timedelta(days=2)
    later = await member_streak(session, member, now=afterwards)
    days = f"{streak.current} day{'s' * (streak.current != 1)}"
    words = {
        DayMark.MISSED: f"Your streak of {days} ends tonight unless you answer one question. Any will do.",
        DayMark.FREEZE: f"Your streak of {days} waits for one question. Else a freeze would cover today; "
        f"you hold {streak.freezes}.",
    }
    return words.get(dict(later.marks)[today])


async def _stop(study: Study, claim: Claim, reason: str) -> None:
    """No further try until the member sets a time anew, which they may have done just now."""
    async with study.store.write() as session:
        await session.exec(
            update(Member)
            .where(col(Member.id) == claim.member_id, col(Member.next_reminder) == claim.following)
            .values(next_reminder=None, unreachable=reason)
        )
