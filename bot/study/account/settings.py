"""A member's own settings: time zone, start of the day, rest days, reminder, and visibility in the standings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import WEEKDAYS, assigned_day, change_clock, clock_in_force
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Block, Button, Buttons, Menu, MenuOption, Notice, Reply, Table, Tone, menu_options
from bot.store.models import Member
from bot.study.account import queries, reminders
from bot.study.account.queries import Settings
from bot.study.members.queries import member_with_zone
from bot.study.progress import totals

MAX_REST_DAYS = 3
"""Per week. With more, a streak wouldn't mean much."""
WAKING_HOURS = range(6, 24)
"""Hours to pick a reminder from."""
DAY_STARTS = range(5)
"""Hours at which a day can start."""
STANDINGS = ("shown", "hidden")


@dataclass(frozen=True, slots=True)
class Changes:
    """The settings to change; None leaves a setting unchanged. `rest_days` are weekdays as digits, Monday 0."""

    zone: ZoneInfo | None = None
    day_starts_at: int | None = None
    rest_days: str | None = None
    standings: str | None = None
    remind: time | Literal["off"] | None = None


async def me(
    study: Study,
    context: RequestContext,
    *,
    zone: ZoneInfo | None = None,
    rest_days: str | None = None,
    day_starts_at: int | None = None,
    standings: str | None = None,
    remind: time | Literal["off"] | None = None,
) -> Reply:
    """Show the settings, after making the changes. No change can repair a day that's over."""
    changes = Changes(zone, day_starts_at, rest_days, standings, remind)
    if changes == Changes():
        settings = await study.store.query(queries.settings, context.member_id)
        return Reply.of(*_card(settings, context))
    settings = await study.store.transaction(_change, context, changes)
    return Reply.of(Notice(" ".join(_confirmations(settings.member, changes)), Tone.GOOD), *_card(settings, context))


def _change(connection: Connection, context: RequestContext, changes: Changes) -> Settings:
    if changes.rest_days is not None and len(changes.rest_days) > MAX_REST_DAYS:
        raise UserError(f"You can have up to {MAX_REST_DAYS} rest days a week. Pick the ones you need most.")
    before, workspace_zone = member_with_zone(connection, context.member_id, lock=True)
    after = changed_member(before, workspace_zone, context.at, changes)
    queries.save_changes(connection, before, after)
    if changes.rest_days is not None:
        tomorrow = assigned_day(after, context.at) + timedelta(days=1)
        queries.set_rest_days(connection, after.id, tomorrow, changes.rest_days)
    if after.listed != before.listed:
        totals.set_listed(connection, after, after.listed)
    return queries.settings(connection, after.id)


def changed_member(member: Member, workspace_zone: str, at: datetime, changes: Changes) -> Member:
    """Return the member with the changes that are stored in their row: all but the rest days."""
    if changes.zone is not None or changes.day_starts_at is not None:
        zone = changes.zone.key if changes.zone else None
        member = change_clock(member, at, zone=zone, day_starts_at=changes.day_starts_at)
        member = member.model_copy(update={"next_reminder": reminders.rescheduled(member, workspace_zone, at)})
    if changes.standings is not None:
        member = member.model_copy(update={"listed": changes.standings == "shown"})
    if changes.remind is not None:
        member = member.model_copy(update={"remind_at": None if changes.remind == "off" else changes.remind})
        first = reminders.next_reminder(member, workspace_zone, at)
        member = member.model_copy(update={"next_reminder": first, "unreachable": None})
    return member


def _confirmations(member: Member, changes: Changes) -> list[str]:
    """Say what has changed, one sentence for each setting."""
    later = member.next_from is not None
    lines = []
    if changes.zone is not None:
        lines.append("Your new time zone starts tomorrow." if later else f"Your time zone is {member.zone}.")
    if changes.day_starts_at is not None:
        hour = f"{changes.day_starts_at}:00"
        lines.append(f"As of tomorrow, your day starts at {hour}." if later else f"Your day starts at {hour}.")
    if changes.rest_days is not None:
        named = ", ".join(WEEKDAYS[int(day)] for day in changes.rest_days)
        lines.append(
            f"Starting tomorrow, you rest on {named}." if named else "Starting tomorrow, you have no rest days."
        )
    if changes.standings is not None:
        lines.append(
            "Others can see you in the standings." if member.listed else "Others can't see you in the standings."
        )
    if member.remind_at is not None and changes.remind is not None:
        lines.append(f"I'll message you at {member.remind_at:%H:%M} on days when you'd lose a freeze or your streak.")
    elif changes.remind is not None:
        lines.append("No more reminders.")
    return lines


def _card(settings: Settings, context: RequestContext) -> tuple[Block, ...]:
    """Show the settings, with menus to change them."""
    member = settings.member
    _, day_starts_at = clock_in_force(member, context.at)
    if member.next_from is not None and member.next_from > context.at:
        day_starts_at = member.next_day_starts_at or 0
    rows = (
        ("Name", member.name),
        ("Time zone", _zone(settings, context.at)),
        ("Reminder", _reminder(member)),
        ("Team", settings.team or "none"),
        ("Manager", "yes" if context.manager else "no"),
    )
    resting = [_short(WEEKDAYS[int(day)]) for day in settings.rest_days]
    listed = "shown" if member.listed else "hidden"
    days = ((day, _short(day)) for day in WEEKDAYS)
    starts = ((f"{hour}:00", str(hour)) for hour in DAY_STARTS)
    return (
        Table(("Setting", "Value"), rows, title="You"),
        Menu("Rest days", "me", "rest_days", menu_options(days, resting), multiple=True),
        Menu("My day starts at", "me", "day_starts_at", menu_options(starts, (str(day_starts_at),))),
        Menu("Remind me", "me", "remind", _reminder_times(member.remind_at)),
        Menu("In the standings", "me", "standings", menu_options(zip(STANDINGS, STANDINGS, strict=True), (listed,))),
        Buttons((Button("Change time zone", "zone"),)),
    )


def _zone(settings: Settings, at: datetime) -> str:
    member = settings.member
    if member.zone is None:
        return f"{settings.workspace_zone} (the workspace's, until you set yours)"
    zone, _ = clock_in_force(member, at)
    pending = member.next_from is not None and member.next_from > at and member.next_zone not in (None, zone)
    return f"{zone} ({member.next_zone} starting tomorrow)" if pending else zone


def _reminder(member: Member) -> str:
    if member.remind_at is None:
        return "off"
    at = f"{member.remind_at:%H:%M}"
    if member.unreachable is not None:
        return f"stopped: {member.unreachable.rstrip('.')}. `me remind={at}` tries again"
    return f"{at}, if your streak is at risk"


def _short(weekday: str) -> str:
    """Return a weekday the way members type it: "mon"."""
    return weekday[:3].lower()


def _reminder_times(chosen: time | None) -> tuple[MenuOption, ...]:
    """Offer never, every full waking hour, and the time that was typed."""
    times = {f"{at:%H:%M}" for at in (*map(time, WAKING_HOURS), *((chosen,) if chosen is not None else ()))}
    current = "off" if chosen is None else f"{chosen:%H:%M}"
    return menu_options((("never", "off"), *((f"at {at}", at) for at in sorted(times))), (current,))
