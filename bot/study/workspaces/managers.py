"""Managers: the members who can set schedules, read reports and retire questions."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Notice, Reply, Table, Tone
from bot.study.members.directory import find_member, meet, picked_name, require_member
from bot.study.workspaces import queries
from bot.text.cleaning import named

NOT_LISTED = "isn't on the list of managers"


async def add(study: Study, context: RequestContext, *, member: str) -> Reply:
    """Make a member a manager, even one who hasn't used Studyhall yet."""
    await meet(study, context, member)
    name = await study.store.transaction(_set_manager, context, member, True)
    return Reply.of(Notice(f"{named(name)} is now a manager.", Tone.GOOD))


async def remove(study: Study, context: RequestContext, *, member: str) -> Reply:
    """Undo `add`. Admins on the platform stay managers."""
    name = await study.store.transaction(_set_manager, context, member, False)
    return Reply.of(Notice(f"{named(name)} is no longer a manager.", Tone.GOOD))


def _set_manager(connection: Connection, context: RequestContext, name: str, manager: bool) -> str:
    """Store whether a member is a manager, and return their name. Raises UserError if nothing would change."""
    if not manager and find_member(connection, context, name) is None and (picked := picked_name(context, name)):
        raise UserError(f"{named(picked)} {NOT_LISTED}.")
    member = require_member(connection, context, name)
    if member.manager == manager:
        raise UserError(f"{named(member.name)} {'is already a manager' if manager else NOT_LISTED}.")
    queries.set_manager(connection, member.id, manager=manager)
    return member.name


async def show(study: Study, context: RequestContext) -> Reply:
    """List the managers that were added here."""
    names = await study.store.query(queries.manager_names, context.workspace_id)
    admins = Notice("Workspace admins are managers too.")
    if not names:
        return Reply.of(Notice("No managers have been added yet. `managers add NAME` adds one."), admins)
    return Reply.of(Table(("Manager",), tuple((name,) for name in names), title="Managers"), admins)
