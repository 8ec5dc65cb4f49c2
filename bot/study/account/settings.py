"""One's own settings: zone, rest days, when the day begins, the reminder, and whether others see one's place."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.local_time import WEEKDAYS, assigned_day, change_clock, clock_in_force
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Block, Button, Buttons, Menu, MenuOption, Notice, Reply, Table, Tone, menu_options
from bot.store.orm import Member, RestDays, Team, Workspace
from bot.study.account import reminders
from bot.study.progress import totals

MOST_REST = 3
"""Rest days a week: with more, a streak would say little."""
WAKING = range(6, 24)
"""The hours among which a reminder's is picked."""
LISTED = ("shown", "hidden")


async def me(
    study: Study,
    context: RequestContext,
    *,
    zone: ZoneInfo | None = None,
    rest: str | None = None,
    rollover: int | None = None,
    standings: str | None = None,
    remind: time | Literal["off"] | None = None,
) -> Reply:
    """Show the settings, after changing those that were given. None of them can mend a day that is over."""
    said = []
    async with study.store.write() as session:
        member = await session.get_one(Member, context.member_id, with_for_update=True)
        workspace = await session.get_one(Workspace, context.workspace_id)
        if zone is not None or rollover is not None:
            said.append(_set_clock(member, context, zone, rollover))
            reminders.move(member, workspace.zone, context.at)
        if rest is not None:
            said.append(await _set_rest(session, member, context, rest))
        if standings is not None:
            member.listed = standings == "shown"
            await totals.set_listed(session, member, member.listed)
            said.append(
                "Others see you in the standings." if member.listed else "Others don't see you in the standings."
            )
        if remind is not None:
            said.append(_set_reminder(member, workspace, context, remind))
        session.add(member)
        card = await _card(session, member, workspace, context)
    return Reply.of(Notice(" ".join(said), Tone.GOOD) if said else None, *card)


def _set_clock(member: Member, context: RequestContext, zone: ZoneInfo | None, rollover: int | None) -> str:
    change_clock(member, context.at, zone=zone.key if zone else None, rollover=rollover)
    if member.next_from is not None:
        return "Your new clock holds from the end of your present day on."
    counted = f"Your days are counted in {member.zone}." if zone else ""
    begins = f"Your day begins at {rollover}:00." if rollover is not None else ""
    return f"{counted} {begins}".strip()


async def _set_rest(session: AsyncSession, member: Member, context: RequestContext, rest: str) -> str:
    if len(rest) > MOST_REST:
        raise UserError(f"At most {MOST_REST} rest days a week; name those you need most.")
    start = assigned_day(member, context.at) + timedelta(days=1)
    await session.merge(RestDays(member_id=member.id, from_day=start, weekdays=rest))
    return f"From tomorrow on you rest on {_named(rest)}." if rest else "From tomorrow on you have no rest days."


def _set_reminder(member: Member, workspace: Workspace, context: RequestContext, remind: time | Literal["off"]) -> str:
    member.remind_at = None if remind == "off" else remind
    member.next_reminder, member.unreachable = reminders.upcoming(member, workspace.zone, context.at), None
    if member.remind_at is None:
        return "No more reminders."
    return f"At {member.remind_at:%H:%M} I write to you, on days whose end would cost you a freeze or your streak."


def _reminder(member: Member) -> str:
    if member.remind_at is None:
        return "off"
    at = f"{member.remind_at:%H:%M}"
    if member.unreachable is not None:
        return f"stopped: {member.unreachable.rstrip('.')}. `me remind={at}` tries again"
    return f"{at}, if a streak would end"


def _named(weekdays: str) -> str:
    return ", ".join(WEEKDAYS[int(d)] for d in weekdays) or "none"


async def _card(
    session: AsyncSession, member: Member, workspace: Workspace, context: RequestContext
) -> tuple[Block, ...]:
    """The settings, with what can be picked for them."""
    zone, rollover = clock_in_force(member, context.at)
    team = await session.get(Team, member.team_id) if member.team_id else None
    query = select(RestDays).where(RestDays.member_id == member.id).order_by(col(RestDays.from_day).desc())
    rest = (await session.exec(query)).first()
    later, begins = "", rollover
    if member.next_from is not None and member.next_from > context.at:
        begins = member.next_day_starts_at or 0
        later = f", soon {member.next_zone}" if member.next_zone not in (None, zone) else ""
    rows = (
        ("Name", member.name),
        ("Zone", f"{zone if member.zone else f'{workspace.zone} (the workspace’s, until you set yours)'}{later}"),
        ("Reminder", _reminder(member)),
        ("Team", team.name if team else "none"),
        ("Manager", "yes" if context.manager else "no"),
    )
    resting = [_shortly(WEEKDAYS[int(day)])[1] for day in rest.weekdays] if rest else []
    listed = "shown" if member.listed else "hidden"
    return (
        Table(("Setting", "Value"), rows, title="You"),
        Menu("Rest days", "me", "rest", menu_options(map(_shortly, WEEKDAYS), resting), multiple=True),
        Menu(
            "My day begins at", "me", "rollover", menu_options(((f"{n}:00", str(n)) for n in range(5)), (str(begins),))
        ),
        Menu("Remind me", "me", "remind", _times(member.remind_at)),
        Menu("In the standings", "me", "standings", menu_options(zip(LISTED, LISTED, strict=True), (listed,))),
        Buttons((Button("Change the zone", "zone"),)),
    )


def _shortly(weekday: str) -> tuple[str, str]:
    """A weekday and how it is typed."""
    return weekday, weekday[:3].lower()


def _times(chosen: time | None) -> tuple[MenuOption, ...]:
    """Never, each full hour of the waking day, and the time that was typed."""
    hours = {f"{at:%H:%M}" for at in (*map(time, WAKING), *((chosen,) if chosen is not None else ()))}
    kept = "off" if chosen is None else f"{chosen:%H:%M}"
    return menu_options((("never", "off"), *((f"at {at}", at) for at in sorted(hours))), (kept,))
