"""SQL statements for stored explanations."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, insert, or_, select

from bot.context.identity import RequestContext
from bot.store import tables
from bot.store.models import StoredExplanation

explanations, channels = tables.explanations.c, tables.channels.c


def explanation(connection: Connection, explanation_id: int, *, lock: bool = False) -> StoredExplanation | None:
    """Find an explanation; with `lock`, nobody deletes it during this transaction."""
    statement = select(tables.explanations).where(explanations.id == explanation_id)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return StoredExplanation.of(row) if row else None


def explanation_by_key(connection: Connection, context: RequestContext, key: str) -> StoredExplanation | None:
    """Find an explanation of the member's workspace by its key, in any case."""
    where = (explanations.explanation_key == key.strip().lower(), explanations.workspace_id == context.workspace_id)
    row = connection.execute(select(tables.explanations).where(*where)).mappings().first()
    return StoredExplanation.of(row) if row else None


def explanation_of_request(connection: Connection, context: RequestContext) -> StoredExplanation | None:
    """Find the explanation that this request already got, because platforms may deliver a request twice."""
    where = (explanations.workspace_id == context.workspace_id, explanations.request_id == context.request_id)
    row = connection.execute(select(tables.explanations).where(*where)).mappings().first()
    return StoredExplanation.of(row) if row else None


def newest_explanation(
    connection: Connection, context: RequestContext, *, max_age_here: timedelta, max_age_nearby: timedelta
) -> StoredExplanation | None:
    """Find the newest explanation that a conversation in this channel can continue, preferring one from right here.

    In a channel, that's a public one from here or from this thread's channel. In a direct message, it's any of the
    member's own.
    """
    here = explanations.channel_id == context.channel_id
    around = channels.external_id == context.location.parent_channel
    own = explanations.member_id == context.member_id
    statement = (
        select(tables.explanations)
        .join(tables.channels, channels.id == explanations.channel_id)
        .where(
            explanations.workspace_id == context.workspace_id,
            own if context.location.direct else and_(explanations.is_public, or_(here, around)),
            explanations.at > context.at - max_age_here,
            or_(here, explanations.at > context.at - max_age_nearby),
        )
        .order_by(here.desc(), explanations.at.desc(), explanations.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).mappings().first()
    return StoredExplanation.of(row) if row else None


def add_explanation(connection: Connection, new: StoredExplanation) -> None:
    connection.execute(insert(tables.explanations), new.columns())


def delete_explanations_before(connection: Connection, member_id: int, at: datetime) -> None:
    """Delete the member's explanations from before that time."""
    connection.execute(delete(tables.explanations).where(explanations.member_id == member_id, explanations.at < at))


def question_of_thread(connection: Connection, context: RequestContext) -> str | None:
    """Find the id of the daily question in whose thread the request was sent."""
    rounds, deliveries = tables.rounds.c, tables.deliveries.c
    statement = (
        select(rounds.question_id)
        .join_from(tables.rounds, tables.deliveries, deliveries.id == rounds.delivery_id)
        .join(tables.channels, channels.id == deliveries.channel_id)
        .where(channels.workspace_id == context.workspace_id, deliveries.thread_ref == context.location.channel)
        .order_by(deliveries.id.desc())
        .limit(1)
    )
    question_id: str | None = connection.execute(statement).scalar()
    return question_id
