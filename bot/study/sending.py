"""Sending: deliveries become posts, each exactly once, whoever crashes when.

`send` takes one row at a time under a lease, posts outside any transaction, and records it. A process that dies in
between leaves a lease that runs out, and another takes the row up under the same key.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import exists, text
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, or_, select, update

from bot.errors import DatabaseError
from bot.replies import Notice, Reply, Tone
from bot.store.tables import (
    OPEN_DELIVERY,
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Member,
    Round,
    Schedule,
    ScheduleState,
    Workspace,
)
from bot.store.upsert import insert
from bot.study import daily, own
from bot.study.context import CannotPost, Place, Study
from bot.study.rounds import as_asked

log = structlog.get_logger()

LEASE = timedelta(seconds=90)
DEADLINE = 60.0
"""Seconds a platform has for one post; shorter than the lease, so that the lease need not be renewed."""
TRIES = 3
SENDERS = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in hand, where it goes, and the round it speaks of."""

    delivery: Delivery
    place: Place
    round: Round


async def send(study: Study) -> int:
    """Post everything that is due on the platforms of this process; how many posts there were."""

    async def one_by_one() -> int:
        count = 0
        while (claim := await _claim(study)) is not None:
            count += await _post(study, claim)
        return count

    return sum(await asyncio.gather(*(one_by_one() for _ in range(SENDERS if study.outboxes else 0))))


async def _claim(study: Study) -> Claim | None:
    """Take the delivery that waits longest, for as long as the lease lasts."""
    now = study.clock()  # not the beginning of the turn: a long queue would outlast its leases
    ours = exists().where(
        col(Channel.id) == Delivery.channel_id,
        col(Channel.workspace_id) == Workspace.id,
        col(Workspace.platform).in_(study.outboxes),
    )
    # Chosen alone, from the index of open deliveries: joined with the rest, SQLite began at the workspaces and sorted.
    next_one = (
        select(Delivery.id)
        .where(
            text(OPEN_DELIVERY),
            col(Delivery.due_at) <= now,
            or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now),
            ours,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(1)
        .with_for_update(of=Delivery, skip_locked=True)
        .scalar_subquery()
    )
    asked = aliased(Delivery)  # a reveal speaks of the round of its day's question
    query = (
        select(Delivery, Channel, Workspace, Round)
        .join(Channel, col(Channel.id) == Delivery.channel_id)
        .join(Workspace, col(Workspace.id) == Channel.workspace_id)
        .join(
            asked,
            and_(
                col(asked.schedule_id) == Delivery.schedule_id,
                col(asked.day) == Delivery.day,
                col(asked.kind) == DeliveryKind.DAILY,
            ),
        )
        .join(Round, col(Round.delivery_id) == asked.id)
        .where(Delivery.id == next_one)
    )
    async with study.store.write() as session:
        found = (await session.exec(query)).first()
        if found is None:
            return None
        delivery, channel, workspace, round = found
        delivery.state, delivery.lease_until = DeliveryState.SENDING, now + LEASE
        delivery.attempts += 1
        session.add(delivery)
        place = Place(workspace.platform, workspace.external_id, channel.external_id, workspace.name, channel.name)
        return Claim(delivery, place, round)


async def _words(study: Study, claim: Claim) -> Reply:
    daily_post = claim.delivery.kind is DeliveryKind.DAILY
    bank = (await own.of_workspace(study, claim.round.workspace_id)).library.bank
    question = as_asked(bank, claim.round) if daily_post else bank.get(claim.round.question_id)
    if question is None:
        return Reply.of(Notice("The question of this day has left the bank or been rewritten since.", Tone.WARNING))
    if daily_post:
        return daily.post(claim.round, question)
    async with study.store.read() as session:
        return await daily.reveal(session, claim.round, question, study.clock())


async def _post(study: Study, claim: Claim) -> bool:
    outbox = study.outboxes[claim.place.platform]
    key = f"delivery-{claim.delivery.id}"
    try:
        async with asyncio.timeout(DEADLINE):
            ref = await outbox.post(claim.place, await _words(study, claim), key)
    except DatabaseError:
        raise  # no fault of the channel's: the lease runs out, and the post is taken up again
    except CannotPost as refusal:
        await _failed(study, claim, str(refusal), retry=refusal.retry)
        return False
    except (OSError, TimeoutError) as problem:
        await _failed(study, claim, f"{claim.place.platform} did not answer ({type(problem).__name__}).", retry=True)
        return False
    except Exception as problem:  # one post that cannot be written must not stop the others
        log.exception("post failed", delivery=claim.delivery.id)
        await _failed(study, claim, f"the post could not be made ({type(problem).__name__}).", retry=True)
        return False
    async with study.store.write() as session:
        await session.exec(
            update(Delivery)
            .where(col(Delivery.id) == claim.delivery.id)
            .values(state=DeliveryState.DONE, message_ref=ref, posted_at=study.clock(), lease_until=None, problem=None)
        )
        if claim.delivery.kind is DeliveryKind.DAILY:
            await session.exec(
                insert(session, Delivery)
                .values(
                    schedule_id=claim.delivery.schedule_id,
                    channel_id=claim.delivery.channel_id,
                    kind=DeliveryKind.REVEAL,
                    day=claim.delivery.day,
                    due_at=claim.round.closes_at,
                    state=DeliveryState.DUE,
                    attempts=0,
                )
                .on_conflict_do_nothing()
            )
    log.info("posted", delivery=claim.delivery.id, kind=claim.delivery.kind.value)
    return True


async def _failed(study: Study, claim: Claim, reason: str, *, retry: bool) -> None:
    """Try again after a while, three times in all; then pause the schedule and tell its managers, once."""
    log.warning("not posted", delivery=claim.delivery.id, reason=reason, attempt=claim.delivery.attempts)
    last = not retry or claim.delivery.attempts >= TRIES
    async with study.store.write() as session:
        delivery = await session.get_one(Delivery, claim.delivery.id, with_for_update=True)
        if delivery.state is not DeliveryState.SENDING or delivery.attempts != claim.delivery.attempts:
            return  # the lease had run out, and somebody else has it in hand
        delivery.problem = reason
        if not last:
            delivery.state, delivery.lease_until = DeliveryState.DUE, study.clock() + LEASE * delivery.attempts
            return
        delivery.state, delivery.lease_until = DeliveryState.FAILED, None
        stopped = await session.exec(
            update(Schedule)
            .where(col(Schedule.id) == delivery.schedule_id, col(Schedule.state) == ScheduleState.ACTIVE)
            .values(state=ScheduleState.FAILED, problem=reason)
        )
        query = select(Member.external_id).where(
            Member.workspace_id == claim.round.workspace_id, col(Member.manager).is_(True)
        )
        managers = (await session.exec(query)).all() if stopped.rowcount else []
    where = claim.place.channel_name or claim.place.channel
    words = f"The daily question in {where} is paused: {reason} When that is mended: `schedule resume` there."
    for manager in managers:
        try:
            async with asyncio.timeout(DEADLINE):
                await study.outboxes[claim.place.platform].tell(
                    claim.place, manager, Reply.of(Notice(words, Tone.PROBLEM)), f"paused-{claim.delivery.id}-{manager}"
                )
        except (CannotPost, OSError, TimeoutError) as problem:
            log.warning("manager not told", reason=str(problem))
