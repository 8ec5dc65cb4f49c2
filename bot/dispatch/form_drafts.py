"""Drafts: what a member typed into a form is kept until the command has been carried out, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import col, delete, select

from bot.context.identity import Actor, Asker, Place, Study
from bot.store.models import Draft, Member, Workspace
from bot.store.upsert import insert

KEPT = timedelta(days=30)
"""How long a draft waits for whoever wrote it."""


async def keep(study: Study, asker: Asker, line: str, values: Mapping[str, str]) -> None:
    """In the place of an earlier draft for the same line; the member's forgotten ones go."""
    async with study.store.write() as session:
        mine = col(Draft.member_id) == asker.member_id
        await session.exec(delete(Draft).where(mine, col(Draft.at) < asker.at - KEPT))
        kept = {"values": dict(values), "at": asker.at}
        await session.exec(
            insert(session, Draft)
            .values(member_id=asker.member_id, line=line, **kept)
            .on_conflict_do_update(index_elements=["member_id", "line"], set_=kept)
        )


async def drop(study: Study, asker: Asker, line: str) -> None:
    """The command has been carried out."""
    async with study.store.write() as session:
        await session.exec(delete(Draft).where(col(Draft.member_id) == asker.member_id, col(Draft.line) == line))


async def draft(study: Study, place: Place, actor: Actor, line: str) -> dict[str, str]:
    """What the member had typed into the form that this line opens; empty where it was carried out."""
    query = (
        select(Draft)
        .join(Member, col(Member.id) == Draft.member_id)
        .join(Workspace, col(Workspace.id) == Member.workspace_id)
        .where(
            Workspace.platform == place.platform,
            Workspace.external_id == place.workspace,
            Member.external_id == actor.id,
            Draft.line == line,
        )
    )
    async with study.store.read() as session:
        found = (await session.exec(query)).first()
    return dict(found.values) if found else {}
