"""Handle posts that failed: retry them, or stop the schedule and tell its managers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError
from bot.context.study import Study
from bot.replies import Notice, Reply, Tone
from bot.store.models import Delivery, DeliveryState
from bot.study.daily import delivery_queries, schedule_queries
from bot.study.daily.claims import ClaimedDelivery
from bot.study.daily.delivery_queries import LEASE

log = structlog.get_logger()

MAX_ATTEMPTS = 3
DIRECT_MESSAGE_TIMEOUT = 30.0
"""Seconds a platform has for a message to one manager."""


async def post_failed(study: Study, claim: ClaimedDelivery, reason: str, *, retry: bool) -> None:
    """Schedule a retry; after the last attempt, stop the schedule and tell its managers once.

    Where the question itself was posted, only its thread or pin is missing, and the schedule goes on.
    """
    log.warning("not posted", delivery=claim.delivery.id, reason=reason, attempt=claim.delivery.attempts)
    may_retry = retry and claim.delivery.attempts < MAX_ATTEMPTS
    if may_retry:
        retry_at = study.clock() + LEASE * claim.delivery.attempts
        await study.store.transaction(_release_for_retry, claim.delivery, reason, retry_at)
        return
    state, managers = await study.store.transaction(_give_up, claim.delivery, reason)
    if state is DeliveryState.DONE:
        await extras_failed(study, claim, reason)
    elif managers is not None:
        text = (
            f"The daily question in {_channel_name(claim.location)} has stopped: {reason} "
            "Once that's fixed, run `schedule resume` there."
        )
        await _tell_managers(study, claim.location, managers, text, f"paused-{claim.delivery.id}")


def _release_for_retry(connection: Connection, delivery: Delivery, reason: str, retry_at: datetime) -> None:
    if _still_claimed(connection, delivery):
        delivery_queries.release(connection, delivery.id, DeliveryState.DUE, reason, retry_at=retry_at)


def _give_up(
    connection: Connection, delivery: Delivery, reason: str
) -> tuple[DeliveryState | None, Sequence[str] | None]:
    """Return the state the delivery ends in, None if another process claimed it, and the managers to tell.

    They are None where the question was posted, or the schedule wasn't active anymore.
    """
    current = _still_claimed(connection, delivery)
    if current is None:
        return None, None
    if current.message_ref is not None:
        delivery_queries.release(connection, delivery.id, DeliveryState.DONE, reason)
        return DeliveryState.DONE, None
    delivery_queries.release(connection, delivery.id, DeliveryState.FAILED, reason)
    stopped = schedule_queries.stop_schedule(connection, delivery.schedule_id, reason)
    managers = schedule_queries.managers_of(connection, delivery.schedule_id) if stopped else None
    return DeliveryState.FAILED, managers


def _still_claimed(connection: Connection, delivery: Delivery) -> Delivery | None:
    """Lock and return the delivery; None if its lease expired and another process claimed it."""
    current = delivery_queries.lock_delivery(connection, delivery.id)
    is_ours = current.state is DeliveryState.SENDING and current.attempts == delivery.attempts
    return current if is_ours else None


async def extras_failed(study: Study, claim: ClaimedDelivery, reason: str) -> None:
    """Record that a question is posted without its thread or pin; tell the managers unless they know that reason."""
    log.warning("posted without its thread or pin", delivery=claim.delivery.id, reason=reason)
    managers = await study.store.transaction(_record_problem, claim.delivery.schedule_id, reason)
    if managers is not None:
        text = f"The daily question was posted in {_channel_name(claim.location)}, but part of it is missing: {reason}"
        await _tell_managers(study, claim.location, managers, text, f"half-{claim.delivery.id}")


def _record_problem(connection: Connection, schedule_id: int, reason: str) -> Sequence[str] | None:
    """Return the managers to tell; None if the schedule has that problem already."""
    if schedule_queries.set_problem(connection, schedule_id, reason):
        return schedule_queries.managers_of(connection, schedule_id)
    return None


def _channel_name(location: Location) -> str:
    return location.channel_name or location.channel


async def _tell_managers(study: Study, location: Location, managers: Sequence[str], text: str, key: str) -> None:
    """Write to each manager, or to the workspace's owners if none is known."""
    outbox, reply = study.outboxes[location.platform], Reply.of(Notice(text, Tone.PROBLEM))
    for manager in managers or await _owners(outbox, location):
        try:
            async with asyncio.timeout(DIRECT_MESSAGE_TIMEOUT):
                await outbox.send_direct(location, manager, reply, f"{key}-{manager}")
        except (PostError, OSError, TimeoutError) as problem:
            log.warning("manager not told", reason=str(problem))


async def _owners(outbox: Outbox, location: Location) -> Sequence[str]:
    try:
        async with asyncio.timeout(DIRECT_MESSAGE_TIMEOUT):
            return await outbox.owners(location)
    except (PostError, OSError, TimeoutError) as problem:
        log.warning("nobody to tell", reason=str(problem))
        return ()
