"""SQL statements for deliveries: enqueue them, claim one, record how far it got, skip the late ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, or_, select, text, update

from bot.store import tables
from bot.store.models import OPEN_DELIVERY, Delivery, DeliveryKind, DeliveryState, Round, Schedule
from bot.store.upsert import insert
from bot.study.daily.claims import ClaimedDelivery
from bot.study.members.queries import location_of

LEASE = timedelta(seconds=90)
"""How long a process has for a delivery it claimed before another may take it over."""

deliveries, rounds = tables.deliveries.c, tables.rounds.c
channels, workspaces = tables.channels.c, tables.workspaces.c

ON_PLATFORMS = exists().where(
    channels.id == deliveries.channel_id,
    channels.workspace_id == workspaces.id,
    workspaces.platform.in_(bindparam("platforms", expanding=True)),
    workspaces.left_at.is_(None),
)
"""A condition on deliveries: their platform is among the bound `platforms`, and the bot is still in the workspace."""

_daily = tables.deliveries.alias("daily")  # a reveal is about the round of its day's question
# A subquery of its own, so that it reads the index of open deliveries: joined with the other tables, SQLite would
# start at the workspaces and sort.
_next_id = (
    select(deliveries.id)
    .where(
        text(OPEN_DELIVERY),
        deliveries.due_at <= bindparam("now"),
        or_(deliveries.lease_until.is_(None), deliveries.lease_until <= bindparam("now")),
        ON_PLATFORMS,
    )
    .order_by(deliveries.due_at, deliveries.id)
    .limit(1)
    .with_for_update(of=tables.deliveries, skip_locked=True)
    .scalar_subquery()
)
_NEXT = (
    select(tables.deliveries, tables.channels, tables.workspaces, tables.rounds, tables.schedules)
    .join_from(tables.deliveries, tables.channels, channels.id == deliveries.channel_id)
    .join(tables.workspaces, workspaces.id == channels.workspace_id)
    .join(tables.schedules, tables.schedules.c.id == deliveries.schedule_id)
    .join(
        _daily,
        and_(
            _daily.c.schedule_id == deliveries.schedule_id,
            _daily.c.day == deliveries.day,
            _daily.c.kind == DeliveryKind.DAILY,
        ),
    )
    .join(tables.rounds, rounds.delivery_id == _daily.c.id)
    .where(deliveries.id == _next_id)
)
_CLAIM = (
    update(tables.deliveries)
    .where(deliveries.id == bindparam("delivery_id"))
    .values(state=DeliveryState.SENDING, lease_until=bindparam("lease"), attempts=bindparam("attempt"))
)


def claim_next(connection: Connection, platforms: Sequence[str], now: datetime) -> ClaimedDelivery | None:
    """Claim the delivery that has been due longest on one of these platforms, until `now` plus LEASE."""
    row = connection.execute(_NEXT, {"now": now, "platforms": list(platforms)}).mappings().first()
    if row is None:
        return None
    delivery = Delivery.of(tables.columns_of(row, tables.deliveries))
    claimed: dict[str, Any] = {
        "state": DeliveryState.SENDING,
        "lease_until": now + LEASE,
        "attempts": delivery.attempts + 1,
    }
    connection.execute(
        _CLAIM, {"delivery_id": delivery.id, "lease": claimed["lease_until"], "attempt": claimed["attempts"]}
    )
    return ClaimedDelivery(
        delivery.model_copy(update=claimed),
        location_of(row),
        Round.of(tables.columns_of(row, tables.rounds)),
        Schedule.of(tables.columns_of(row, tables.schedules)),
    )


_RECORD_POSTED = (
    update(tables.deliveries)
    .where(deliveries.id == bindparam("delivery_id"))
    .values(message_ref=bindparam("ref"), posted_at=bindparam("now"), problem=None)
)
_RECORD_POSTED_AND_DONE = _RECORD_POSTED.values(state=DeliveryState.DONE, lease_until=None)


def record_posted(connection: Connection, claim: ClaimedDelivery, message_ref: str, now: datetime) -> None:
    """Record a delivery's message, mark it done unless there are more steps, and enqueue a question's reveal."""
    connection.execute(
        _RECORD_POSTED if claim.has_steps_after_post else _RECORD_POSTED_AND_DONE,
        {"delivery_id": claim.delivery.id, "ref": message_ref, "now": now},
    )
    if claim.delivery.kind is DeliveryKind.DAILY:
        assert claim.question_round.closes_at is not None  # noqa: S101  # every daily round closes
        reveal = Delivery(
            schedule_id=claim.delivery.schedule_id,
            channel_id=claim.delivery.channel_id,
            kind=DeliveryKind.REVEAL,
            day=claim.delivery.day,
            due_at=claim.question_round.closes_at,
        )
        connection.execute(insert(connection, tables.deliveries).values(reveal.columns()).on_conflict_do_nothing())


def record_thread(connection: Connection, delivery_id: int, thread_ref: str) -> None:
    connection.execute(update(tables.deliveries).where(deliveries.id == delivery_id).values(thread_ref=thread_ref))


def record_pinned(connection: Connection, delivery_id: int, pinned: bool) -> None:
    connection.execute(update(tables.deliveries).where(deliveries.id == delivery_id).values(pinned=pinned))


def record_done(connection: Connection, delivery_id: int) -> None:
    done = update(tables.deliveries).where(deliveries.id == delivery_id)
    connection.execute(done.values(state=DeliveryState.DONE, lease_until=None))


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


def lock_delivery(connection: Connection, delivery_id: int) -> Delivery:
    """Return a delivery, and lock its row until the end of this transaction."""
    statement = select(tables.deliveries).where(deliveries.id == delivery_id).with_for_update()
    return Delivery.of(connection.execute(statement).mappings().one())


def release(
    connection: Connection, delivery_id: int, state: DeliveryState, problem: str, *, retry_at: datetime | None = None
) -> None:
    """Give up the claim on a delivery because of a problem; with `retry_at`, nobody claims it before then."""
    released = update(tables.deliveries).where(deliveries.id == delivery_id)
    connection.execute(released.values(state=state, problem=problem, lease_until=retry_at))


def enqueued_days(connection: Connection, schedule_ids: Collection[int], first_day: date) -> set[tuple[int, date]]:
    """Return the schedules and days, from `first_day` on, whose question has been enqueued already."""
    statement = select(deliveries.schedule_id, deliveries.day).where(
        deliveries.schedule_id.in_(schedule_ids),
        deliveries.kind == DeliveryKind.DAILY,
        deliveries.day >= first_day,
    )
    return {(schedule_id, day) for schedule_id, day in connection.execute(statement)}


def add_questions(connection: Connection, planned: Sequence[tuple[Delivery, Round | None]]) -> None:
    """Store daily deliveries, and the rounds of those that are to be posted."""
    if not planned:
        return
    added = tables.deliveries.insert().returning(deliveries.id, deliveries.schedule_id, deliveries.day)
    ids = {
        (schedule_id, day): delivery_id
        for delivery_id, schedule_id, day in connection.execute(added, [new.columns() for new, _ in planned])
    }
    new_rounds = [
        {**question_round.columns(), "delivery_id": ids[delivery.schedule_id, delivery.day]}
        for delivery, question_round in planned
        if question_round is not None
    ]
    if new_rounds:
        connection.execute(tables.rounds.insert(), new_rounds)


def skip_late(connection: Connection, now: datetime, max_delay: timedelta, queue_grace: timedelta) -> list[int]:
    """Skip questions that weren't posted in time, and return the ids of their deliveries.

    That is the case after `max_delay` or once the answer is due, such as for a platform whose process was down. A
    channel gets one late question at most, so one later than `queue_grace` is also skipped if the channel has a newer
    one waiting. A question that somebody answered must have been posted, even if that was never recorded,
    so it stays and is claimed again under the same key.
    """
    newer = tables.deliveries.alias("newer")
    answered = exists().where(rounds.delivery_id == deliveries.id, tables.answers.c.round_id == rounds.id)
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
            or_(deliveries.lease_until.is_(None), deliveries.lease_until <= now),
            or_(
                deliveries.due_at < now - max_delay,
                closed,
                and_(deliveries.due_at < now - queue_grace, followed),
            ),
            ~answered,
        )
        .values(state=DeliveryState.SKIPPED, problem="too late", lease_until=None)
        .returning(deliveries.id)
    )
    ids = [delivery_id for (delivery_id,) in connection.execute(skipped)]
    if ids:  # their questions were never asked, so they may come another day
        connection.execute(delete(tables.rounds).where(rounds.delivery_id.in_(ids)))
    return ids
