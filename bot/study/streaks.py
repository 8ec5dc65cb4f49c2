"""Streaks: days of study in a row, reckoned from answers alone.

The rules, which `reckon` applies day by day from the first day studied:

1. A day with an answer, of whatever kind, adds one. A rest day with an answer does too.
2. Every 7th day of a streak earns a freeze; at most 2 are held, and one earned beyond that is lost.
3. A missed day changes nothing if it is a rest weekday by the setting in force that day, or excused: a scheduled day
   on which every daily question of the member's channels failed or was skipped.
4. A single date between two studied days is bridged if the member's zone moved east in between and the answers around
   it are at most 36 hours apart: travelling swallowed it.
5. Any other missed day takes a freeze, one for each day. Without one the streak ends.
6. Today can only add; it is missed when it is over.

Days that are not studied never add. A streak that ends leaves no freeze behind, since its last ones went first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.replies import DayMark
from bot.store.tables import Answer, Delivery, DeliveryKind, DeliveryState, Member, RestChange
from bot.study.days import assigned_day, clock_in_force

EARNED_EVERY = 7
MOST_FREEZES = 2
BRIDGE = timedelta(hours=36)
ONE_DAY = timedelta(days=1)

RULES = (
    "Any answer makes a day count, practice and old questions too. Every 7 days of a streak earn a freeze, and you "
    "hold 2 at most. A missed day takes a freeze; without one the streak ends. Rest days, days on which no daily "
    "question came through, and a date swallowed by a move east change nothing. Today is open until it ends."
)


@dataclass(frozen=True, slots=True)
class StudyDay:
    """A day with at least one answer: the moments of the first and the last, and the zones they were given in."""

    day: date
    first_at: datetime
    last_at: datetime
    first_zone: str
    last_zone: str

    def __add__(self, other: StudyDay) -> StudyDay:
        """Both halves of one day together."""
        first = min(self, other, key=lambda half: (half.first_at, half.first_zone))
        last = max(self, other, key=lambda half: (half.last_at, half.last_zone))
        return StudyDay(self.day, first.first_at, last.last_at, first.first_zone, last.last_zone)


@dataclass(frozen=True, slots=True)
class Streak:
    """`marks` has one entry a day, from the first day studied to today; BLANK where no streak was running."""

    current: int
    longest: int
    freezes: int
    marks: tuple[tuple[date, DayMark], ...]


def reckon(
    days: Iterable[StudyDay],
    *,
    today: date,
    rests: Iterable[RestChange] = (),
    excused: Collection[date] = frozenset(),
    arrival: StudyDay | None = None,
) -> Streak:
    """The streak as of today, by the rules above; neither the order of `days` nor repeats matter.

    `rests` is the history of rest weekdays: each change holds from its day on, and none of them changes earlier days.
    `arrival` is what an answer given now would be, so that a date just swallowed shows as bridged before there is one.
    Days after today are left out.
    """
    studied: dict[date, StudyDay] = {}
    for one in days:
        if one.day <= today:
            studied[one.day] = studied[one.day] + one if one.day in studied else one
    if not studied:
        return Streak(0, 0, 0, ((today, DayMark.OPEN),))
    swallowed = _swallowed([*studied.values(), *([arrival] if arrival and today not in studied else [])])
    history = sorted(rests, key=lambda change: change.from_day, reverse=True)
    current = longest = freezes = 0
    marks: list[tuple[date, DayMark]] = []
    day = min(studied)
    while day <= today:
        if day in studied:
            mark = DayMark.STUDIED
            current += 1
            longest = max(longest, current)
            if current % EARNED_EVERY == 0:
                freezes = min(freezes + 1, MOST_FREEZES)
        elif day == today:
            mark = DayMark.OPEN
        elif current == 0:
            mark = DayMark.BLANK
        elif _rests(history, day):
            mark = DayMark.REST
        elif day in excused:
            mark = DayMark.EXCUSED
        elif day in swallowed:
            mark = DayMark.BRIDGED
        elif freezes:
            mark = DayMark.FREEZE
            freezes -= 1
        else:
            mark = DayMark.MISSED
            current = 0
        marks.append((day, mark))
        day += ONE_DAY
    return Streak(current, longest, freezes, tuple(marks))


def _rests(history: list[RestChange], day: date) -> bool:
    weekdays = next((change.weekdays for change in history if change.from_day <= day), "")
    return str(day.weekday()) in weekdays


def _swallowed(days: list[StudyDay]) -> set[date]:
    """Single dates between two days that a move east took, by rule 4."""
    found = set()
    for before, after in pairwise(sorted(days, key=lambda one: one.day)):
        if after.day - before.day == 2 * ONE_DAY and after.first_at - before.last_at <= BRIDGE:
            # Both zones at one moment: a change of the clock is no move.
            was, now = (
                after.first_at.astimezone(ZoneInfo(z)).utcoffset() for z in (before.last_zone, after.first_zone)
            )
            if was is not None and now is not None and was < now:
                found.add(before.day + ONE_DAY)
    return found


async def member_streak(session: AsyncSession, member: Member, *, now: datetime) -> Streak:
    """The member's streak at a moment, from their answers."""
    today = assigned_day(member, now)
    days = await _study_days(session, member)
    changes = await session.exec(select(RestChange).where(RestChange.member_id == member.id))
    zone, _ = clock_in_force(member, now)
    return reckon(
        days,
        today=today,
        rests=changes.all(),
        excused=await _excused(session, member) if days else (),
        arrival=StudyDay(today, now, now, zone, zone),
    )


async def refresh(session: AsyncSession, member: Member, *, now: datetime) -> Streak:
    """Reckons anew and keeps the result in the member's row."""
    streak = await member_streak(session, member, now=now)
    member.streak, member.longest, member.freezes = streak.current, streak.longest, streak.freezes
    session.add(member)
    return streak


async def _study_days(session: AsyncSession, member: Member) -> list[StudyDay]:
    """One entry for each zone answered in on a day, which is nearly always one."""
    query = (
        select(col(Answer.day), col(Answer.zone), func.min(Answer.accepted_at), func.max(Answer.accepted_at))
        .where(Answer.member_id == member.id)
        .group_by(col(Answer.day), col(Answer.zone))
    )
    return [StudyDay(day, first, last, zone, zone) for day, zone, first, last in (await session.exec(query)).all()]


async def _excused(session: AsyncSession, member: Member) -> set[date]:
    """Scheduled days on which no daily question of the member's channels came through.

    A channel is theirs from the day of their first answer there: joining one later takes no excuse back.
    """
    theirs = (
        select(col(Answer.channel_id), func.min(Answer.day).label("since"))
        .where(Answer.member_id == member.id)
        .group_by(col(Answer.channel_id))
        .subquery()
    )
    lost = col(Delivery.state).in_((DeliveryState.FAILED, DeliveryState.SKIPPED))
    query = (
        select(col(Delivery.day))
        .join(theirs, theirs.c.channel_id == Delivery.channel_id)
        .where(Delivery.kind == DeliveryKind.DAILY, col(Delivery.day) >= theirs.c.since)
        .group_by(col(Delivery.day))
        .having(func.min(case((lost, 1), else_=0)) == 1)
    )
    return set((await session.exec(query)).all())
