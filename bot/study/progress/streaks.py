"""Streaks: days of study in a row, computed only from answers.

The rules, which `compute_streak` applies day by day from the first day studied:

1. A day with an answer of any kind adds one. So does a rest day with an answer.
2. Every 7th day of a streak earns a freeze; at most 2 are held, and one earned beyond that is lost.
3. A missed day changes nothing if it's a rest day by the setting in effect that day, or excused: a scheduled day
   on which every daily question of the member's channels failed or was skipped.
4. A single date between two studied days is bridged if the member's zone moved east in between and the answers around
   it are at most 36 hours apart: the trip skipped it.
5. Any other missed day takes a freeze, one for each day. Without one the streak ends.
6. Today can only add; it isn't missed until it's over.

Days that are not studied never add. When a streak ends, no freezes are left, because they were used up first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.context.local_time import assigned_day, clock_in_force
from bot.replies import DayMark
from bot.store.models import Member, RestDays
from bot.study.progress import queries

DAYS_PER_FREEZE = 7
MAX_FREEZES = 2
MAX_BRIDGE = timedelta(hours=36)
ONE_DAY = timedelta(days=1)

RULES = (
    "Any answer makes a day count, including practice and old questions. Every 7 days of a streak earn a freeze, and "
    "you can hold 2. A missed day uses a freeze; without one, the streak ends. These change nothing: rest days, days "
    "when no daily question was posted, and a day lost by changing time zones. Today is open until it ends."
)


@dataclass(frozen=True, slots=True)
class StudyDay:
    """A day with at least one answer: when the first and the last were given, and in which zones."""

    day: date
    first_at: datetime
    last_at: datetime
    first_zone: str
    last_zone: str

    def __add__(self, other: StudyDay) -> StudyDay:
        """Merge two parts of the same day."""
        first = min(self, other, key=lambda part: (part.first_at, part.first_zone))
        last = max(self, other, key=lambda part: (part.last_at, part.last_zone))
        return StudyDay(self.day, first.first_at, last.last_at, first.first_zone, last.last_zone)


@dataclass(frozen=True, slots=True)
class Streak:
    """`marks` has one entry a day, from the first day studied to today; BLANK if no streak was running."""

    current: int
    longest: int
    freezes: int
    marks: tuple[tuple[date, DayMark], ...]


def compute_streak(
    days: Iterable[StudyDay],
    *,
    today: date,
    rest_changes: Iterable[RestDays] = (),
    excused: Collection[date] = frozenset(),
    arrival: StudyDay | None = None,
) -> Streak:
    """Compute the streak as of today by the rules above; the order of `days` and repeats don't matter.

    `rest_changes` is the history of rest weekdays: each change applies from its day on and never to earlier days.
    `arrival` is what an answer right now would be, so that a date that was just lost already shows as bridged.
    Days after today are ignored.
    """
    studied = _studied_days(days, today)
    if not studied:
        return Streak(0, 0, 0, ((today, DayMark.OPEN),))
    bridged = _bridged_days([*studied.values(), *([arrival] if arrival and today not in studied else [])])
    newest_first = sorted(rest_changes, key=lambda change: change.from_day, reverse=True)
    current = longest = freezes = 0
    marks: list[tuple[date, DayMark]] = []
    day = min(studied)
    while day <= today:
        if day in studied:
            mark = DayMark.STUDIED
            current += 1
            longest = max(longest, current)
            if current % DAYS_PER_FREEZE == 0:
                freezes = min(freezes + 1, MAX_FREEZES)
        elif day == today:
            mark = DayMark.OPEN
        elif current == 0:
            mark = DayMark.BLANK
        elif _is_rest_day(newest_first, day):
            mark = DayMark.REST
        elif day in excused:
            mark = DayMark.EXCUSED
        elif day in bridged:
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


def _studied_days(days: Iterable[StudyDay], today: date) -> dict[date, StudyDay]:
    """Merge the parts of each day up to today."""
    studied: dict[date, StudyDay] = {}
    for study_day in days:
        if (day := study_day.day) <= today:
            studied[day] = studied[day] + study_day if day in studied else study_day
    return studied


def _is_rest_day(newest_first: Sequence[RestDays], day: date) -> bool:
    weekdays = next((change.weekdays for change in newest_first if change.from_day <= day), "")
    return str(day.weekday()) in weekdays


def _bridged_days(days: Iterable[StudyDay]) -> set[date]:
    """Return the single dates between two days that a move east skipped, by rule 4."""
    bridged = set()
    for before, after in pairwise(sorted(days, key=lambda study_day: study_day.day)):
        if after.day - before.day == 2 * ONE_DAY and after.first_at - before.last_at <= MAX_BRIDGE:
            # Both zones at one instant: daylight saving is no move.
            old_offset, new_offset = (
                after.first_at.astimezone(ZoneInfo(zone)).utcoffset() for zone in (before.last_zone, after.first_zone)
            )
            if old_offset is not None and new_offset is not None and old_offset < new_offset:
                bridged.add(before.day + ONE_DAY)
    return bridged


def streak_of(connection: Connection, member: Member, now: datetime) -> Streak:
    """Compute the member's streak from their stored answers."""
    days: list[StudyDay] = []
    rest_changes: list[RestDays] = []
    excused: set[date] = set()
    for entry in queries.study_history(connection, member.id):
        match entry.kind:
            case "studied":
                days.append(StudyDay(entry.day, entry.first_at, entry.last_at, entry.detail, entry.detail))
            case "rest_days":
                rest_changes.append(RestDays(member_id=member.id, from_day=entry.day, weekdays=entry.detail))
            case "excused":
                excused.add(entry.day)
    today = assigned_day(member, now)
    zone, _ = clock_in_force(member, now)
    arrival = StudyDay(today, now, now, zone, zone)
    return compute_streak(days, today=today, rest_changes=rest_changes, excused=excused, arrival=arrival)


def stored_streak(member: Member) -> Streak:
    """Return the streak stored in the member's row, without marks: it's valid for the day of their last answer."""
    return Streak(member.streak, member.longest, member.freezes, marks=())
