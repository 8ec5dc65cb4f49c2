"""Reports: members say that a question is wrong; managers see it and can retire the question."""

from __future__ import annotations

from sqlalchemy import Update, func
from sqlmodel import col, delete, select, update

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFound
from bot.replies import Button, Buttons, Notice, Reply, Table, Tone
from bot.store.orm import Member, Report, RetiredQuestion
from bot.store.upsert import insert
from knowledge.questions import Question

SHOWN = 20


async def report(study: Study, context: RequestContext, *, question: Question, what: str) -> Reply:
    """Say what is wrong with a question."""
    async with study.store.write() as session:
        await session.exec(
            insert(session, Report)
            .values(
                workspace_id=context.workspace_id,
                member_id=context.member_id,
                request_id=context.request_id,
                question_id=question.id,
                body=what,
                created_at=context.at,
            )
            .on_conflict_do_nothing()
        )
    return Reply.of(Notice("Thank you. The managers of this workspace will see it.", Tone.GOOD))


async def show(study: Study, context: RequestContext) -> Reply:
    """Open reports, newest first, and the questions retired here."""
    async with study.store.read() as session:
        where = (Report.workspace_id == context.workspace_id, col(Report.closed_at).is_(None))
        query = select(Report, Member).join(Member, col(Member.id) == Report.member_id).where(*where)
        found = (await session.exec(query.order_by(col(Report.id).desc()).limit(SHOWN))).all()
        total = (await session.exec(select(func.count()).select_from(Report).where(*where))).one()
        shut = (
            await session.exec(
                select(RetiredQuestion.question_id).where(RetiredQuestion.workspace_id == context.workspace_id)
            )
        ).all()
    rows = tuple((r.question_id, r.body, member.name, r.created_at) for r, member in found)
    about = list(dict.fromkeys(r.question_id for r, _ in found))[:5]
    return Reply.of(
        Table(("Question", "What is wrong", "Who", "When"), rows, title=f"{total} open report{'s' * (total != 1)}")
        if rows
        else Notice("No open reports."),
        Notice(f"Retired here: {', '.join(sorted(shut))}. `reports restore` brings one back.") if shut else None,
        Buttons(tuple(Button(f"Retire {id}", f"reports retire {id}", "danger") for id in about)) if about else None,
        Buttons(tuple(Button(f"Close {id}", f"reports close {id}") for id in about)) if about else None,
    )


async def retire(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Ask this question no more in this workspace; its reports are closed."""
    async with study.store.write() as session:
        await session.exec(
            insert(session, RetiredQuestion)
            .values(workspace_id=context.workspace_id, question_id=question.id, at=context.at)
            .on_conflict_do_nothing()
        )
        await session.exec(_closing(context, question))
    return Reply.of(
        Notice(f"`{question.id}` is asked no more in this workspace. It can still be looked up."),
        Buttons((Button("Undo", f"reports restore {question.id}"),)),
    )


async def restore(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Ask a retired question again."""
    async with study.store.write() as session:
        gone = await session.exec(
            delete(RetiredQuestion).where(
                col(RetiredQuestion.workspace_id) == context.workspace_id,
                col(RetiredQuestion.question_id) == question.id,
            )
        )
    if not gone.rowcount:
        raise NotFound(f"`{question.id}` is not retired here.")
    return Reply.of(Notice(f"`{question.id}` is asked again.", Tone.GOOD))


async def close(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Close a question's reports without retiring it."""
    async with study.store.write() as session:
        closed = await session.exec(_closing(context, question))
    count = closed.rowcount
    return Reply.of(Notice(f"Closed {count} report{'s' * (count != 1)} on `{question.id}`."))


def _closing(context: RequestContext, question: Question) -> Update:
    return (
        update(Report)
        .where(
            col(Report.workspace_id) == context.workspace_id,
            col(Report.question_id) == question.id,
            col(Report.closed_at).is_(None),
        )
        .values(closed_at=context.at)
    )
