"""Local days: which one an instant belongs to, and when a local time comes up next. All such arithmetic is here.

Zones are IANA names; instants are timezone-aware and in UTC. A day begins `day_starts_at` hours after midnight by the
local clock, so daylight saving never matters. Local times become instants with `fold=0`: a time that occurs twice means
the first one, and a skipped time means what the clock would have shown without the change.
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from bot.errors import UserError
from bot.store.models import Member

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""By `date.weekday()`."""

MAX_CACHED = 4096
"""Results kept of each calculation: thousands of schedules are due at the same time in a few zones."""
NOT_ZONES = {"Factory", "localtime", "posixrules"}
"""Names in a system's zone folder that aren't zones."""

_NO_CHANGE_PENDING: dict[str, object] = {"next_zone": None, "next_day_starts_at": None, "next_from": None}


def local_day(instant: datetime, zone: str, day_starts_at: int = 0) -> date:
    """Return the local date; the hours before the day starts still belong to the previous day."""
    return (instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(hours=day_starts_at)).date()


@lru_cache(MAX_CACHED)
def instant_of(day: date, at: time, zone: str) -> datetime:
    """Return the instant of a local time, in UTC."""
    return datetime.combine(day, at.replace(fold=0), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_boundary(instant: datetime, zone: str, day_starts_at: int = 0) -> datetime:
    """Return when the local day of an instant ends and the next begins, in UTC."""
    tomorrow = local_day(instant, zone, day_starts_at) + timedelta(days=1)
    boundary = instant_of(tomorrow, time(day_starts_at), zone)
    if boundary <= instant:  # Newfoundland used to go from 00:01 back to 23:01: midnight came twice.
        boundary = datetime.combine(tomorrow, time(day_starts_at, fold=1), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return boundary


def clock_in_force(member: Member, at: datetime) -> tuple[str, int]:
    """Return the member's zone and `day_starts_at` at an instant; UTC for a member whose zone isn't known yet."""
    if member.next_from is None or at < member.next_from:
        return member.zone or "UTC", member.day_starts_at
    return (
        member.next_zone or member.zone or "UTC",
        member.day_starts_at if member.next_day_starts_at is None else member.next_day_starts_at,
    )


def assigned_day(member: Member, at: datetime) -> date:
    """Return the day that an answer at this instant counts for.

    It's never before the member's last day, even if they move west and repeat a date.
    """
    day = local_day(at, *clock_in_force(member, at))
    return day if member.last_day is None else max(day, member.last_day)


def change_clock(member: Member, at: datetime, *, zone: str | None = None, day_starts_at: int | None = None) -> Member:
    """Return the member with a new clock, which applies when their current day ends, so it can't fill a gap.

    A member whose zone wasn't known gets it right away. None keeps that half of the clock, with any pending change.
    """
    zone_now, start_now = clock_in_force(member, at)
    if member.zone is None:
        start = start_now if day_starts_at is None else day_starts_at
        return member.model_copy(update={"zone": zone, "day_starts_at": start, **_NO_CHANGE_PENDING})
    pending = member.next_from is not None and member.next_from > at
    next_zone, next_start = (member.next_zone, member.next_day_starts_at) if pending else (None, None)
    new_zone = zone or next_zone or zone_now
    new_start = next(start for start in (day_starts_at, next_start, start_now) if start is not None)
    changed = {"zone": zone_now, "day_starts_at": start_now, **_NO_CHANGE_PENDING}
    if (new_zone, new_start) != (zone_now, start_now):
        changed["next_zone"], changed["next_day_starts_at"] = new_zone, new_start
        changed["next_from"] = day_boundary(at, zone_now, start_now)
    return member.model_copy(update=changed)


def period_keys(instant: datetime, zone: str) -> tuple[str, str]:
    """Return the ISO week and the month of an instant in a workspace's zone, as ("2026-W47", "2026-11")."""
    day = local_day(instant, zone)
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}", f"{day:%Y-%m}"


@lru_cache(MAX_CACHED)
def next_occurrence(after: datetime, at: time, zone: str, weekdays: str) -> tuple[date, datetime]:
    """Return the first scheduled day, and its instant, strictly after an instant. `weekdays` as "01234", Monday is 0.

    If a zone skips a whole date, two days share an instant, and the second one is skipped. Raises ValueError without
    a weekday.
    """
    if not weekdays:
        raise ValueError("a schedule needs a weekday")
    day = local_day(after, zone) - timedelta(days=1)
    before: datetime | None = None
    while True:
        if str(day.weekday()) in weekdays:
            instant = instant_of(day, at, zone)
            if instant > after and instant != before:
                return day, instant
            before = instant
        else:
            before = None
        day += timedelta(days=1)


@cache
def zones() -> tuple[str, ...]:
    """Return every zone's name, in alphabetical order."""
    return tuple(sorted(available_timezones() - NOT_ZONES))


def is_zone(name: str) -> bool:
    return name in zones()


def zones_like(typed: str) -> list[str]:
    """Find zones for what was typed: cities that begin with it, then names that contain it, else similar names."""
    wanted = _plain(typed)
    cities = {name: _plain(name.rpartition("/")[2]) for name in zones()}
    found = [name for name in zones() if wanted in _plain(name)]
    found.sort(key=lambda name: (not cities[name].startswith(wanted), "/" not in name, name))
    if found:
        return found
    near = difflib.get_close_matches(wanted.rpartition("/")[2], set(cities.values()), n=3, cutoff=0.6)
    return [name for city in near for name in zones() if cities[name] == city]


def parse_zone(text: str) -> ZoneInfo:
    """Return the zone of that name, ignoring case. Raises UserError with the nearest names."""
    wanted = _plain(text)
    for name in zones():
        if _plain(name) == wanted:
            return ZoneInfo(name)
    near = zones_like(text)[:3] if wanted else []
    hint = f"Did you mean {' or '.join(near)}?" if near else "Write one as continent and city, like Europe/Paris."
    raise UserError(f"“{text.strip()[:40]}” isn't a time zone. {hint}")


def _plain(name: str) -> str:
    return "_".join(name.casefold().split()).replace("-", "_")
