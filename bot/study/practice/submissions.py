"""Answering: a choice, or one's own words; each member answers a round once, and a repeat changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, literal_column, select, union_all, update

from bot.context.identity import RequestContext
from bot.context.local_time import assigned_day, clock_in_force, period_keys
from bot.context.study import Study
from bot.errors import NotFound, UserError
from bot.replies import Notice, Reply
from bot.store.models import RoundKind
from bot.store.orm import Answer, Delivery, Member, Round, Schedule, ViewedAnswer, Workspace
from bot.store.rows import as_of
from bot.study.members.queries import member_with_zone
from bot.study.practice import grading
from bot.study.practice.feedback import Graded, verdict
from bot.study.practice.rounds import LETTERS, display_order, question_of, record_viewed, still_open
from bot.study.progress import streaks, totals
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage

Posed = tuple[Round, Question]
GONE = "There is no question by that mark here any more. `question` gives you a new one."


@dataclass(frozen=True, slots=True)
class _Beside:
    """What there is already when a round is answered: whether the member answered it or looked its question up, and
    the other rounds in which the same question is still open for them.
    """

    answered: bool
    peeked: bool
    open: list[int]


async def answer(study: Study, context: RequestContext, *, round: str, choice: str) -> Reply:
    """Answer by a choice."""
    return await _accept(study, context, round, choice=choice)


async def write(study: Study, context: RequestContext, *, round: str, text: str) -> Reply:
    """Answer in one's own words."""
    _, question = await study.store.look(partial(_posed, study=study, context=context, token=round))
    return await _accept(study, context, round, text=text, coverage=await study.library.compare(question, text))


async def assess(study: Study, context: RequestContext, *, round: str, how: str) -> Reply:
    """Judge one's own written answer against the reference, once; it may raise the points up to their cap."""
    posed, question = await study.store.look(partial(_posed, study=study, context=context, token=round))
    given, peeked = await study.store.change(partial(_judged, context=context, posed=posed, question=question, how=how))
    return Reply.of(*verdict(question, posed, Graded(given, again=True)).blocks, peeked)


def _posed(connection: Connection, study: Study, context: RequestContext, token: str) -> Posed:
    """The round that the member answers and its question. Raises NotFound, alike for others' rounds, and UserError."""
    row = connection.execute(BY_TOKEN, {"token": token.strip().lower()}).first()
    return _theirs(study, context, as_of(Round, row._mapping) if row is not None else None)


def _theirs(study: Study, context: RequestContext, posed: Round | None) -> Posed:
    foreign = posed is None or posed.workspace_id != context.workspace_id
    if posed is None or foreign or posed.member_id not in (None, context.member_id):
        raise NotFound(GONE)
    return posed, question_of(study, posed)


def _held(connection: Connection, study: Study, context: RequestContext, token: str) -> tuple[Posed, Member, str]:
    """The same, with the member, whose row is held from here on, and the zone of their workspace."""
    row = connection.execute(HELD, {"token": token.strip().lower(), "me": context.member_id}).first()
    if row is None:
        raise NotFound(GONE)
    columns, (*member, home) = row[: len(_round.c)], row[len(_round.c) :]
    posed = _theirs(study, context, as_of(Round, dict(zip(_round.c.keys(), columns, strict=True))))
    return posed, as_of(Member, dict(zip(_member.c.keys(), member, strict=True))), home


async def _accept(
    study: Study,
    context: RequestContext,
    token: str,
    *,
    choice: str = "",
    text: str | None = None,
    coverage: Coverage | None = None,
) -> Reply:
    def entering(connection: Connection) -> tuple[Round, Question, Graded, Notice | None]:
        (posed, question), member, home = _held(connection, study, context, token)
        if choice and not question.choices:
            raise UserError("This question has nothing to choose from: answer it in your own words.")
        index = display_order(posed)[LETTERS.index(choice)] if choice else None
        told = _entered(connection, context, member, home, posed, question, choice=index, text=text, coverage=coverage)
        return posed, question, *told

    posed, question, told, peeked = await study.store.change(entering)
    return Reply.of(*verdict(question, posed, told).blocks, peeked)


def _entered(
    connection: Connection,
    context: RequestContext,
    member: Member,
    home: str,
    posed: Round,
    question: Question,
    *,
    choice: int | None,
    text: str | None,
    coverage: Coverage | None,
) -> tuple[Graded, Notice | None]:
    """Enter an answer with all that follows from it, or find the one given before.

    The verdict tells the answer, which may be that of a question still open elsewhere: the notice says so.
    """
    beside = _beside(connection, context, posed)
    peeked = record_viewed(connection, context, beside.open)
    if beside.answered:
        given = _given(connection, posed, context)
        repeat = given.request_id == context.request_id
        now = streaks.streak_of(connection, member, context.at) if repeat else None
        return Graded(given, coverage=coverage, streak=now, again=not repeat), peeked
    kept = posed.kind is not RoundKind.TEST
    new_zone = _settle_zone(connection, posed, member, home) if kept else None
    week, month = period_keys(context.at, home)
    uncounted = _why_uncounted(posed, context.at, peeked=beside.peeked)
    values = {
        "request_id": context.request_id,
        "round_id": posed.id,
        "member_id": context.member_id,
        "workspace_id": context.workspace_id,
        "channel_id": posed.channel_id,
        "team_id": member.team_id,
        "question_id": question.id,
        "topic": question.topic,
        "accepted_at": context.at,
        "choice": choice,
        "text": text,
        "share": None,
        "correct": None,
        "self_graded": False,
        "unscored_reason": uncounted,
        "scored": not uncounted,
        "points": 0,
        "day": assigned_day(member, context.at),
        "zone": clock_in_force(member, context.at)[0],
        "week": week,
        "month": month,
    }
    given = as_of(Answer, values)
    grading.grade(given, question, coverage)
    streak = _keep(connection, context, member, given, new_zone) if kept else None
    if posed.delivery_id is not None and posed.closes_at is not None and context.at < posed.closes_at:
        connection.execute(UNCOUNTED, {"delivery": posed.delivery_id, "count_due": context.at})
    return Graded(given, coverage=coverage, streak=streak, new_zone=new_zone), peeked


def _keep(
    connection: Connection, context: RequestContext, member: Member, given: Answer, new_zone: str | None
) -> streaks.Streak:
    """Write an answer and what follows from it: the totals, and with the first of a day, the day and the streak."""
    given.id = connection.execute(ENTER, vars(given)).scalar_one()
    if given.scored:
        totals.add_points(connection, given, member, points=given.points)
    if member.last_day == given.day and new_zone is None:
        return streaks.stored_streak(member)
    member.last_day = given.day
    streak = streaks.streak_of(connection, member, context.at)
    connection.execute(
        FOLLOWS,
        {
            "me": member.id,
            "zone": member.zone,
            "last_day": given.day,
            "streak": streak.current,
            "longest": streak.longest,
            "freezes": streak.freezes,
        },
    )
    return streak


def _judged(
    connection: Connection, context: RequestContext, posed: Round, question: Question, how: str
) -> tuple[Answer, Notice | None]:
    member, _ = member_with_zone(connection, context.member_id, lock=True)
    beside = _beside(connection, context, posed)
    given = _given(connection, posed, context) if beside.answered else None
    if given is None or given.text is None:
        raise UserError("There is nothing to judge here yet: answer in your own words first.")
    if given.self_graded:
        raise UserError("You have judged this answer already; once is all there is.")
    before = given.points
    grading.judge_oneself(given, question, how)
    judgement = {name: getattr(given, name) for name in ("self_graded", "correct", "share", "points")}
    connection.execute(JUDGE, {"answer": given.id, **judgement})
    if given.scored and given.points > before:
        totals.add_points(connection, given, member, points=given.points - before, again=True)
    return given, record_viewed(connection, context, beside.open)


def _given(connection: Connection, posed: Round, context: RequestContext) -> Answer:
    row = connection.execute(GIVEN, {"round": posed.id, "me": context.member_id}).one()
    return as_of(Answer, row._mapping)


def _beside(connection: Connection, context: RequestContext, posed: Round) -> _Beside:
    place = {"workspace": context.workspace_id, "me": context.member_id, "at": context.at}
    found = connection.execute(BESIDE, {**place, "round": posed.id, "question": posed.question_id}).all()
    kinds = {kind for kind, _ in found}
    return _Beside("answered" in kinds, "peeked" in kinds, [id for kind, id in found if kind == "open"])


def _settle_zone(connection: Connection, posed: Round, member: Member, home: str) -> str | None:
    """Give a member without a zone the schedule's, or the workspace's; that zone if it was given just now."""
    if member.zone is not None:
        return None
    scheduled = connection.execute(SCHEDULED, {"delivery": posed.delivery_id}).scalar() if posed.delivery_id else None
    member.zone = scheduled or home
    return member.zone


def _why_uncounted(posed: Round, at: datetime, *, peeked: bool) -> str:
    """Why an answer earns no points; empty if it does."""
    if posed.kind is RoundKind.TEST:
        return "test"
    if posed.kind is RoundKind.PRACTICE:
        return "practice"
    if posed.closes_at is not None and at >= posed.closes_at:
        return "late"
    return "looked-up" if peeked else ""


# The statements are built once: building them takes longer than running them.

_round: Any = Round.__table__  # type: ignore[attr-defined]
_answer: Any = Answer.__table__  # type: ignore[attr-defined]
_peek: Any = ViewedAnswer.__table__  # type: ignore[attr-defined]
_member: Any = Member.__table__  # type: ignore[attr-defined]
_workspace: Any = Workspace.__table__  # type: ignore[attr-defined]
_delivery: Any = Delivery.__table__  # type: ignore[attr-defined]
_schedule: Any = Schedule.__table__  # type: ignore[attr-defined]

BY_TOKEN = select(_round).where(_round.c.round_key == bindparam("token"))
# A round never changes, so that it may be read with the row that is waited for; what others write in between may not.
HELD = (
    select(_round, _member, _workspace.c.zone)
    .join_from(_round, _member, _member.c.id == bindparam("me"))
    .join(_workspace, _workspace.c.id == _member.c.workspace_id)
    .where(_round.c.round_key == bindparam("token"))
    .with_for_update(of=_member)
)
GIVEN = select(_answer).where(_answer.c.round_id == bindparam("round"), _answer.c.member_id == bindparam("me"))
BESIDE = union_all(
    select(literal_column("'answered'"), _answer.c.round_id).where(
        _answer.c.round_id == bindparam("round"), _answer.c.member_id == bindparam("me")
    ),
    select(literal_column("'peeked'"), _peek.c.round_id).where(
        _peek.c.round_id == bindparam("round"), _peek.c.member_id == bindparam("me")
    ),
    select(literal_column("'open'"), _round.c.id).where(
        *still_open(bindparam("workspace"), bindparam("at")),
        _round.c.question_id == bindparam("question"),
        _round.c.id != bindparam("round"),
        _round.c.id.not_in(select(_answer.c.round_id).where(_answer.c.member_id == bindparam("me"))),
    ),
)
SCHEDULED = (
    select(_schedule.c.zone)
    .join_from(_schedule, _delivery, _delivery.c.schedule_id == _schedule.c.id)
    .where(_delivery.c.id == bindparam("delivery"))
)
ENTER = insert(_answer).returning(_answer.c.id)
JUDGE = update(_answer).where(_answer.c.id == bindparam("answer"))
UNCOUNTED = update(_delivery).where(_delivery.c.id == bindparam("delivery"), _delivery.c.count_due.is_(None))
FOLLOWS = update(_member).where(_member.c.id == bindparam("me"))
