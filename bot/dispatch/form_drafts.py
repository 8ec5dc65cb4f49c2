"""Form drafts: what a member typed into a form is kept until the command has succeeded, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, select

from bot.context.identity import Actor, Location, RequestContext
from bot.context.study import Study
from bot.store import tables
from bot.store.upsert import insert

MAX_AGE = timedelta(days=30)

_drafts = tables.form_drafts.c


async def save(study: Study, context: RequestContext, line: str, values: Mapping[str, str]) -> None:
    """Store a draft for a line, replacing an earlier one, and delete the member's drafts older than MAX_AGE."""
    await study.store.transaction(_save, context, line, dict(values))


def _save(connection: Connection, context: RequestContext, line: str, values: dict[str, str]) -> None:
    expired = (_drafts.member_id == context.member_id, _drafts.at < context.at - MAX_AGE)
    connection.execute(delete(tables.form_drafts).where(*expired))
    typed = {"values": values, "at": context.at}
    added = insert(connection, tables.form_drafts).values(member_id=context.member_id, line=line, **typed)
    connection.execute(added.on_conflict_do_update(index_elements=["member_id", "line"], set_=typed))


async def delete_draft(study: Study, context: RequestContext, line: str) -> None:
    """Delete the draft for a line."""
    await study.store.transaction(_delete, context.member_id, line)


def _delete(connection: Connection, member_id: int, line: str) -> None:
    connection.execute(delete(tables.form_drafts).where(_drafts.member_id == member_id, _drafts.line == line))


async def find_draft(study: Study, location: Location, actor: Actor, line: str) -> dict[str, str]:
    """Return what the member typed into the form that the line opens, by parameter; empty if there is no draft."""
    return await study.store.query(_find, location, actor, line)


def _find(connection: Connection, location: Location, actor: Actor, line: str) -> dict[str, str]:
    members, workspaces = tables.members.c, tables.workspaces.c
    statement = (
        select(_drafts["values"])
        .join_from(tables.form_drafts, tables.members, members.id == _drafts.member_id)
        .join(tables.workspaces, workspaces.id == members.workspace_id)
        .where(
            workspaces.platform == location.platform,
            workspaces.external_id == location.workspace,
            members.external_id == actor.id,
            _drafts.line == line,
        )
    )
    return dict(connection.execute(statement).scalar() or {})
