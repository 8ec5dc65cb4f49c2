"""A workspace's own questions: kept in SQL, seen by that workspace alone, beside the bank that everybody has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlmodel import and_, col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Location, RequestContext
from bot.context.library import Library, OwnLibrary
from bot.context.study import Study
from bot.errors import SetupError, UserError
from bot.replies import Notice, Reply, Table, Tone
from bot.store.orm import Channel, CustomQuestion, Schedule, Workspace
from bot.store.upsert import insert
from knowledge.format.reader import read
from knowledge.format.writer import markdown
from knowledge.questions import OWN, Bank, Question

log = structlog.get_logger()

MOST = 5_000
"""Questions a workspace may have of its own."""
SHOWN = 50


async def with_custom_questions(study: Study, workspace_id: int, version: int) -> Study:
    """The study as a workspace has it, with its own questions in the library; `version` is that of the workspace."""
    return replace(study, library=await _library(study, workspace_id, version)) if version else study


async def for_location(study: Study, location: Location) -> Study:
    """The study as the workspace of a place has it."""
    async with study.store.read() as session:
        query = select(Workspace.id, Workspace.custom_questions_version).where(
            Workspace.platform == location.platform, Workspace.external_id == location.workspace
        )
        found = (await session.exec(query)).first()
    return await with_custom_questions(study, *found) if found else study


async def for_workspace(study: Study, workspace_id: int) -> Study:
    """The study as the workspace of that id has it."""
    async with study.store.read() as session:
        version = (
            await session.exec(select(Workspace.custom_questions_version).where(Workspace.id == workspace_id))
        ).first()
    return await with_custom_questions(study, workspace_id, version or 0)


async def banks_of_due(study: Study, now: datetime) -> dict[int, Bank]:
    """The banks of workspaces that have questions of their own and a schedule that is due."""
    async with study.store.read() as session:
        query = (
            select(Workspace.id, Workspace.custom_questions_version)
            .join(Channel, col(Channel.workspace_id) == Workspace.id)
            .join(Schedule, col(Schedule.channel_id) == Channel.id)
            .where(col(Schedule.next_due) <= now, Workspace.custom_questions_version > 0)
            .distinct()
        )
        found = (await session.exec(query)).all()
    return {id: (await _library(study, id, version)).bank for id, version in found}


async def _library(study: Study, workspace_id: int, version: int) -> Library:
    known = study.custom_libraries.get(workspace_id)
    if known is None or known[0] != version:
        study.custom_libraries[workspace_id] = known = version, await _read(study, workspace_id)
    return known[1]


async def _read(study: Study, workspace_id: int) -> Library:
    async with study.store.read() as session:
        rows = await questions(session, workspace_id)
    bank = await asyncio.to_thread(_parsed, rows)
    return OwnLibrary(bank, study.library, workspace_id) if len(bank) else study.library


async def questions(session: AsyncSession, workspace_id: int) -> Sequence[CustomQuestion]:
    """The rows of a workspace's own questions, in the order of topic and id."""
    query = select(CustomQuestion).where(CustomQuestion.workspace_id == workspace_id)
    return (await session.exec(query.order_by(col(CustomQuestion.topic), col(CustomQuestion.question_id)))).all()


def _parsed(rows: Iterable[CustomQuestion]) -> Bank:
    found = []
    for row in rows:
        problems: set[tuple[int, str]] = set()
        question = read(row.topic, row.question_id, row.source, problems)
        if question is None:  # it was sound when it was added: the format must have changed since
            log.warning("own question unreadable", question=row.question_id, problems=sorted(problems)[:3])
        else:
            found.append(question)
    return Bank.of(found)


async def workspace_named(session: AsyncSession, name: str) -> Workspace:
    """The workspace of that number, or of that id on its platform (`T0123` or `slack:T0123`). Raises SetupError."""
    platform, _, external = name.rpartition(":")
    every = (await session.exec(select(Workspace).order_by(col(Workspace.id)))).all()
    found = [w for w in every if w.external_id == external and platform in ("", w.platform)]
    found = found or [w for w in every if name == str(w.id)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{w.platform}:{w.external_id} ({w.name})" for w in every[:SHOWN]) or "none yet"
    problem = "is that of several workspaces" if found else "is no workspace here"
    raise SetupError(f"{name!r} {problem}. Those that there are: {known}.")


async def bank_of(session: AsyncSession, workspace_id: int) -> Bank:
    """A workspace's own questions alone."""
    return _parsed(await questions(session, workspace_id))


async def add(session: AsyncSession, workspace_id: int, new: Iterable[Question], now: datetime) -> list[str]:
    """Keep these questions, whose ids begin with `OWN`; the ids of those that are new. What is there stays as it is.

    Belongs in one transaction: all of them or none.
    """
    workspace = (await session.exec(select(Workspace).where(Workspace.id == workspace_id).with_for_update())).one()
    added = []
    for question in new:
        row = {
            "workspace_id": workspace_id,
            "question_id": question.id,
            "topic": question.topic,
            "source": markdown(question),
            "added_at": now,
        }
        done = await session.exec(insert(session, CustomQuestion).values(**row).on_conflict_do_nothing())
        if done.rowcount:
            added.append(question.id)
    if added:
        workspace.custom_questions_version += 1
        session.add(workspace)
    return added


async def remove(session: AsyncSession, workspace_id: int, question_id: str) -> bool:
    """Forget a question; whether there was one. What was answered stays."""
    workspace = (await session.exec(select(Workspace).where(Workspace.id == workspace_id).with_for_update())).one()
    mine = and_(CustomQuestion.workspace_id == workspace_id, CustomQuestion.question_id == question_id)
    gone = (await session.exec(delete(CustomQuestion).where(mine))).rowcount > 0
    if gone:
        workspace.custom_questions_version += 1
        session.add(workspace)
    return gone


async def show(study: Study, context: RequestContext) -> Reply:
    """The workspace's own questions, by topic."""
    async with study.store.read() as session:
        mine = await bank_of(session, context.workspace_id)
    if not len(mine):
        return Reply.of(
            Notice(
                "This workspace has no questions of its own yet. Whoever runs Studyhall brings them in with "
                "`studyhall bank import FILE --workspace ID`."
            )
        )
    rows = tuple((question.id, question.title) for question in list(mine)[:SHOWN])
    more = len(mine) - len(rows)
    return Reply.of(
        Table(("Id", "Question"), rows, title=f"{len(mine)} question{'s' * (len(mine) != 1)} of our own"),
        Notice(f"And {more} more.") if more else None,
    )


async def forget(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Take one of the workspace's own questions away."""
    if not question.id.startswith(OWN):
        raise UserError(f"`{question.id}` is in the bank that everybody has. `reports retire` stops asking it here.")
    async with study.store.write() as session:
        await remove(session, context.workspace_id, question.id)
    return Reply.of(Notice(f"“{question.title}” is gone. Points earned with it stay.", Tone.GOOD))
