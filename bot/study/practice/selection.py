"""Practice: a question now, for one member, as multiple choice or in one's own words."""

from __future__ import annotations

import random

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFound, UserError
from bot.replies import Reply
from bot.store.models import RoundKind
from bot.store.orm import Answer, Member, Round
from bot.study.practice.rounds import new_round, open_questions, question_card, retired_questions
from knowledge.questions import Difficulty, Question


async def question(
    study: Study, context: RequestContext, *, topic: str | None = None, difficulty: Difficulty | None = None
) -> Reply:
    """A question the member has not had, else the one they answered longest ago."""
    async with study.store.read() as session:
        posed = await _posed(session, context)
        if posed is None:
            shut = await retired_questions(session, context.workspace_id)
            shut |= await open_questions(session, context.workspace_id, context.at)
            seen = await _last_answered(session, context)
    if posed is None:
        fits = [
            q
            for q in study.library.bank
            if topic in (None, q.topic) and difficulty in (None, q.difficulty) and q.id not in shut
        ]
        if not fits:
            raise _none(study, topic, difficulty)
        oldest = min(seen.get(q.id, 0.0) for q in fits)
        chosen = random.SystemRandom().choice([q for q in fits if seen.get(q.id, 0.0) == oldest])
        posed = await _pose(study, context, chosen)
    return _asked(study, posed)


async def pose(study: Study, context: RequestContext, chosen: Question) -> Reply:
    """This question as practice; the one posed before where the same request comes again."""
    return _asked(study, await _pose(study, context, chosen))


def _asked(study: Study, posed: Round) -> Reply:
    question = study.library.question(posed.question_id)
    return Reply.of(
        question_card(posed, question, "Practice", note="Practice earns no points, but counts for your streak.")
    )


async def _posed(session: AsyncSession, context: RequestContext) -> Round | None:
    """The round this very request has made already, when it is delivered again."""
    query = select(Round).where(Round.member_id == context.member_id, Round.request_id == context.request_id)
    return (await session.exec(query)).first()


async def _pose(study: Study, context: RequestContext, chosen: Question) -> Round:
    async with study.store.write() as session:
        # The member's row is the lock that makes two deliveries of one request come one after the other.
        await session.exec(select(Member.id).where(Member.id == context.member_id).with_for_update())
        if posed := await _posed(session, context):
            return posed
        round = new_round(
            chosen,
            workspace_id=context.workspace_id,
            channel_id=context.channel_id,
            member_id=context.member_id,
            request_id=context.request_id,
            kind=RoundKind.PRACTICE,
            at=context.at,
        )
        session.add(round)
    return round


async def _last_answered(session: AsyncSession, context: RequestContext) -> dict[str, float]:
    """Seconds since the epoch at which each question was last answered by the member."""
    query = (
        select(Answer.question_id, func.max(Answer.accepted_at))
        .where(Answer.member_id == context.member_id)
        .group_by(col(Answer.question_id))
    )
    return {id: at.timestamp() for id, at in (await session.exec(query)).all()}


def _none(study: Study, topic: str | None, difficulty: Difficulty | None) -> UserError:
    there = {q.difficulty for q in study.library.bank if topic in (None, q.topic)}
    on = f" on {topic}" if topic else ""
    if difficulty and difficulty not in there:
        levels = " and ".join(level.value for level in Difficulty if level in there)
        return NotFound(f"The bank has no {difficulty} questions{on}; it has {levels} ones.")
    return NotFound(f"Every such question{on} is retired or open in a channel just now. Try another topic.")
