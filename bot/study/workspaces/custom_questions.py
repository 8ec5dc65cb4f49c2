"""Custom questions: stored in the database, and only seen by their workspace, along with the shared bank."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.context.identity import Location, RequestContext
from bot.context.library import Library
from bot.context.study import Study
from bot.errors import SetupError, UserError
from bot.replies import Notice, Reply, Table, Tone
from bot.store.models import CustomQuestion, Workspace
from bot.study.workspaces import queries
from bot.text.cleaning import short
from bot.text.plural import plural
from bot.text.writer import bare
from knowledge.format.reader import read
from knowledge.format.writer import markdown
from knowledge.questions import OWN, Bank, Question

log = structlog.get_logger()

MAX_LISTED = 50
MAX_TITLE = 200
"""Characters of a listed question."""


async def with_custom_questions(study: Study, workspace_id: int, version: int) -> Study:
    """Return the study with a workspace's custom questions in its library; `version` is the workspace's."""
    return replace(study, library=await _library(study, workspace_id, version)) if version else study


async def for_location(study: Study, location: Location) -> Study:
    """Return the study with the custom questions of a location's workspace."""
    known = await study.store.query(queries.workspace_at, location)
    return await with_custom_questions(study, *known) if known else study


async def for_workspace(study: Study, workspace_id: int) -> Study:
    """Return the study with the custom questions of a workspace."""
    version = await study.store.query(queries.custom_questions_version, workspace_id)
    return await with_custom_questions(study, workspace_id, version)


async def banks_of_due(study: Study, now: datetime) -> dict[int, Bank]:
    """Return the banks of workspaces that have custom questions and a schedule that is due, by workspace id."""
    due = await study.store.query(queries.due_workspaces, now)
    return {workspace_id: (await _library(study, workspace_id, version)).bank for workspace_id, version in due.items()}


async def _library(study: Study, workspace_id: int, version: int) -> Library:
    """Return a workspace's library from the cache, unless its questions have changed since."""
    cached = study.custom_libraries.get(workspace_id)
    if cached is None or cached[0] != version:
        bank = await _bank(study, workspace_id)
        library = study.library.extended_by(bank, f"own/{workspace_id}") if len(bank) else study.library
        study.custom_libraries[workspace_id] = cached = version, library
    return cached[1]


async def _bank(study: Study, workspace_id: int) -> Bank:
    """Return a workspace's custom questions without the shared bank. Parsing thousands takes a while: in a thread."""
    rows = await study.store.query(queries.custom_question_rows, workspace_id)
    return await asyncio.to_thread(_parse, rows)


def _parse(rows: Iterable[CustomQuestion]) -> Bank:
    questions = []
    for row in rows:
        problems: set[tuple[int, str]] = set()
        question = read(row.topic, row.question_id, row.source, problems)
        if question is None:  # it could be read when it was added: the format has changed since
            log.warning("unreadable custom question", question=row.question_id, problems=sorted(problems)[:3])
        else:
            questions.append(question)
    return Bank.of(questions)


def bank_of(connection: Connection, workspace_id: int) -> Bank:
    """Return a workspace's custom questions without the shared bank."""
    return _parse(queries.custom_question_rows(connection, workspace_id))


def workspace_named(connection: Connection, name: str) -> Workspace:
    """Find a workspace by its number or its id on the platform (`T0123` or `slack:T0123`).

    Raises SetupError if there's none, or more than one.
    """
    platform, _, external_id = name.rpartition(":")
    workspaces = queries.all_workspaces(connection)
    matches = [w for w in workspaces if w.external_id == external_id and platform in ("", w.platform)]
    matches = matches or [w for w in workspaces if name == str(w.id)]
    if len(matches) == 1:
        return matches[0]
    problem = f"Several workspaces have the id {name!r}." if matches else f"There's no workspace {name!r}."
    known = ", ".join(f"{w.platform}:{w.external_id} ({w.name})" for w in workspaces[:MAX_LISTED])
    raise SetupError(
        f"{problem} {f'The known workspaces are: {known}.' if known else 'No workspace has used Studyhall yet.'}"
    )


def add(connection: Connection, workspace_id: int, new: Iterable[Question], now: datetime) -> list[str]:
    """Store questions, whose ids begin with `OWN`, and return the ids of the new ones; existing ones don't change."""
    queries.lock_workspace(connection, workspace_id)
    added = []
    for question in new:
        row = CustomQuestion(
            workspace_id=workspace_id,
            question_id=question.id,
            topic=question.topic,
            source=markdown(question),
            added_at=now,
        )
        if queries.add_custom_question(connection, row):
            added.append(question.id)
    if added:
        queries.raise_version(connection, workspace_id)
    return added


def remove(connection: Connection, workspace_id: int, question_id: str) -> bool:
    """Delete a question; False if there was none. Answers to it are kept."""
    queries.lock_workspace(connection, workspace_id)
    removed = queries.delete_custom_question(connection, workspace_id, question_id)
    if removed:
        queries.raise_version(connection, workspace_id)
    return removed


async def show(study: Study, context: RequestContext) -> Reply:
    """List the custom questions by topic."""
    return _list_reply(list(await _bank(study, context.workspace_id)))


def _list_reply(questions: list[Question]) -> Reply:
    if not questions:
        return Reply.of(
            Notice(
                "There are no custom questions here yet. The person who runs Studyhall can add some with "
                "`studyhall bank import FILE --workspace ID`."
            )
        )
    rows = tuple((question.id, short(bare(question.title), MAX_TITLE)) for question in questions[:MAX_LISTED])
    more = len(questions) - len(rows)
    return Reply.of(
        Table(("Id", "Question"), rows, title=plural(len(questions), "custom question")),
        Notice(f"And {more} more.") if more else None,
    )


async def forget(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Remove a custom question. Raises UserError for one of the shared bank."""
    if not question.id.startswith(OWN):
        raise UserError(
            f"`{question.id}` is in the shared bank, so it can't be removed here. `reports retire {question.id}` stops "
            "asking it."
        )
    await study.store.transaction(remove, context.workspace_id, question.id)
    return Reply.of(Notice(f"I removed “{question.title}”. Points earned with it stay.", Tone.GOOD))
