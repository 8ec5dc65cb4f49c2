"""Drafts: what a member typed into a form is kept until the command has been carried out, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import col, delete, select

from bot.context.identity import Actor, Location, RequestContext
from bot.context.study import Study
from bot.store.orm import FormDraft, Member, Workspace
from bot.store.upsert import insert

KEPT = timedelta(days=30)
"""How long a draft waits for whoever wrote it."""


async def save(study: Study, context: RequestContext, line: str, values: Mapping[str, str]) -> None:
    """In the place of an earlier draft for the same line; the member's forgotten ones go."""
    async with study.store.write() as session:
        mine = col(FormDraft.member_id) == context.member_id
        await session.exec(delete(FormDraft).where(mine, col(FormDraft.at) < context.at - KEPT))
        kept = {"values": dict(values), "at": context.at}
        await session.exec(
            insert(session, FormDraft)
            .values(member_id=context.member_id, line=line, **kept)
            .on_conflict_do_update(index_elements=["member_id", "line"], set_=kept)
        )


async def delete_draft(study: Study, context: RequestContext, line: str) -> None:
    """The command has been carried out."""
    async with study.store.write() as session:
        await session.exec(
            delete(FormDraft).where(col(FormDraft.member_id) == context.member_id, col(FormDraft.line) == line)
        )


async def find_draft(study: Study, location: Location, actor: Actor, line: str) -> dict[str, str]:
    """What the member had typed into the form that this line opens; empty where it was carried out."""
    query = (
        select(FormDraft)
        .join(Member, col(Member.id) == FormDraft.member_id)
        .join(Workspace, col(Workspace.id) == Member.workspace_id)
        .where(
            Workspace.platform == location.platform,
            Workspace.external_id == location.workspace,
            Member.external_id == actor.id,
            FormDraft.line == line,
        )
    )
    async with study.store.read() as session:
        found = (await session.exec(query)).first()
    return dict(found.values) if found else {}
