"""SQL statements for workspaces, channels, members and teams.

The frequent ones are built once: building a statement takes longer than running it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from bot.context.identity import Actor, Location
from bot.context.local_time import is_zone
from bot.store import tables
from bot.store.models import Member, Person, Team
from bot.store.upsert import insert

workspaces, channels, members = tables.workspaces.c, tables.channels.c, tables.members.c


@dataclass(frozen=True, slots=True)
class KnownMember:
    """What's stored about a member in a channel. `names` are those of the workspace, the channel and the member."""

    names: tuple[str, str, str]
    workspace_id: int
    channel_id: int
    member_id: int
    manager: bool
    custom_questions_version: int


_KNOWN = (
    select(
        workspaces.name,
        channels.name,
        members.name,
        workspaces.id,
        channels.id,
        members.id,
        members.manager,
        workspaces.custom_questions_version,
    )
    .join_from(tables.workspaces, tables.channels, channels.workspace_id == workspaces.id)
    .join(tables.members, members.workspace_id == workspaces.id)
    .where(
        workspaces.platform == bindparam("platform"),
        workspaces.external_id == bindparam("workspace"),
        channels.external_id == bindparam("channel"),
        members.external_id == bindparam("member"),
    )
)


def known_member(connection: Connection, location: Location, actor: Actor) -> KnownMember | None:
    """Find the member in that channel; None unless workspace, channel and member are all stored."""
    row = connection.execute(
        _KNOWN,
        {
            "platform": location.platform,
            "workspace": location.workspace,
            "channel": location.channel,
            "member": actor.id,
        },
    ).first()
    return None if row is None else KnownMember((row[0], row[1], row[2]), *row[3:])


def create_or_rename(connection: Connection, location: Location, actor: Actor, *, zone: str, at: datetime) -> None:
    """Store workspace, channel and member if they're new, and their current names. `zone` is a new workspace's."""
    workspace_id = _workspace(connection, location, zone, at)
    channel_name = location.channel_name
    channel = {"workspace_id": workspace_id, "external_id": location.channel, "name": channel_name or location.channel}
    added = insert(connection, tables.channels).values(channel)
    connection.execute(
        added.on_conflict_do_update(index_elements=["workspace_id", "external_id"], set_={"name": channel_name})
        if channel_name
        else added.on_conflict_do_nothing()
    )
    known = member_by_external_id(connection, workspace_id, actor.id)
    if known is not None:
        renamed = update(tables.members).where(members.id == known.id)
        connection.execute(renamed.values(name=actor.name or known.name))
    else:
        person = insert(connection, tables.persons).values(Person(created_at=at).columns())
        member = Member(
            workspace_id=workspace_id,
            person_id=connection.execute(person.returning(tables.persons.c.id)).scalar_one(),
            external_id=actor.id,
            name=actor.name or actor.id,
            zone=actor.zone if is_zone(actor.zone) else None,
            joined_at=at,
        )
        connection.execute(insert(connection, tables.members).values(member.columns()))


def _workspace(connection: Connection, location: Location, zone: str, at: datetime) -> int:
    """Lock the workspace and return its id, so that two first requests at once create only one member.

    Answers, whose foreign keys need the workspace's row, don't wait for that lock.
    """
    new = insert(connection, tables.workspaces).values(
        platform=location.platform,
        external_id=location.workspace,
        name=location.workspace_name or location.workspace,
        zone=zone,
        custom_questions_version=0,
        created_at=at,
    )
    connection.execute(new.on_conflict_do_nothing())
    where = (workspaces.platform == location.platform, workspaces.external_id == location.workspace)
    locked = select(workspaces.id).where(*where).with_for_update(key_share=True)
    workspace_id: int = connection.execute(locked).scalar_one()
    if location.workspace_name:
        renamed = update(tables.workspaces).where(workspaces.id == workspace_id)
        connection.execute(renamed.values(name=location.workspace_name))
    return workspace_id


_WITH_ZONE = (
    select(tables.members, workspaces.zone.label("workspace_zone"))
    .join_from(tables.members, tables.workspaces, workspaces.id == members.workspace_id)
    .where(members.id == bindparam("id"))
)
_WITH_ZONE_LOCKED = _WITH_ZONE.with_for_update(of=tables.members)


def member_with_zone(connection: Connection, member_id: int, *, lock: bool = False) -> tuple[Member, str]:
    """Return a member and their workspace's zone; `lock` locks the row until the end of this transaction."""
    statement = _WITH_ZONE_LOCKED if lock else _WITH_ZONE
    row = dict(connection.execute(statement, {"id": member_id}).mappings().one())
    zone = str(row.pop("workspace_zone"))
    return Member.of(row), zone


def is_named_manager(connection: Connection, location: Location, member: str) -> bool:
    """Return whether a command made them a manager of that workspace; `member` is their id on the platform."""
    statement = (
        select(members.manager)
        .join(tables.workspaces, workspaces.id == members.workspace_id)
        .where(
            workspaces.platform == location.platform,
            workspaces.external_id == location.workspace,
            members.external_id == member,
        )
    )
    return bool(connection.execute(statement).scalar())


def member_by_external_id(connection: Connection, workspace_id: int, external_id: str) -> Member | None:
    """Find a member by the platform's id."""
    where = (members.workspace_id == workspace_id, members.external_id == external_id)
    row = connection.execute(select(tables.members).where(*where)).mappings().first()
    return Member.of(row) if row else None


def workspaces_of(connection: Connection, platform: str, member: str) -> list[tuple[str, str, datetime | None]]:
    """Return the id, the name and `chosen_at` of the workspaces that somebody is a member of, by name.

    `member` is their id on the platform.
    """
    statement = (
        select(workspaces.external_id, workspaces.name, members.chosen_at)
        .join_from(tables.members, tables.workspaces, workspaces.id == members.workspace_id)
        .where(members.external_id == member, workspaces.platform == platform)
        .order_by(workspaces.name, workspaces.id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def set_chosen_at(connection: Connection, member_id: int, at: datetime) -> None:
    connection.execute(update(tables.members).where(members.id == member_id).values(chosen_at=at))


def members_by_name(connection: Connection, workspace_id: int, name: str) -> list[Member]:
    """Find the members with a name, ignoring case in any script."""
    known = connection.execute(select(members.id, members.name).where(members.workspace_id == workspace_id))
    ids = [member_id for member_id, known_name in known if known_name.casefold() == name.casefold()]
    return Member.all(connection.execute(select(tables.members).where(members.id.in_(ids))).mappings())


def lock_member(connection: Connection, member_id: int) -> Member:
    """Return a member, and lock their row until the end of this transaction."""
    statement = select(tables.members).where(members.id == member_id).with_for_update()
    return Member.of(connection.execute(statement).mappings().one())


def member_if_stored(connection: Connection, member_id: int, *, lock: bool = False) -> Member | None:
    """Return a member, None if they deleted everything about them; `lock` as in `lock_member`."""
    statement = select(tables.members).where(members.id == member_id)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return Member.of(row) if row else None


def set_team(connection: Connection, member_id: int, team_id: int | None) -> None:
    connection.execute(update(tables.members).where(members.id == member_id).values(team_id=team_id))


def team_by_key(connection: Connection, workspace_id: int, name_key: str) -> Team | None:
    teams = tables.teams.c
    statement = select(tables.teams).where(teams.workspace_id == workspace_id, teams.name_key == name_key)
    row = connection.execute(statement).mappings().first()
    return Team.of(row) if row else None


def team(connection: Connection, team_id: int) -> Team:
    statement = select(tables.teams).where(tables.teams.c.id == team_id)
    return Team.of(connection.execute(statement).mappings().one())


def count_teams(connection: Connection, workspace_id: int) -> int:
    statement = select(func.count()).where(tables.teams.c.workspace_id == workspace_id)
    return int(connection.execute(statement).scalar_one())


def add_team(connection: Connection, new: Team) -> int | None:
    """Store a team and return its id; None if the workspace already has one with that key."""
    added = insert(connection, tables.teams).values(new.columns()).on_conflict_do_nothing()
    return connection.execute(added.returning(tables.teams.c.id)).scalar()


def team_sizes(connection: Connection, workspace_id: int) -> list[tuple[str, int]]:
    """Return each team's name and its number of members, by name."""
    teams = tables.teams.c
    statement = (
        select(teams.name, func.count(members.id))
        .outerjoin_from(tables.teams, tables.members, members.team_id == teams.id)
        .where(teams.workspace_id == workspace_id)
        .group_by(teams.id, teams.name)
        .order_by(teams.name)
    )
    return [(name, size) for name, size in connection.execute(statement)]
