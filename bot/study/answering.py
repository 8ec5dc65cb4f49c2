"""Answering: a choice, or one's own words; each member answers a round once, and a repeat changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import UserError
from bot.replies import Notice, Reply
from bot.store.tables import Answer, Delivery, Member, Peek, Round, RoundKind, Schedule, Workspace
from bot.study import counting, grading, streaks, totals
from bot.study.context import Asker, Study
from bot.study.days import assigned_day, clock_in_force, period_keys
from bot.study.rounds import LETTERS, question_of, round_of, seen, shown, unanswered
from bot.study.streaks import Streak
from bot.study.verdicts import Graded, verdict
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.compare import Coverage


async def answer(study: Study, asker: Asker, *, round: str, choice: str) -> Reply:
    """Answer by a choice."""
    posed, question = await _posed(study, asker, round)
    if not question.choices:
        raise UserError("This question has nothing to choose from: answer it in your own words.")
    index = shown(posed)[LETTERS.index(choice)]
    return await _accept(study, asker, posed, question, choice=index)


async def write(study: Study, asker: Asker, *, round: str, text: str) -> Reply:
    """Answer in one's own words."""
    posed, question = await _posed(study, asker, round)
    return await _accept(study, asker, posed, question, text=text, coverage=await study.library.compare(question, text))


async def assess(study: Study, asker: Asker, *, round: str, how: str) -> Reply:
    """Judge one's own written answer against the reference, once; it may raise the points up to their cap."""
    posed, question = await _posed(study, asker, round)
    async with study.store.write() as session:
        member = await _locked(session, asker)
        given = await _given(session, posed, member)
        if given is None or given.text is None:
            raise UserError("There is nothing to judge here yet: answer in your own words first.")
        if given.assessed:
            raise UserError("You have judged this answer already; once is all there is.")
        before = given.points
        grading.judge_oneself(given, question, how)
        session.add(given)
        if given.counted and given.points > before:
            await totals.credit(session, given, member, points=given.points - before, again=True)
        peeked = await _peeked(session, asker, question)
    return Reply.of(*verdict(question, posed, Graded(given, again=True)).blocks, peeked)


async def _posed(study: Study, asker: Asker, token: str) -> tuple[Round, Question]:
    """The round that the member answers and its question. Raises NotFound and UserError."""
    async with study.store.read() as session:
        posed = await round_of(session, asker, token)
    return posed, question_of(study, posed)


async def _peeked(session: AsyncSession, asker: Asker, question: Question) -> Notice | None:
    """A verdict tells the answer, which may be that of a question still open elsewhere."""
    return await seen(session, asker, await unanswered(session, asker, [question.id]))


async def _accept(
    study: Study,
    asker: Asker,
    posed: Round,
    question: Question,
    *,
    choice: int | None = None,
    text: str | None = None,
    coverage: Coverage | None = None,
) -> Reply:
    async with study.store.write() as session:
        member = await _locked(session, asker)
        if given := await _given(session, posed, member):
            repeat = given.request_id == asker.request_id
            now = await streaks.member_streak(session, member, now=asker.at) if repeat else None
            told = Graded(given, coverage=coverage, streak=now, again=not repeat)
            peeked = await _peeked(session, asker, question)
            return Reply.of(*verdict(question, posed, told).blocks, peeked)
        workspace = await session.get_one(Workspace, asker.workspace_id)
        kept = posed.kind is not RoundKind.TEST
        new_zone = await _settle_zone(session, posed, member, workspace) if kept else None
        week, month = period_keys(asker.at, workspace.zone)
        given = Answer(
            request_id=asker.request_id,
            round_id=posed.id,
            member_id=asker.member_id,
            workspace_id=asker.workspace_id,
            channel_id=posed.channel_id,
            team_id=member.team_id,
            question_id=question.id,
            topic=question.topic,
            accepted_at=asker.at,
            choice=choice,
            text=text,
            uncounted=await _why_uncounted(session, posed, member, asker.at),
            day=assigned_day(member, asker.at),
            zone=clock_in_force(member, asker.at)[0],
            week=week,
            month=month,
        )
        given.counted = not given.uncounted
        grading.grade(given, question, coverage)
        streak = await _keep(session, asker, member, given) if kept else None
        await counting.note(session, posed, asker.at)
        peeked = await _peeked(session, asker, question)
    told = Graded(given, coverage=coverage, streak=streak, new_zone=new_zone)
    return Reply.of(*verdict(question, posed, told).blocks, peeked)


async def _keep(session: AsyncSession, asker: Asker, member: Member, given: Answer) -> Streak:
    """Enter an answer with all that follows from it: the day, the totals, the streak."""
    session.add(given)
    member.last_day = given.day
    await session.flush()
    if given.counted:
        await totals.credit(session, given, member, points=given.points)
    return await streaks.refresh(session, member, now=asker.at)


async def _locked(session: AsyncSession, asker: Asker) -> Member:
    """The member's row, held until the end of the transaction: two answers of one member come one by one."""
    return (await session.exec(select(Member).where(Member.id == asker.member_id).with_for_update())).one()


async def _given(session: AsyncSession, posed: Round, member: Member) -> Answer | None:
    query = select(Answer).where(Answer.round_id == posed.id, Answer.member_id == member.id)
    return (await session.exec(query)).first()


async def _settle_zone(session: AsyncSession, posed: Round, member: Member, workspace: Workspace) -> str | None:
    """Give a member without a zone the schedule's, or the workspace's; that zone if it was given just now."""
    if member.zone is not None:
        return None
    member.zone = workspace.zone
    if posed.delivery_id is not None:
        delivery = await session.get_one(Delivery, posed.delivery_id)
        member.zone = (await session.get_one(Schedule, delivery.schedule_id)).zone
    return member.zone


async def _why_uncounted(session: AsyncSession, posed: Round, member: Member, at: datetime) -> str:
    """Why an answer earns no points; empty if it does."""
    if posed.kind is RoundKind.TEST:
        return "test"
    if posed.kind is RoundKind.PRACTICE:
        return "practice"
    if posed.closes_at is not None and at >= posed.closes_at:
        return "late"
    if await session.get(Peek, (posed.id, member.id)) is not None:
        return "looked-up"
    return ""
