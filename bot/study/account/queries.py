"""SQL statements for settings, reminders and the home page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, bindparam, select, union, update

from bot.context.identity import RequestContext
from bot.store import tables
from bot.store.models import Member, Round, Schedule, ScheduleState, Workspace
from bot.store.upsert import insert
from bot.study.members.queries import member_with_zone
from bot.study.practice.queries import still_open

members, workspaces = tables.members.c, tables.workspaces.c


@dataclass(frozen=True, slots=True)
class Settings:
    """A member's settings. `rest_days` are the weekdays chosen last, even if they only apply from tomorrow on."""

    member: Member
    workspace_zone: str
    team: str | None
    rest_days: str


def settings(connection: Connection, member_id: int) -> Settings:
    member, workspace_zone = member_with_zone(connection, member_id)
    rest = tables.rest_days.c
    chosen = select(rest.weekdays).where(rest.member_id == member_id).order_by(rest.from_day.desc()).limit(1)
    return Settings(
        member=member,
        workspace_zone=workspace_zone,
        team=_team_name(connection, member),
        rest_days=connection.execute(chosen).scalar() or "",
    )


def save_changes(connection: Connection, before: Member, after: Member) -> None:
    """Write the columns in which `after` differs."""
    changed = {name: value for name, value in after.columns().items() if value != getattr(before, name)}
    if changed:
        connection.execute(update(tables.members).where(members.id == before.id).values(changed))


def set_rest_days(connection: Connection, member_id: int, from_day: date, weekdays: str) -> None:
    """Store the rest days that apply from a day on, replacing those stored for the same day."""
    added = insert(connection, tables.rest_days).values(member_id=member_id, from_day=from_day, weekdays=weekdays)
    connection.execute(
        added.on_conflict_do_update(index_elements=["member_id", "from_day"], set_={"weekdays": weekdays})
    )


def lock_due_reminders(
    connection: Connection, platforms: Collection[str], now: datetime, limit: int
) -> list[tuple[Member, Workspace]]:
    """Return members whose reminder is due, earliest first, with their workspaces.

    Their rows stay locked until the end of the transaction; rows that another process has locked are skipped.
    """
    due = (
        select(tables.members)
        .join(tables.workspaces, workspaces.id == members.workspace_id)
        .where(members.next_reminder <= now, workspaces.platform.in_(platforms))
        .order_by(members.next_reminder)
        .limit(limit)
        .with_for_update(of=tables.members, skip_locked=True)
    )
    found = Member.all(connection.execute(due).mappings())
    theirs = select(tables.workspaces).where(workspaces.id.in_({member.workspace_id for member in found}))
    by_id = {workspace.id: workspace for workspace in Workspace.all(connection.execute(theirs).mappings())}
    return [(member, by_id[member.workspace_id]) for member in found]


def set_next_reminders(connection: Connection, times: Mapping[int, datetime | None]) -> None:
    """Store the time of the next reminder by member id; None stops them."""
    if times:
        statement = update(tables.members).where(members.id == bindparam("member"))
        rows = [{"member": member_id, "next_reminder": at} for member_id, at in times.items()]
        connection.execute(statement, rows)


def stop_reminders(connection: Connection, member_id: int, reason: str) -> None:
    """Stop reminders until the member sets a time again."""
    stopped = update(tables.members).where(members.id == member_id)
    connection.execute(stopped.values(next_reminder=None, unreachable=reason))


def kept_requests_of(connection: Connection, member: Member) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the member's requests that aren't carried out yet."""
    kept = tables.kept_requests.c
    here = select(workspaces.platform, workspaces.external_id).where(workspaces.id == member.workspace_id)
    platform, workspace = connection.execute(here).one()
    return kept.platform == platform, kept.workspace == workspace, kept.actor == member.external_id


def member_in_workspace(connection: Connection, member_id: int) -> tuple[Member, Workspace, str | None]:
    """Return the member, their workspace and their team's name."""
    member = Member.of(connection.execute(select(tables.members).where(members.id == member_id)).mappings().one())
    theirs = select(tables.workspaces).where(workspaces.id == member.workspace_id)
    workspace = Workspace.of(connection.execute(theirs).mappings().one())
    return member, workspace, _team_name(connection, member)


def _team_name(connection: Connection, member: Member) -> str | None:
    if member.team_id is None:
        return None
    name: str = connection.execute(select(tables.teams.c.name).where(tables.teams.c.id == member.team_id)).scalar_one()
    return name


def rounds_to_answer(connection: Connection, context: RequestContext, limit: int) -> list[Round]:
    """Return open daily rounds that the member hasn't answered, soonest to close first.

    They come from the channels the member is in, as far as the platform says, and those they have answered in.
    """
    answers, channels, rounds = tables.answers.c, tables.channels.c, tables.rounds.c
    their_channels = union(
        select(answers.channel_id).where(answers.member_id == context.member_id),
        select(channels.id).where(
            channels.workspace_id == context.workspace_id, channels.external_id.in_(context.channels)
        ),
    )
    answered = select(answers.round_id).where(answers.member_id == context.member_id)
    statement = (
        select(tables.rounds)
        .join(tables.deliveries, tables.deliveries.c.id == rounds.delivery_id)
        .where(
            *still_open(context.workspace_id, context.at),
            tables.deliveries.c.message_ref.is_not(None),  # a round is planned before it is posted
            rounds.channel_id.in_(their_channels),
            rounds.id.not_in(answered),
        )
        .order_by(rounds.closes_at)
        .limit(limit)
    )
    return Round.all(connection.execute(statement).mappings())


def schedules(connection: Connection, workspace_id: int, limit: int) -> list[tuple[str, Schedule]]:
    """Return the workspace's schedules with their channels' names, by channel."""
    channels = tables.channels.c
    statement = (
        select(tables.schedules, channels.name.label("channel_name"))
        .join(tables.channels, channels.id == tables.schedules.c.channel_id)
        .where(channels.workspace_id == workspace_id, tables.schedules.c.state != ScheduleState.REMOVED)
        .order_by(channels.name, tables.schedules.c.id)
        .limit(limit)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [(row.pop("channel_name"), Schedule.of(row)) for row in rows]


def has_answered(connection: Connection, member_id: int) -> bool:
    """Return whether the member has answered anything here."""
    answers = tables.answers.c
    return connection.execute(select(answers.id).where(answers.member_id == member_id).limit(1)).first() is not None
