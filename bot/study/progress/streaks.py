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
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CompoundSelect,
    Connection,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.local_time import assigned_day, clock_in_force
from bot.replies import DayMark
from bot.store.models import DeliveryKind, DeliveryState
from bot.store.orm import Answer, Delivery, Member, RestDays

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


def compute_streak(
    days: Iterable[StudyDay],
    *,
    today: date,
    rests: Iterable[RestDays] = (),
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


def _rests(history: list[RestDays], day: date) -> bool:
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
    await session.flush()
    return await (await session.connection()).run_sync(streak_of, member, now)


def streak_of(connection: Connection, member: Member, now: datetime) -> Streak:
    """The same, where there is no session; the answers must have been written."""
    days: list[StudyDay] = []
    rests: list[RestDays] = []
    excused: set[date] = set()
    for kind, day, what, first, last in connection.execute(HISTORY, {"me": member.id}).all():
        if kind == "studied":
            days.append(StudyDay(day, first, last, what, what))
        elif kind == "rests":
            rests.append(RestDays(member_id=member.id, from_day=day, weekdays=what))
        else:
            excused.add(day)
    today = assigned_day(member, now)
    zone, _ = clock_in_force(member, now)
    return compute_streak(
        days, today=today, rests=rests, excused=excused, arrival=StudyDay(today, now, now, zone, zone)
    )


def stored_streak(member: Member) -> Streak:
    """What the member's row says, without marks: it holds for as long as the day of their last answer does."""
    return Streak(member.streak, member.longest, member.freezes, marks=())


async def refresh(session: AsyncSession, member: Member, *, now: datetime) -> Streak:
    """Reckons anew and keeps the result in the member's row."""
    streak = await member_streak(session, member, now=now)
    member.streak, member.longest, member.freezes = streak.current, streak.longest, streak.freezes
    session.add(member)
    return streak


# Built once, and one for all a streak is reckoned from: each statement is a way to the database and back.

_answer: Any = Answer.__table__  # type: ignore[attr-defined]
_delivery: Any = Delivery.__table__  # type: ignore[attr-defined]
_rest: Any = RestDays.__table__  # type: ignore[attr-defined]


def _history() -> CompoundSelect[Any]:
    """Days studied, one row for each zone answered in (nearly always one); changes of rest days; days excused.

    Excused are scheduled days on which no daily question of the member's channels came through. A channel is theirs
    from the day of their first answer there: joining one later takes no excuse back.
    """
    mine = _answer.c.member_id == bindparam("me")
    studied = (
        select(
            literal_column("'studied'"),
            _answer.c.day,
            _answer.c.zone,
            func.min(_answer.c.accepted_at),
            func.max(_answer.c.accepted_at),
        )
        .where(mine)
        .group_by(_answer.c.day, _answer.c.zone)
    )
    rests = select(literal_column("'rests'"), _rest.c.from_day, _rest.c.weekdays, null(), null()).where(
        _rest.c.member_id == bindparam("me")
    )
    theirs = (
        select(_answer.c.channel_id, func.min(_answer.c.day).label("since"))
        .where(mine)
        .group_by(_answer.c.channel_id)
        .subquery()
    )
    lost = _delivery.c.state.in_((DeliveryState.FAILED, DeliveryState.SKIPPED))
    excused = (
        select(literal_column("'excused'"), _delivery.c.day, null(), null(), null())
        .join_from(_delivery, theirs, theirs.c.channel_id == _delivery.c.channel_id)
        .where(_delivery.c.kind == DeliveryKind.DAILY, _delivery.c.day >= theirs.c.since)
        .group_by(_delivery.c.day)
        .having(func.min(case((lost, 1), else_=0)) == 1)
    )
    return union_all(studied, rests, excused)


HISTORY = _history()
