"""Teams: a member has at most one, and points stay with the team they were earned for."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFound, UserError
from bot.replies import Button, Buttons, Notice, Reply, Table, Tone
from bot.store.orm import Member, Team
from bot.store.upsert import insert
from bot.text.cleaning import named

MOST = 200
"""Teams a workspace may have."""


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


async def create(study: Study, context: RequestContext, *, name: str) -> Reply:
    """Start a team and join it."""
    async with study.store.write() as session:
        member = await session.get_one(Member, context.member_id, with_for_update=True)
        if there := await _named(session, context, name):
            if there.id == member.team_id:
                return Reply.of(Notice(f"You are in {named(there.name)} already."))
            raise _taken(there.name)
        count = select(func.count()).select_from(Team).where(Team.workspace_id == context.workspace_id)
        if (await session.exec(count)).one() >= MOST:
            raise UserError(f"This workspace has {MOST} teams, which is the most.")
        shown = " ".join(name.split())
        values = {"workspace_id": context.workspace_id, "name": shown, "name_key": _key(name), "created_at": context.at}
        added = insert(session, Team).values(values).on_conflict_do_nothing().returning(col(Team.id))
        new = (await session.exec(added)).scalar_one_or_none()
        if new is None:  # somebody else was faster by a moment
            raise _taken(shown)
        member.team_id = new
        session.add(member)
    return Reply.of(Notice(f"{shown} is there, and you are its first member. Others: `team join {shown}`.", Tone.GOOD))


def _taken(name: str) -> UserError:
    return UserError(f"There is a team {name} already. `team join {name}` joins it.")


async def join(study: Study, context: RequestContext, *, name: str) -> Reply:
    """Join a team, leaving the one before; points earned so far stay there."""
    async with study.store.write() as session:
        team = await _named(session, context, name)
        if team is None:
            raise NotFound(f"There is no team “{name}”. `team list` shows them, `team create {name}` starts it.")
        member = await session.get_one(Member, context.member_id, with_for_update=True)
        before, member.team_id = member.team_id, team.id
        session.add(member)
    if before == team.id:
        return Reply.of(Notice(f"You are in {named(team.name)} already."))
    stay = " Points from before stay with your old team." if before else ""
    return Reply.of(Notice(f"Welcome to {named(team.name)}.{stay}", Tone.GOOD))


async def leave(study: Study, context: RequestContext) -> Reply:
    """Leave the team."""
    async with study.store.write() as session:
        member = await session.get_one(Member, context.member_id, with_for_update=True)
        if member.team_id is None:
            raise UserError("You are in no team. `team list` shows the teams there are.")
        team = await session.get_one(Team, member.team_id)
        member.team_id = None
        session.add(member)
    return Reply.of(Notice(f"You have left {named(team.name)}. What you earned for it stays with it."))


async def show(study: Study, context: RequestContext) -> Reply:
    """The teams and how many members each has."""
    async with study.store.read() as session:
        query = (
            select(Team.name, func.count(col(Member.id)))
            .outerjoin(Member, col(Member.team_id) == Team.id)
            .where(Team.workspace_id == context.workspace_id)
            .group_by(col(Team.id), col(Team.name))
            .order_by(col(Team.name))
        )
        found = (await session.exec(query)).all()
    if not found:
        return Reply.of(Notice("There is no team yet. `team create NAME` starts one."))
    return Reply.of(
        Table(("Team", "Members"), tuple((name, str(count)) for name, count in found), title="Teams"),
        Buttons((Button("How they stand", "leaderboard week teams"),)),
    )


async def _named(session: AsyncSession, context: RequestContext, name: str) -> Team | None:
    query = select(Team).where(Team.workspace_id == context.workspace_id, Team.name_key == _key(name))
    return (await session.exec(query)).first()
