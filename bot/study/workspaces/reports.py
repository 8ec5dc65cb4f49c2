"""Reports: members say that a question is wrong; managers see it and can retire the question."""

from __future__ import annotations

from sqlalchemy import Update, func
from sqlmodel import col, delete, select, update

from bot.context.identity import Asker, Study
from bot.errors import NotFound
from bot.replies import Action, Choices, Notice, Reply, Table, Tone
from bot.store.models import Member, Report, Retired
from bot.store.upsert import insert
from knowledge.questions import Question

SHOWN = 20


async def report(study: Study, asker: Asker, *, question: Question, what: str) -> Reply:
    """Say what is wrong with a question."""
    async with study.store.write() as session:
        await session.exec(
            insert(session, Report)
            .values(
                workspace_id=asker.workspace_id,
                member_id=asker.member_id,
                request_id=asker.request_id,
                question_id=question.id,
                body=what,
                created_at=asker.at,
            )
            .on_conflict_do_nothing()
        )
    return Reply.of(Notice("Thank you. The managers of this workspace will see it.", Tone.GOOD))


async def show(study: Study, asker: Asker) -> Reply:
    """Open reports, newest first, and the questions retired here."""
    async with study.store.read() as session:
        where = (Report.workspace_id == asker.workspace_id, col(Report.closed_at).is_(None))
        query = select(Report, Member).join(Member, col(Member.id) == Report.member_id).where(*where)
        found = (await session.exec(query.order_by(col(Report.id).desc()).limit(SHOWN))).all()
        total = (await session.exec(select(func.count()).select_from(Report).where(*where))).one()
        shut = (await session.exec(select(Retired.question_id).where(Retired.workspace_id == asker.workspace_id))).all()
    rows = tuple((r.question_id, r.body, member.name, r.created_at) for r, member in found)
    about = list(dict.fromkeys(r.question_id for r, _ in found))[:5]
    return Reply.of(
        Table(("Question", "What is wrong", "Who", "When"), rows, title=f"{total} open report{'s' * (total != 1)}")
        if rows
        else Notice("No open reports."),
        Notice(f"Retired here: {', '.join(sorted(shut))}. `reports restore` brings one back.") if shut else None,
        Choices(tuple(Action(f"Retire {id}", f"reports retire {id}", "danger") for id in about)) if about else None,
        Choices(tuple(Action(f"Close {id}", f"reports close {id}") for id in about)) if about else None,
    )


async def retire(study: Study, asker: Asker, *, question: Question) -> Reply:
    """Ask this question no more in this workspace; its reports are closed."""
    async with study.store.write() as session:
        await session.exec(
            insert(session, Retired)
            .values(workspace_id=asker.workspace_id, question_id=question.id, at=asker.at)
            .on_conflict_do_nothing()
        )
        await session.exec(_closing(asker, question))
    return Reply.of(
        Notice(f"`{question.id}` is asked no more in this workspace. It can still be looked up."),
        Choices((Action("Undo", f"reports restore {question.id}"),)),
    )


async def restore(study: Study, asker: Asker, *, question: Question) -> Reply:
    """Ask a retired question again."""
    async with study.store.write() as session:
        gone = await session.exec(
            delete(Retired).where(
                col(Retired.workspace_id) == asker.workspace_id, col(Retired.question_id) == question.id
            )
        )
    if not gone.rowcount:
        raise NotFound(f"`{question.id}` is not retired here.")
    return Reply.of(Notice(f"`{question.id}` is asked again.", Tone.GOOD))


async def close(study: Study, asker: Asker, *, question: Question) -> Reply:
    """Close a question's reports without retiring it."""
    async with study.store.write() as session:
        closed = await session.exec(_closing(asker, question))
    count = closed.rowcount
    return Reply.of(Notice(f"Closed {count} report{'s' * (count != 1)} on `{question.id}`."))


def _closing(asker: Asker, question: Question) -> Update:
    return (
        update(Report)
        .where(
            col(Report.workspace_id) == asker.workspace_id,
            col(Report.question_id) == question.id,
            col(Report.closed_at).is_(None),
        )
        .values(closed_at=asker.at)
    )
