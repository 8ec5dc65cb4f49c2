"""SQL statements for rounds, answers and viewed answers.

The frequent ones are built once: building a statement takes longer than running it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from bot.context.identity import RequestContext
from bot.delivery import queue
from bot.store import tables
from bot.store.models import Answer, Delivery, DeliveryKind, Member, Round
from bot.store.upsert import insert as upsert
from bot.study.practice.grading import Grade
from bot.study.practice.round_kinds import CLOSING_KINDS
from bot.study.workspaces.queries import retired_questions

rounds, answers, viewed_answers = tables.rounds.c, tables.answers.c, tables.viewed_answers.c
members, workspaces, deliveries = tables.members.c, tables.workspaces.c, tables.deliveries.c


# Which questions are open, and for whom


def still_open(workspace_id: Any, at: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a round of that workspace whose answers can still score at that time."""
    return (
        rounds.workspace_id == workspace_id,
        or_(*(rounds.kind == kind for kind in CLOSING_KINDS)),
        rounds.closes_at > at,
    )


def open_rounds(workspace_id: Any, at: Any, *, unanswered_by: Any = None) -> Select[int, str]:
    """Select id and question id of open rounds; with a member, only those that this member hasn't answered.

    Everything that shows an answer must check this first: an open question must not be given away in a channel, and
    members who look it up in private earn no points for it. All arguments may be bound parameters.
    """
    found = select(rounds.id, rounds.question_id).where(*still_open(workspace_id, at))
    if unanswered_by is None:
        return found
    return found.where(rounds.id.not_in(select(answers.round_id).where(answers.member_id == unanswered_by)))


_OPEN_IN_WORKSPACE = open_rounds(bindparam("workspace"), bindparam("at"))
_OPEN_FOR_MEMBER = open_rounds(bindparam("workspace"), bindparam("at"), unanswered_by=bindparam("member"))
_ASKED_OPEN_FOR_MEMBER = _OPEN_FOR_MEMBER.where(rounds.question_id.in_(bindparam("questions", expanding=True)))


def open_questions(connection: Connection, workspace_id: int, at: datetime) -> set[str]:
    """Return the ids of the questions that are open for anyone in the workspace."""
    found = connection.execute(_OPEN_IN_WORKSPACE, {"workspace": workspace_id, "at": at})
    return {question_id for _, question_id in found}


def unanswered_open_rounds(connection: Connection, context: RequestContext, question_ids: Collection[str]) -> list[int]:
    """Return the ids of the rounds in which one of these questions is open for the member."""
    found = connection.execute(
        _ASKED_OPEN_FOR_MEMBER,
        {
            "workspace": context.workspace_id,
            "at": context.at,
            "member": context.member_id,
            "questions": list(question_ids),
        },
    )
    return [round_id for round_id, _ in found]


def record_viewed(connection: Connection, context: RequestContext, round_ids: Collection[int]) -> None:
    """Store that the member has seen the answer to these rounds."""
    if round_ids:
        connection.execute(
            upsert(connection, tables.viewed_answers).on_conflict_do_nothing(),
            [{"round_id": round_id, "member_id": context.member_id, "at": context.at} for round_id in round_ids],
        )


def unavailable_questions(connection: Connection, context: RequestContext) -> set[str]:
    """Return the ids of the questions that can't be used for practice: those retired or open in the workspace."""
    retired = retired_questions(connection, context.workspace_id)
    return open_questions(connection, context.workspace_id, context.at).union(retired)


# Rounds


_BY_KEY = select(tables.rounds).where(rounds.round_key == bindparam("round_key"))
# A round never changes, so it may be read along with the row that is waited for. What others write while this waits may
# not: PostgreSQL reads it as it was before the wait.
_TO_ANSWER = (
    select(tables.rounds, tables.members, workspaces.zone)
    .join_from(tables.rounds, tables.members, members.id == bindparam("member"))
    .join(tables.workspaces, workspaces.id == members.workspace_id)
    .where(rounds.round_key == bindparam("round_key"))
    .with_for_update(of=tables.members)
)
_ROUND_COLUMNS, _MEMBER_COLUMNS = rounds.keys(), members.keys()


def round_by_key(connection: Connection, round_key: str) -> Round | None:
    """Find a round by its key, in any case."""
    row = connection.execute(_BY_KEY, {"round_key": round_key.strip().lower()}).mappings().first()
    return Round.of(row) if row else None


def round_to_answer(connection: Connection, round_key: str, member_id: int) -> tuple[Round, Member, str] | None:
    """Find a round by its key, with the member, whose row is locked, and their workspace's zone."""
    row = connection.execute(_TO_ANSWER, {"round_key": round_key.strip().lower(), "member": member_id}).first()
    if row is None:
        return None
    split = len(_ROUND_COLUMNS)
    question_round = Round.of(dict(zip(_ROUND_COLUMNS, row[:split], strict=True)))
    member = Member.of(dict(zip(_MEMBER_COLUMNS, row[split:-1], strict=True)))
    return question_round, member, row[-1]


def round_of_request(connection: Connection, context: RequestContext) -> Round | None:
    """Find the round that this request already created, because platforms may deliver a request twice."""
    where = (rounds.member_id == context.member_id, rounds.request_id == context.request_id)
    row = connection.execute(select(tables.rounds).where(*where)).mappings().first()
    return Round.of(row) if row else None


def add_round(connection: Connection, new: Round) -> Round:
    """Store a round and return it with its id."""
    round_id = connection.execute(insert(tables.rounds).returning(rounds.id), new.columns()).scalar_one()
    return new.model_copy(update={"id": round_id})


# Answers


@dataclass(frozen=True, slots=True)
class PriorState:
    """What's stored about a member and a round's question before they answer.

    `answered` and `viewed` are about the round itself; `open_rounds` are ids of the other rounds in which the same
    question is open for them.
    """

    answered: bool
    viewed: bool
    open_rounds: tuple[int, ...]


_PRIOR_STATE = union_all(
    select(literal_column("'answered'"), answers.round_id).where(
        answers.round_id == bindparam("round"), answers.member_id == bindparam("member")
    ),
    select(literal_column("'viewed'"), viewed_answers.round_id).where(
        viewed_answers.round_id == bindparam("round"), viewed_answers.member_id == bindparam("member")
    ),
    _OPEN_FOR_MEMBER.where(
        rounds.question_id == bindparam("question"), rounds.id != bindparam("round")
    ).with_only_columns(literal_column("'open'"), rounds.id),
)


def prior_state(connection: Connection, context: RequestContext, question_round: Round) -> PriorState:
    """Return what's stored about the member and the round's question, in a single statement."""
    values = {
        "workspace": context.workspace_id,
        "at": context.at,
        "member": context.member_id,
        "round": question_round.id,
        "question": question_round.question_id,
    }
    found = connection.execute(_PRIOR_STATE, values).all()
    facts = {fact for fact, _ in found}
    return PriorState(
        "answered" in facts, "viewed" in facts, tuple(round_id for fact, round_id in found if fact == "open")
    )


_ANSWER_TO = select(tables.answers).where(
    answers.round_id == bindparam("round"), answers.member_id == bindparam("member")
)
_ADD_ANSWER = insert(tables.answers).returning(answers.id)
_SELF_GRADE = update(tables.answers).where(answers.id == bindparam("answer"))


def answer_to(connection: Connection, round_id: int, member_id: int) -> Answer:
    """Return the member's answer to a round; there must be one."""
    return Answer.of(connection.execute(_ANSWER_TO, {"round": round_id, "member": member_id}).mappings().one())


def add_answer(connection: Connection, new: Answer) -> Answer:
    """Store an answer and return it with its id."""
    return new.model_copy(update={"id": connection.execute(_ADD_ANSWER, new.columns()).scalar_one()})


def store_self_grade(connection: Connection, answer: Answer, grade: Grade) -> Answer:
    """Replace an answer's grade with the member's own, and return the answer."""
    changed = {"self_graded": True, "correct": grade.correct, "share": grade.share, "points": grade.points}
    connection.execute(_SELF_GRADE, {"answer": answer.id, **changed})
    return answer.model_copy(update=changed)


def last_answered(connection: Connection, member_id: int) -> dict[str, float]:
    """Return when the member last answered each question, in seconds since the epoch."""
    statement = (
        select(answers.question_id, func.max(answers.accepted_at))
        .where(answers.member_id == member_id)
        .group_by(answers.question_id)
    )
    return {question_id: at.timestamp() for question_id, at in connection.execute(statement)}


# The member's zone, and the post's live count


_SCHEDULE_ZONE = (
    select(tables.schedules.c.zone)
    .join_from(tables.schedules, tables.deliveries, deliveries.schedule_id == tables.schedules.c.id)
    .where(deliveries.id == bindparam("delivery"))
)


def schedule_zone(connection: Connection, delivery_id: int) -> str | None:
    """Return the zone of the schedule that a delivery belongs to."""
    zone: str | None = connection.execute(_SCHEDULE_ZONE, {"delivery": delivery_id}).scalar()
    return zone


def set_zone(connection: Connection, member_id: int, zone: str) -> None:
    connection.execute(update(tables.members).where(members.id == member_id).values(zone=zone))


def request_count_update(connection: Connection, question_round: Round, at: datetime) -> None:
    """Enqueue an update of a posted question's live count, unless one is enqueued."""
    count = Delivery(
        kind=DeliveryKind.COUNT,
        workspace_id=question_round.workspace_id,
        channel_id=question_round.channel_id,
        subject_id=question_round.delivery_id,
        due_at=at,
        available_at=at,
    )
    queue.add_once(connection, count)
