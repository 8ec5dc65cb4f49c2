"""Workspaces, channels and members: made known when they first speak, found again ever after."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Actor, Location, RequestContext
from bot.context.local_time import is_zone
from bot.context.study import Study
from bot.errors import NotFound
from bot.replies import Notice
from bot.store.orm import Channel, Member, Person, Workspace
from bot.store.rows import as_of
from bot.store.upsert import insert
from bot.text.cleaning import named


async def arrive(study: Study, location: Location, actor: Actor, *, request_id: str, at: datetime) -> RequestContext:
    """The member behind a request; new workspaces, channels and members are entered, new names taken over."""
    ids = {
        "platform": location.platform,
        "workspace": location.workspace,
        "channel": location.channel,
        "member": actor.id,
    }
    there = await study.store.look(lambda connection: connection.execute(KNOWN, ids).first())
    names = (location.workspace_name, location.channel_name, actor.name)
    if there is None or any(new and new != old for old, new in zip(there[:3], names, strict=True)):
        async with study.store.write() as session:
            workspace, channel, member = await _enter(session, study, location, actor, at)
        known: tuple[Any, ...] = (
            workspace.id,
            channel.id,
            member.id,
            member.manager,
            workspace.custom_questions_version,
        )
    else:
        known = tuple(there[3:])
    workspace_id, channel_id, member_id, manager, own_version = known
    return RequestContext(
        location=location,
        workspace_id=workspace_id,
        channel_id=channel_id,
        member_id=member_id,
        manager=actor.manager or manager,
        request_id=request_id,
        at=at,
        custom_questions_version=own_version,
        channels=actor.channels,
    )


async def manages(study: Study, location: Location, actor: Actor) -> bool:
    """Whether the platform or a command makes them a manager there."""
    if actor.manager:
        return True
    query = (
        select(Member.manager)
        .join(Workspace, col(Workspace.id) == Member.workspace_id)
        .where(
            Workspace.platform == location.platform,
            Workspace.external_id == location.workspace,
            Member.external_id == actor.id,
        )
    )
    async with study.store.read() as session:
        return bool((await session.exec(query)).first())


def member_at_home(connection: Connection, id: int, *, lock: bool = False) -> tuple[Member, str]:
    """A member and the zone of their workspace; with `lock` their row is held until the end of the transaction.

    What is changed of the member has to be written by a statement.
    """
    row = connection.execute(HELD if lock else AT_HOME, {"id": id}).one()
    return as_of(Member, row._mapping), row.home


async def _enter(
    session: AsyncSession, study: Study, location: Location, actor: Actor, at: datetime
) -> tuple[Workspace, Channel, Member]:
    await session.exec(
        insert(session, Workspace)
        .values(
            platform=location.platform,
            external_id=location.workspace,
            name=location.workspace_name or location.workspace,
            zone=study.rules.zone,
            created_at=at,
        )
        .on_conflict_do_nothing()
    )
    where = (Workspace.platform == location.platform, Workspace.external_id == location.workspace)
    workspace = (await session.exec(select(Workspace).where(*where).with_for_update())).one()
    if location.workspace_name:
        workspace.name = location.workspace_name

    here = (Channel.workspace_id == workspace.id, Channel.external_id == location.channel)
    channel = (await session.exec(select(Channel).where(*here))).first()
    if channel is None:
        channel = Channel(workspace_id=workspace.id, external_id=location.channel, name=location.channel)
        session.add(channel)
    channel.name = location.channel_name or channel.name

    them = (Member.workspace_id == workspace.id, Member.external_id == actor.id)
    member = (await session.exec(select(Member).where(*them))).first()
    if member is None:
        person = Person(created_at=at)
        session.add(person)
        await session.flush()
        member = Member(
            workspace_id=workspace.id,
            person_id=person.id,
            external_id=actor.id,
            name=actor.name or actor.id,
            zone=actor.zone if is_zone(actor.zone) else None,
            joined_at=at,
        )
        session.add(member)
    member.name = actor.name or member.name
    await session.flush()
    return workspace, channel, member


async def member_named(session: AsyncSession, context: RequestContext, name: str) -> Member:
    """A member of the asker's workspace by id on the platform, mention or name. Raises NotFound."""
    if (found := await member_if_known(session, context, name)) is not None:
        return found
    wanted = name.strip().lstrip("@")
    raise NotFound(f"I know no member called “{wanted}” here. Members are known once they have used a command.")


async def member_if_known(session: AsyncSession, context: RequestContext, name: str) -> Member | None:
    """The same; None for somebody unknown. Raises NotFound where several go by the name.

    Ids are never taken for names: members choose their names, and somebody else's id could be one.
    """
    mention = _ID.fullmatch(name.strip())
    wanted = (mention[1] or mention[2]) if mention else name.strip().lstrip("@").strip()
    here = select(Member).where(Member.workspace_id == context.workspace_id)
    found = (await session.exec(here.where(Member.external_id == wanted))).first()
    if found is not None or mention:
        return found
    names = select(Member.id, Member.name).where(Member.workspace_id == context.workspace_id)
    called = [id for id, known in (await session.exec(names)).all() if known.casefold() == wanted.casefold()]
    if len(called) > 1:
        raise NotFound(f"There are {len(called)} members called {wanted}; mention the one you mean.")
    return await session.get_one(Member, called[0]) if called else None


def keeps_to_themselves(context: RequestContext, whose: Member) -> Notice | None:
    """What is said of a member who does not want to be seen, to anybody but themselves."""
    if whose.listed or whose.id == context.member_id:
        return None
    return Notice(f"{named(whose.name)} keeps their standing to themselves.")


_ID = re.compile(r"<@!?([A-Z0-9]+)(?:\|[^>]*)?>|([0-9]{15,20}|[UW][A-Z0-9]{7,20})")
"""A mention on Discord or on Slack, or the bare id that either gives for a member who was picked."""

# The statements are built once: building them takes longer than running them.

_workspace: Any = Workspace.__table__  # type: ignore[attr-defined]
_channel: Any = Channel.__table__  # type: ignore[attr-defined]
_member: Any = Member.__table__  # type: ignore[attr-defined]

KNOWN = (
    columns(
        *(table.c.name for table in (_workspace, _channel, _member)),
        *(table.c.id for table in (_workspace, _channel, _member)),
        _member.c.manager,
        _workspace.c.custom_questions_version,
    )
    .join_from(_workspace, _channel, _channel.c.workspace_id == _workspace.c.id)
    .join(_member, _member.c.workspace_id == _workspace.c.id)
    .where(
        _workspace.c.platform == bindparam("platform"),
        _workspace.c.external_id == bindparam("workspace"),
        _channel.c.external_id == bindparam("channel"),
        _member.c.external_id == bindparam("member"),
    )
)

AT_HOME = (
    columns(_member, _workspace.c.zone.label("home"))
    .join_from(_member, _workspace, _workspace.c.id == _member.c.workspace_id)
    .where(_member.c.id == bindparam("id"))
)
HELD = AT_HOME.with_for_update(of=_member)
