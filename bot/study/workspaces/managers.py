"""Managers: who may set schedules, read reports and retire questions."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col, select

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Notice, Reply, Table, Tone
from bot.store import tables
from bot.store.orm import Member
from bot.study.members.directory import require_member
from bot.text.cleaning import named


async def add(study: Study, context: RequestContext, *, member: str) -> Reply:
    """Make a member a manager."""
    return await _set(study, context, member, manager=True)


async def remove(study: Study, context: RequestContext, *, member: str) -> Reply:
    """Take a member's right away again; what the platform itself gives stays."""
    return await _set(study, context, member, manager=False)


async def _set(study: Study, context: RequestContext, name: str, *, manager: bool) -> Reply:
    async with study.store.write() as session:
        member = await (await session.connection()).run_sync(require_member, context, name)
        if member.manager == manager:
            already = "is a manager already" if manager else "is not on the list of managers"
            raise UserError(f"{named(member.name)} {already}.")
        change = update(tables.members).where(tables.members.c.id == member.id).values(manager=manager)
        await (await session.connection()).execute(change)
    return Reply.of(Notice(f"{named(member.name)} is {'now' if manager else 'no longer'} a manager.", Tone.GOOD))


async def show(study: Study, context: RequestContext) -> Reply:
    """The managers named here; administrators of the platform are managers besides."""
    async with study.store.read() as session:
        query = (
            select(Member.name)
            .where(Member.workspace_id == context.workspace_id, col(Member.manager).is_(True))
            .order_by(col(Member.name))
        )
        names = (await session.exec(query)).all()
    besides = Notice("Administrators of the workspace are managers too.")
    if not names:
        return Reply.of(Notice("No managers are named yet. `managers add NAME` names one."), besides)
    return Reply.of(Table(("Manager",), tuple((name,) for name in names), title="Managers"), besides)
