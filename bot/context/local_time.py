"""The one place that knows which local day a moment belongs to.

Zones are IANA names, moments aware and in UTC. A day begins `rollover` hours after midnight by the clock on the wall,
so changes of the clock never matter. Local times become moments by `fold=0`: a time that comes twice means the first
one, and a time that is left out means what the clock would have shown without the change.
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bot.errors import UserError
from bot.store.orm import Member

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""By `date.weekday()`."""

NO_PLACES = {"Factory", "localtime", "posixrules"}
"""What a system's folder of zones may hold besides zones."""


def local_day(instant: datetime, zone: str, rollover: int = 0) -> date:
    """The date on the wall, where hours before the rollover still belong to the day before."""
    return (instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(hours=rollover)).date()


def instant_of(day: date, at: time, zone: str) -> datetime:
    """The moment of a local time, in UTC."""
    return datetime.combine(day, at.replace(fold=0), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_boundary(instant: datetime, zone: str, rollover: int = 0) -> datetime:
    """When the local day of a moment ends and the next begins, in UTC."""
    tomorrow = local_day(instant, zone, rollover) + timedelta(days=1)
    boundary = instant_of(tomorrow, time(rollover), zone)
    if boundary <= instant:  # Newfoundland used to go from 00:01 back to 23:01: midnight came twice.
        boundary = datetime.combine(tomorrow, time(rollover, fold=1), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return boundary


def clock_in_force(member: Member, at: datetime) -> tuple[str, int]:
    """The member's zone and rollover at a moment; UTC for a member whose zone is not known yet."""
    if member.next_from is None or at < member.next_from:
        return member.zone or "UTC", member.day_starts_at
    return (
        member.next_zone or member.zone or "UTC",
        member.day_starts_at if member.next_day_starts_at is None else member.next_day_starts_at,
    )


def assigned_day(member: Member, at: datetime) -> date:
    """The day that counts for an answer given at a moment. Never before the member's last one: a move west, which
    makes a date come twice, gives no second chance at it.
    """
    day = local_day(at, *clock_in_force(member, at))
    return day if member.last_day is None else max(day, member.last_day)


def change_clock(member: Member, at: datetime, *, zone: str | None = None, rollover: int | None = None) -> None:
    """Give the member another clock, which takes over when their present day ends: it cannot mend a gap.

    A member whose zone was not known gets it at once. None leaves that half of the clock as it is or was to become.
    """
    zone_now, rollover_now = clock_in_force(member, at)
    if member.next_from is not None and member.next_from <= at:
        member.zone, member.day_starts_at = zone_now, rollover_now
        member.next_zone = member.next_day_starts_at = member.next_from = None
    if member.zone is None:
        member.zone = zone
        member.day_starts_at = rollover_now if rollover is None else rollover
        return
    wanted = zone or member.next_zone or zone_now
    hour = next(hour for hour in (rollover, member.next_day_starts_at, rollover_now) if hour is not None)
    if (wanted, hour) == (zone_now, rollover_now):
        member.next_zone = member.next_day_starts_at = member.next_from = None
    else:
        member.next_zone, member.next_day_starts_at = wanted, hour
        member.next_from = day_boundary(at, zone_now, rollover_now)


def period_keys(instant: datetime, zone: str) -> tuple[str, str]:
    """The ISO week and the month of a moment in a workspace's zone, as ("2026-W47", "2026-11")."""
    day = local_day(instant, zone)
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}", f"{day:%Y-%m}"


def next_occurrence(after: datetime, at: time, zone: str, weekdays: str) -> tuple[date, datetime]:
    """The first scheduled day, and its moment, strictly after a moment. `weekdays` as in "01234", Monday is 0.

    Where a zone leaves a whole date out, two days share a moment; the second is passed over.
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
    """Every zone's name, in alphabetical order."""
    return tuple(sorted(available_timezones() - NO_PLACES))


def is_zone(name: str) -> bool:
    return name in zones()


def zones_like(typed: str) -> list[str]:
    """Zones that fit what was typed: cities that begin with it, names that contain it, else names that look like it."""
    wanted = _plain(typed)
    cities = {name: _plain(name.rpartition("/")[2]) for name in zones()}
    found = [name for name in zones() if wanted in _plain(name)]
    found.sort(key=lambda name: (not cities[name].startswith(wanted), "/" not in name, name))
    if found:
        return found
    near = difflib.get_close_matches(wanted.rpartition("/")[2], set(cities.values()), n=3, cutoff=0.6)
    return [name for city in near for name in zones() if cities[name] == city]


def parse_zone(text: str) -> ZoneInfo:
    """The zone of that name, whatever its case. Raises UserError with the nearest names."""
    wanted = _plain(text)
    for name in zones():
        if _plain(name) == wanted:
            return ZoneInfo(name)
    near = zones_like(text)[:3] if wanted else []
    hint = f"Did you mean {' or '.join(near)}?" if near else "Zones are named by continent and city, like Europe/Paris."
    raise UserError(f"“{text.strip()[:40]}” is not a time zone. {hint}")


def _plain(name: str) -> str:
    return "_".join(name.casefold().split()).replace("-", "_")
