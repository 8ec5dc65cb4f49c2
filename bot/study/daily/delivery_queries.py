"""SQL statements for the deliveries of schedules: enqueue them, record how far they got, skip the late ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, or_, select, update

from bot.delivery import queue
from bot.store import tables
from bot.store.models import Delivery, DeliveryKind, DeliveryState, Round, Schedule
from bot.store.upsert import insert_on

deliveries, rounds, answers = tables.deliveries.c, tables.rounds.c, tables.answers.c

_ROUND_AND_SCHEDULE = (
    select(tables.rounds, tables.schedules, tables.workspaces.c.custom_questions_version)
    .join_from(tables.rounds, tables.schedules, tables.schedules.c.id == bindparam("schedule"))
    .join(tables.workspaces, tables.workspaces.c.id == rounds.workspace_id)
    .where(rounds.delivery_id == bindparam("question"))
)
_RECORD_POST = (
    update(tables.deliveries)
    .where(deliveries.id == bindparam("delivery"))
    .values(message_ref=bindparam("ref"), posted_at=bindparam("now"), problem=None)
)
_COUNT = (
    select(tables.deliveries, tables.rounds, func.count(answers.id).label("answers"))
    .join_from(tables.deliveries, tables.rounds, rounds.delivery_id == deliveries.id)
    .outerjoin(tables.answers, answers.round_id == rounds.id)
    .where(deliveries.id == bindparam("question"))
    .group_by(deliveries.id, rounds.id)
)


def round_and_schedule(connection: Connection, delivery: Delivery) -> tuple[Round, Schedule, int]:
    """Return the round that a question or its reveal is about, its schedule, and the version of custom questions."""
    about = {"question": delivery.subject_id or delivery.id, "schedule": delivery.schedule_id}
    row = connection.execute(_ROUND_AND_SCHEDULE, about).mappings().one()
    found = tables.columns_of(row, tables.rounds), tables.columns_of(row, tables.schedules)
    return Round.of(found[0]), Schedule.of(found[1]), row["custom_questions_version"]


def record_question(
    connection: Connection, delivery: Delivery, question_round: Round, message_ref: str, now: datetime
) -> None:
    """Record a question's message before its thread and pin, and enqueue its reveal."""
    record_post(connection, delivery, message_ref, now)
    add_reveal(connection, delivery, question_round)


def record_post(connection: Connection, delivery: Delivery, message_ref: str, now: datetime) -> None:
    """Record the message of a delivery that has more to do."""
    connection.execute(_RECORD_POST, {"delivery": delivery.id, "ref": message_ref, "now": now})


def add_reveal(connection: Connection, delivery: Delivery, question_round: Round) -> None:
    """Enqueue the reveal of a question."""
    assert question_round.closes_at is not None  # noqa: S101  # every daily round closes
    reveal = Delivery(
        kind=DeliveryKind.REVEAL,
        workspace_id=delivery.workspace_id,
        channel_id=delivery.channel_id,
        schedule_id=delivery.schedule_id,
        day=delivery.day,
        subject_id=delivery.id,
        due_at=question_round.closes_at,
        available_at=question_round.closes_at,
    )
    queue.add_once(connection, reveal)


def message_of(connection: Connection, delivery_id: int) -> str:
    """Return the ref of a delivery's message; empty if it has none."""
    found = connection.execute(select(deliveries.message_ref).where(deliveries.id == delivery_id)).scalar()
    return found or ""


def is_posted(connection: Connection, delivery_id: int) -> bool:
    posted = select(deliveries.id).where(deliveries.id == delivery_id, deliveries.message_ref.is_not(None))
    return connection.execute(posted).first() is not None


def record_thread(connection: Connection, delivery_id: int, thread_ref: str) -> None:
    connection.execute(update(tables.deliveries).where(deliveries.id == delivery_id).values(thread_ref=thread_ref))


def record_pin(connection: Connection, delivery_id: int, replaced_id: int | None) -> None:
    """Record that a question is pinned, and that the one it replaced no longer is."""
    connection.execute(update(tables.deliveries).where(deliveries.id == delivery_id).values(pinned=True))
    if replaced_id is not None:
        connection.execute(update(tables.deliveries).where(deliveries.id == replaced_id).values(pinned=False))


def pinned_before(connection: Connection, delivery: Delivery) -> tuple[int, str] | None:
    """Return the id and the message of the schedule's earlier question that is pinned now."""
    statement = (
        select(deliveries.id, deliveries.message_ref)
        .where(
            deliveries.schedule_id == delivery.schedule_id, deliveries.pinned.is_(True), deliveries.id != delivery.id
        )
        .order_by(deliveries.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    return None if row is None else (row[0], row[1] or "")


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """The number of answers to a posted question, and the number that its message shows."""

    question_round: Round
    message_ref: str
    posted_at: datetime
    shown: int
    answers: int


def count_of(connection: Connection, question_delivery_id: int) -> AnswerCount | None:
    """Count the answers to a question; None if it isn't posted."""
    row = connection.execute(_COUNT, {"question": question_delivery_id}).mappings().first()
    if row is None or row[deliveries.message_ref] is None:
        return None
    return AnswerCount(
        Round.of(tables.columns_of(row, tables.rounds)),
        row[deliveries.message_ref],
        row[deliveries.posted_at],
        row[deliveries.shown_answers],
        row["answers"],
    )


def record_count(connection: Connection, question_delivery_id: int, shown: int) -> None:
    statement = update(tables.deliveries).where(deliveries.id == question_delivery_id)
    connection.execute(statement.values(shown_answers=shown))


_PLANNED = ("kind", "workspace_id", "channel_id", "schedule_id", "day", "due_at", "available_at", "state", "problem")
"""The columns that planning sets in a delivery, and in its round; fewer values take less time at 10,000 at once."""
_PLANNED_ROUND = (
    "round_key", "workspace_id", "channel_id", "kind", "question_id", "choice_order", "choices_hash", "opened_at",
    "closes_at",
)  # fmt: skip


def add_questions(connection: Connection, planned: Sequence[tuple[Delivery, Round | None]]) -> None:
    """Store daily deliveries, and the rounds of those that are to be posted.

    Days that are already enqueued are left alone.
    """
    if not planned:
        return
    rows = [{name: getattr(new, name) for name in _PLANNED} for new, _ in planned]
    added = connection.execute(_insert_planned(connection.dialect.name), rows)
    ids = {(schedule_id, day): delivery_id for delivery_id, schedule_id, day in added}
    new_rounds = [
        {name: getattr(question_round, name) for name in _PLANNED_ROUND} | {"delivery_id": delivery_id}
        for delivery, question_round in planned
        if question_round is not None and (delivery_id := ids.get((delivery.schedule_id, delivery.day)))
    ]
    if new_rounds:
        connection.execute(tables.rounds.insert(), new_rounds)


@cache
def _insert_planned(dialect: str) -> Any:
    day_of_schedule = (deliveries.schedule_id, deliveries.kind, deliveries.day)
    once = insert_on(dialect, tables.deliveries).on_conflict_do_nothing(index_elements=day_of_schedule)
    return once.returning(deliveries.id, deliveries.schedule_id, deliveries.day)


def skip_late(connection: Connection, now: datetime, max_delay: timedelta, queue_grace: timedelta) -> list[int]:
    """Skip questions that weren't posted in time, and return the ids of their deliveries.

    That is the case after `max_delay` or once the answer is due, such as for a platform whose process was down. A
    channel gets one late question at most, so one later than `queue_grace` is also skipped if the channel has a newer
    one waiting. A question that somebody answered must have been posted, even if that was never recorded,
    so it stays and is claimed again under the same key.
    """
    newer = tables.deliveries.alias("newer")
    answered = exists().where(rounds.delivery_id == deliveries.id, answers.round_id == rounds.id)
    closed = exists().where(rounds.delivery_id == deliveries.id, rounds.closes_at <= now)
    followed = exists().where(
        newer.c.channel_id == deliveries.channel_id,
        newer.c.kind == DeliveryKind.DAILY,
        newer.c.due_at > deliveries.due_at,
        newer.c.due_at <= now,
        newer.c.state.not_in((DeliveryState.FAILED, DeliveryState.SKIPPED)),
    )
    skipped = (
        update(tables.deliveries)
        .where(
            deliveries.kind == DeliveryKind.DAILY,
            deliveries.state.in_((DeliveryState.DUE, DeliveryState.SENDING)),
            deliveries.message_ref.is_(None),  # with one it is posted, and waits for its thread or pin
            or_(deliveries.state == DeliveryState.DUE, deliveries.available_at <= now),  # nobody is posting it
            or_(
                deliveries.due_at < now - max_delay,
                closed,
                and_(deliveries.due_at < now - queue_grace, followed),
            ),
            ~answered,
        )
        .values(state=DeliveryState.SKIPPED, problem="too late", claim_token=None)
        .returning(deliveries.id)
    )
    ids = [delivery_id for (delivery_id,) in connection.execute(skipped)]
    if ids:  # their questions were never asked, so they may come another day
        connection.execute(delete(tables.rounds).where(rounds.delivery_id.in_(ids)))
    return ids
