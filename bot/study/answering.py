"""Answering: a choice, or one's own words; each member answers a round once, and a repeat changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, literal_column, select, union_all, update

from bot.errors import NotFound, UserError
from bot.replies import Notice, Reply
from bot.store.rows import as_of
from bot.store.tables import Answer, Delivery, Member, Peek, Round, RoundKind, Schedule
from bot.study import grading, streaks, totals
from bot.study.context import Asker, Study
from bot.study.days import assigned_day, clock_in_force, period_keys
from bot.study.people import member_at_home
from bot.study.rounds import LETTERS, question_of, seen, shown, still_open
from bot.study.verdicts import Graded, verdict
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.compare import Coverage

Posed = tuple[Round, Question]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What there is already when a round is answered: whether the member answered it or looked its question up, and
    the other rounds in which the same question is still open for them.
    """

    answered: bool
    peeked: bool
    open: list[int]


async def answer(study: Study, asker: Asker, *, round: str, choice: str) -> Reply:
    """Answer by a choice."""
    return await _accept(study, asker, partial(_posed, study=study, asker=asker, token=round), choice=choice)


async def write(study: Study, asker: Asker, *, round: str, text: str) -> Reply:
    """Answer in one's own words."""
    posed = await study.store.look(partial(_posed, study=study, asker=asker, token=round))
    coverage = await study.library.compare(posed[1], text)
    return await _accept(study, asker, lambda _: posed, text=text, coverage=coverage)


async def assess(study: Study, asker: Asker, *, round: str, how: str) -> Reply:
    """Judge one's own written answer against the reference, once; it may raise the points up to their cap."""
    posed, question = await study.store.look(partial(_posed, study=study, asker=asker, token=round))
    given, peeked = await study.store.change(partial(_judged, asker=asker, posed=posed, question=question, how=how))
    return Reply.of(*verdict(question, posed, Graded(given, again=True)).blocks, peeked)


def _posed(connection: Connection, study: Study, asker: Asker, token: str) -> Posed:
    """The round that the member answers and its question. Raises NotFound, alike for others' rounds, and UserError."""
    row = connection.execute(BY_TOKEN, {"token": token.strip().lower()}).first()
    theirs = row is not None and row.workspace_id == asker.workspace_id
    if row is None or not theirs or row.member_id not in (None, asker.member_id):
        raise NotFound("There is no question by that mark here any more. `question` gives you a new one.")
    posed = as_of(Round, row._mapping)
    return posed, question_of(study, posed)


async def _accept(
    study: Study,
    asker: Asker,
    find: Callable[[Connection], Posed],
    *,
    choice: str = "",
    text: str | None = None,
    coverage: Coverage | None = None,
) -> Reply:
    """Enter the answer to the round that is found, in one transaction with the finding where that is cheap."""

    def entering(connection: Connection) -> tuple[Round, Question, Graded, Notice | None]:
        posed, question = find(connection)
        if choice and not question.choices:
            raise UserError("This question has nothing to choose from: answer it in your own words.")
        index = shown(posed)[LETTERS.index(choice)] if choice else None
        return (
            posed,
            question,
            *_entered(connection, asker, posed, question, choice=index, text=text, coverage=coverage),
        )

    posed, question, told, peeked = await study.store.change(entering)
    return Reply.of(*verdict(question, posed, told).blocks, peeked)


def _entered(
    connection: Connection,
    asker: Asker,
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
    member, home = member_at_home(connection, asker.member_id, lock=True)
    beside = _beside(connection, asker, posed)
    peeked = seen(connection, asker, beside.open)
    if beside.answered:
        given = _given(connection, posed, asker)
        repeat = given.request_id == asker.request_id
        now = streaks.streak_of(connection, member, asker.at) if repeat else None
        return Graded(given, coverage=coverage, streak=now, again=not repeat), peeked
    kept = posed.kind is not RoundKind.TEST
    new_zone = _settle_zone(connection, posed, member, home) if kept else None
    week, month = period_keys(asker.at, home)
    uncounted = _why_uncounted(posed, asker.at, peeked=beside.peeked)
    values = {
        "request_id": asker.request_id,
        "round_id": posed.id,
        "member_id": asker.member_id,
        "workspace_id": asker.workspace_id,
        "channel_id": posed.channel_id,
        "team_id": member.team_id,
        "question_id": question.id,
        "topic": question.topic,
        "accepted_at": asker.at,
        "choice": choice,
        "text": text,
        "share": None,
        "right": None,
        "assessed": False,
        "uncounted": uncounted,
        "counted": not uncounted,
        "points": 0,
        "day": assigned_day(member, asker.at),
        "zone": clock_in_force(member, asker.at)[0],
        "week": week,
        "month": month,
    }
    given = as_of(Answer, values)
    grading.grade(given, question, coverage)
    streak = _keep(connection, asker, member, given) if kept else None
    if posed.delivery_id is not None and posed.closes_at is not None and asker.at < posed.closes_at:
        connection.execute(UNCOUNTED, {"delivery": posed.delivery_id, "count_due": asker.at})
    return Graded(given, coverage=coverage, streak=streak, new_zone=new_zone), peeked


def _keep(connection: Connection, asker: Asker, member: Member, given: Answer) -> streaks.Streak:
    """Write an answer and what follows from it: the day, the totals, the streak."""
    given.id = connection.execute(ENTER, vars(given)).scalar_one()
    if given.counted:
        totals.credited(connection, given, member, points=given.points)
    member.last_day = given.day
    streak = streaks.streak_of(connection, member, asker.at)
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
    connection: Connection, asker: Asker, posed: Round, question: Question, how: str
) -> tuple[Answer, Notice | None]:
    member, _ = member_at_home(connection, asker.member_id, lock=True)
    beside = _beside(connection, asker, posed)
    given = _given(connection, posed, asker) if beside.answered else None
    if given is None or given.text is None:
        raise UserError("There is nothing to judge here yet: answer in your own words first.")
    if given.assessed:
        raise UserError("You have judged this answer already; once is all there is.")
    before = given.points
    grading.judge_oneself(given, question, how)
    judgement = {name: getattr(given, name) for name in ("assessed", "right", "share", "points")}
    connection.execute(JUDGE, {"answer": given.id, **judgement})
    if given.counted and given.points > before:
        totals.credited(connection, given, member, points=given.points - before, again=True)
    return given, seen(connection, asker, beside.open)


def _given(connection: Connection, posed: Round, asker: Asker) -> Answer:
    row = connection.execute(GIVEN, {"round": posed.id, "me": asker.member_id}).one()
    return as_of(Answer, row._mapping)


def _beside(connection: Connection, asker: Asker, posed: Round) -> _Beside:
    place = {"workspace": asker.workspace_id, "me": asker.member_id, "at": asker.at}
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
_peek: Any = Peek.__table__  # type: ignore[attr-defined]
_member: Any = Member.__table__  # type: ignore[attr-defined]
_delivery: Any = Delivery.__table__  # type: ignore[attr-defined]
_schedule: Any = Schedule.__table__  # type: ignore[attr-defined]

BY_TOKEN = select(_round).where(_round.c.token == bindparam("token"))
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
