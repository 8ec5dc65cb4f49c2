"""Everything about a member: handed out as JSON, or gone."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func
from sqlmodel import SQLModel, col, delete, select

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Button, Buttons, File, Notice, Reply, Tone
from bot.store.models import TotalKind
from bot.store.orm import (
    Answer,
    FormDraft,
    Member,
    Person,
    Report,
    RestDays,
    Round,
    StoredExplanation,
    Team,
    TerminalPost,
    Total,
    ViewedAnswer,
    Workspace,
)
from bot.study.progress import totals

OWNED: tuple[type[SQLModel], ...] = (Answer, FormDraft, StoredExplanation, ViewedAnswer, Report, RestDays, Round)
"""Tables whose rows carry a `member_id`, the member's own."""


async def export(study: Study, context: RequestContext) -> Reply:
    """Every row that is about the member, as a file."""
    async with study.store.read() as session:
        member = await session.get_one(Member, context.member_id)
        workspace = await session.get_one(Workspace, member.workspace_id)
        team = await session.get(Team, member.team_id) if member.team_id else None
        everything: dict[str, Any] = {
            "workspace": {"platform": workspace.platform, "name": workspace.name},
            "member": member.model_dump(mode="json"),
            "team": team.name if team else None,
        }
        for table in OWNED:
            rows = (await session.exec(select(table).where(table.member_id == member.id))).all()  # type: ignore[attr-defined]
            everything[table.__name__.removesuffix("Table").lower()] = [row.model_dump(mode="json") for row in rows]
        mine = (Total.workspace_id == member.workspace_id, Total.kind == TotalKind.MEMBER)
        rows = (await session.exec(select(Total).where(*mine, Total.subject_id == member.id))).all()
        everything["totals"] = [row.model_dump(mode="json") for row in rows]
    count = len(everything["answer"])
    return Reply.of(
        Notice(f"Everything kept about you here, with {count} answer{'s' * (count != 1)}."),
        File("studyhall-export.json", json.dumps(everything, indent=2, ensure_ascii=False) + "\n"),
    )


async def erase(study: Study, context: RequestContext, *, sure: str = "") -> Reply:
    """Delete everything about the member: answers, points, streak, settings, reports. Asks first."""
    if sure != "everything":
        return Reply.of(
            Notice("This deletes your answers, points, streak and settings here, for ever.", Tone.WARNING),
            Buttons(
                (
                    Button("Delete everything", "privacy delete everything", "danger"),
                    Button("Export first", "privacy export"),
                )
            ),
        )
    async with study.store.write() as session:
        member = await session.get(Member, context.member_id, with_for_update=True)
        if member is None:  # pressed twice, and the other press was faster
            return _gone()
        person = member.person_id
        await totals.forget(session, member)
        for table in OWNED:
            await session.exec(delete(table).where(table.member_id == member.id))  # type: ignore[attr-defined]
        await session.exec(delete(TerminalPost).where(col(TerminalPost.channel) == f"@{member.external_id}"))
        await session.delete(member)
        await session.flush()
        others = (await session.exec(select(func.count()).select_from(Member).where(Member.person_id == person))).one()
        if not others:
            await session.exec(delete(Person).where(col(Person.id) == person))
    return _gone()


def _gone() -> Reply:
    return Reply.of(Notice("Everything about you is gone. Should you come back, you start afresh.", Tone.GOOD))
