"""Workspaces, channels and members: made known when they first speak, found again ever after."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import NotFound
from bot.store.tables import Channel, Member, Person, Workspace
from bot.store.upsert import insert
from bot.study.context import Actor, Asker, Place, Study


async def arrive(study: Study, place: Place, actor: Actor, *, request_id: str, at: datetime) -> Asker:
    """The member behind a request; new workspaces, channels and members are entered, new names taken over."""
    async with study.store.read() as session:
        found = await _find(session, place, actor)
    if found is None:
        async with study.store.write() as session:
            found = await _enter(session, study, place, actor, at)
    workspace, channel, member = found
    return Asker(
        place=place,
        workspace_id=workspace.id,
        channel_id=channel.id,
        member_id=member.id,
        manager=actor.manager or member.manager,
        request_id=request_id,
        at=at,
        own_version=workspace.own_version,
    )


async def _find(session: AsyncSession, place: Place, actor: Actor) -> tuple[Workspace, Channel, Member] | None:
    """All three, or None where one is new or has another name by now."""
    query = (
        select(Workspace, Channel, Member)
        .join(Channel, col(Channel.workspace_id) == Workspace.id)
        .join(Member, col(Member.workspace_id) == Workspace.id)
        .where(
            Workspace.platform == place.platform,
            Workspace.external_id == place.workspace,
            Channel.external_id == place.channel,
            Member.external_id == actor.id,
        )
    )
    found = (await session.exec(query)).first()
    if found is None:
        return None
    workspace, channel, member = found
    names = [(workspace.name, place.workspace_name), (channel.name, place.channel_name), (member.name, actor.name)]
    return None if any(new and new != old for old, new in names) else (workspace, channel, member)


async def _enter(
    session: AsyncSession, study: Study, place: Place, actor: Actor, at: datetime
) -> tuple[Workspace, Channel, Member]:
    await session.exec(
        insert(session, Workspace)
        .values(
            platform=place.platform,
            external_id=place.workspace,
            name=place.workspace_name or place.workspace,
            zone=study.rules.zone,
            created_at=at,
        )
        .on_conflict_do_nothing()
    )
    where = (Workspace.platform == place.platform, Workspace.external_id == place.workspace)
    workspace = (await session.exec(select(Workspace).where(*where).with_for_update())).one()
    if place.workspace_name:
        workspace.name = place.workspace_name

    here = (Channel.workspace_id == workspace.id, Channel.external_id == place.channel)
    channel = (await session.exec(select(Channel).where(*here))).first()
    if channel is None:
        channel = Channel(workspace_id=workspace.id, external_id=place.channel, name=place.channel)
        session.add(channel)
    channel.name = place.channel_name or channel.name

    them = (Member.workspace_id == workspace.id, Member.external_id == actor.id)
    member = (await session.exec(select(Member).where(*them))).first()
    if member is None:
        person = Person(created_at=at)
        session.add(person)
        await session.flush()
        member = Member(
            workspace_id=workspace.id, person_id=person.id, external_id=actor.id, name=actor.name, joined_at=at
        )
        session.add(member)
    member.name = actor.name or member.name
    await session.flush()
    return workspace, channel, member


async def member_named(session: AsyncSession, asker: Asker, name: str) -> Member:
    """A member of the asker's workspace by id on the platform, mention or name. Raises NotFound."""
    wanted = name.strip().removeprefix("<@").removesuffix(">").lstrip("@!").strip()
    query = select(Member).where(Member.workspace_id == asker.workspace_id)
    by_id = (await session.exec(query.where(Member.external_id == wanted))).first()
    if by_id is not None:
        return by_id
    named = [m for m in (await session.exec(query)).all() if m.name.casefold() == wanted.casefold()]
    if len(named) == 1:
        return named[0]
    if named:
        raise NotFound(f"There are {len(named)} members called {wanted}; mention the one you mean.")
    raise NotFound(f"I know no member called “{wanted}” here. Members are known once they have used a command.")
