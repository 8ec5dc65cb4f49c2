"""Reports: members say what's wrong with a question; managers read them and can retire the question."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFoundError
from bot.replies import Button, Buttons, Notice, Reply, Table, Tone
from bot.store.models import Report
from bot.study.workspaces import queries
from bot.study.workspaces.queries import OpenReport
from bot.text.plural import plural
from knowledge.questions import Question

MAX_LISTED = 20
MAX_BUTTONS = 5
"""Questions that get a button to retire them and one to close their reports."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The newest open reports, how many there are in all, and the ids of the retired questions."""

    newest: list[OpenReport]
    total: int
    retired: list[str]


async def report(study: Study, context: RequestContext, *, question: Question, what: str) -> Reply:
    """Store what a member says is wrong with a question."""
    new = Report(
        workspace_id=context.workspace_id,
        member_id=context.member_id,
        request_id=context.request_id,
        question_id=question.id,
        body=what,
        created_at=context.at,
    )
    await study.store.transaction(queries.add_report, new)
    return Reply.of(Notice("Thanks! The managers here will see your report.", Tone.GOOD))


async def show(study: Study, context: RequestContext) -> Reply:
    """List the open reports, newest first, and the questions retired here."""
    return _overview_reply(await study.store.query(_overview, context.workspace_id))


def _overview(connection: Connection, workspace_id: int) -> Overview:
    return Overview(
        queries.open_reports(connection, workspace_id, limit=MAX_LISTED),
        queries.count_open_reports(connection, workspace_id),
        queries.retired_questions(connection, workspace_id),
    )


def _overview_reply(overview: Overview) -> Reply:
    rows = tuple((report.question_id, report.body, report.reporter, report.created_at) for report in overview.newest)
    question_ids = list(dict.fromkeys(report.question_id for report in overview.newest))[:MAX_BUTTONS]
    title = plural(overview.total, "open report")
    retire = tuple(Button(f"Retire {name}", f"reports retire {name}", "danger") for name in question_ids)
    close = tuple(Button(f"Close {name}", f"reports close {name}") for name in question_ids)
    retired = f"Retired here: {', '.join(overview.retired)}. `reports restore` brings one back."
    return Reply.of(
        Table(("Question", "What's wrong", "Reported by", "When"), rows, title=title)
        if rows
        else Notice("No open reports."),
        Notice(retired) if overview.retired else None,
        Buttons(retire) if retire else None,
        Buttons(close) if close else None,
    )


async def retire(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Stop asking a question in this workspace, and close its reports."""
    await study.store.transaction(_retire, context, question.id)
    return Reply.of(
        Notice(f"`{question.id}` won't be asked here anymore. You can still look it up."),
        Buttons((Button("Undo", f"reports restore {question.id}"),)),
    )


def _retire(connection: Connection, context: RequestContext, question_id: str) -> None:
    queries.retire_question(connection, context.workspace_id, question_id, at=context.at)
    queries.close_reports(connection, context.workspace_id, question_id, at=context.at)


async def restore(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Ask a retired question again. Raises NotFoundError for one that isn't retired."""
    if not await study.store.transaction(queries.restore_question, context.workspace_id, question.id):
        raise NotFoundError(f"`{question.id}` isn't retired here.")
    return Reply.of(Notice(f"`{question.id}` can be asked again.", Tone.GOOD))


async def close(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Close a question's reports without retiring it."""
    count = await study.store.transaction(queries.close_reports, context.workspace_id, question.id, at=context.at)
    if not count:
        return Reply.of(Notice(f"There are no open reports on `{question.id}`."))
    return Reply.of(Notice(f"Closed {plural(count, 'report')} on `{question.id}`.", Tone.GOOD))
