"""Sending: deliveries become posts, each exactly once, whoever crashes when.

`send` takes one row at a time under a lease, posts outside any transaction, and records it. A process that dies in
between leaves a lease that runs out, and another takes the row up under the same key. Thread and pin are steps of their
own, each recorded, so that whoever takes a row up goes on where it stands. What comes of a failure is in `failing`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import bindparam, exists, text
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, or_, select, update

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError, PostExtras
from bot.context.study import Study
from bot.errors import DatabaseError
from bot.replies import Notice, Reply, Tone
from bot.store.models import OPEN_DELIVERY, DeliveryKind, DeliveryState
from bot.store.orm import Channel, Delivery, Round, Schedule, Workspace
from bot.store.upsert import insert
from bot.study.daily import failures, questions
from bot.study.daily.failures import LEASE
from bot.study.daily.schedule_card import wants_of
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

log = structlog.get_logger()

DEADLINE = 60.0
"""Seconds a platform has for one post; shorter than the lease, so that the lease need not be renewed."""
SENDERS = 8
DONE: dict[str, Any] = {"state": DeliveryState.DONE, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in hand, where it goes, the round it speaks of and the schedule it comes from."""

    delivery: Delivery
    location: Location
    round: Round
    schedule: Schedule

    @property
    def wants(self) -> PostExtras:
        """What the channel gets besides the post; a reveal brings nothing along."""
        return wants_of(self.schedule) if self.delivery.kind is DeliveryKind.DAILY else PostExtras()

    @property
    def follows(self) -> bool:
        """Whether something comes after the post."""
        return self.wants.thread or self.wants.pin


_asked = aliased(Delivery)  # a reveal speaks of the round of its day's question
_ours = exists().where(
    col(Channel.id) == Delivery.channel_id,
    col(Channel.workspace_id) == Workspace.id,
    col(Workspace.platform).in_(bindparam("platforms", expanding=True)),
    col(Workspace.left_at).is_(None),
)
# Chosen alone, from the index of open deliveries: joined with the rest, SQLite began at the workspaces and sorted.
_next_one = (
    select(Delivery.id)
    .where(
        text(OPEN_DELIVERY),
        col(Delivery.due_at) <= bindparam("now"),
        or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= bindparam("now")),
        _ours,
    )
    .order_by(col(Delivery.due_at), col(Delivery.id))
    .limit(1)
    .with_for_update(of=Delivery, skip_locked=True)
    .scalar_subquery()
)
NEXT = (
    select(Delivery, Channel, Workspace, Round)
    .join(Channel, col(Channel.id) == Delivery.channel_id)
    .join(Workspace, col(Workspace.id) == Channel.workspace_id)
    .join(
        _asked,
        and_(
            col(_asked.schedule_id) == Delivery.schedule_id,
            col(_asked.day) == Delivery.day,
            col(_asked.kind) == DeliveryKind.DAILY,
        ),
    )
    .join(Round, col(Round.delivery_id) == _asked.id)
    .where(Delivery.id == _next_one)
)
"""The delivery that waits longest `now` on one of the `platforms`. Made once: to make it takes longer than to ask."""


async def send_due(study: Study) -> int:
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
    asked = {"now": now, "platforms": list(study.outboxes)}
    async with study.store.write() as session:
        found = (await session.exec(NEXT, params=asked)).first()
        if found is None:
            return None
        delivery, channel, workspace, round = found
        schedule = await session.get_one(Schedule, delivery.schedule_id)
        delivery.state, delivery.lease_until = DeliveryState.SENDING, now + LEASE
        delivery.attempts += 1
        session.add(delivery)
        place = Location(workspace.platform, workspace.external_id, channel.external_id, workspace.name, channel.name)
        return Claim(delivery, place, round, schedule)


async def _words(study: Study, claim: Claim) -> Reply:
    daily_post = claim.delivery.kind is DeliveryKind.DAILY
    bank = (await custom_questions.for_workspace(study, claim.round.workspace_id)).library.bank
    question = unchanged_question(bank, claim.round) if daily_post else bank.get(claim.round.question_id)
    if question is None:
        return Reply.of(Notice("The question of this day has left the bank or been rewritten since.", Tone.WARNING))
    if daily_post:
        return questions.post(claim.round, question)
    async with study.store.read() as session:
        return await questions.reveal(session, claim.round, question, study.clock())


async def _title(study: Study, claim: Claim) -> str:
    """What a thread under the question is called."""
    bank = (await custom_questions.for_workspace(study, claim.round.workspace_id)).library.bank
    question = bank.get(claim.round.question_id)
    return question.title if question is not None else f"{claim.delivery.day:%d %B}"


async def _post(study: Study, claim: Claim) -> bool:
    """The post and what follows it; whether all of it is done."""
    outbox, fresh = study.outboxes[claim.location.platform], claim.delivery.message_ref is None
    try:
        async with asyncio.timeout(DEADLINE):
            if fresh:
                if lack := await outbox.missing_permissions(claim.location, PostExtras()):
                    raise PostError(lack)
                again = claim.delivery.attempts > 1
                ref = await outbox.post(
                    claim.location,
                    await _words(study, claim),
                    key_of(claim.delivery),
                    role=claim.wants.role,
                    again=again,
                )
                await _posted(study, claim, ref)
            await _adorn(study, claim, outbox)
    except DatabaseError:
        raise  # no fault of the channel's: the lease runs out, and the post is taken up again
    except PostError as refusal:
        await failures.failed(study, claim.delivery, claim.location, str(refusal), retry=refusal.retry)
        return False
    except (OSError, TimeoutError) as problem:
        reason = f"{claim.location.platform} did not answer ({type(problem).__name__})."
        await failures.failed(study, claim.delivery, claim.location, reason, retry=True)
        return False
    except Exception as problem:  # one post that cannot be written must not stop the others
        log.exception("post failed", delivery=claim.delivery.id)
        reason = f"the post could not be made ({type(problem).__name__})."
        await failures.failed(study, claim.delivery, claim.location, reason, retry=True)
        return False
    if claim.follows or not fresh:
        await _record(study, claim, **DONE)
    log.info("posted", delivery=claim.delivery.id, kind=claim.delivery.kind.value)
    return True


def key_of(delivery: Delivery) -> str:
    """What a post is known by to its platform."""
    return f"delivery-{delivery.id}"


async def _record(study: Study, claim: Claim, **values: Any) -> None:
    async with study.store.write() as session:
        await session.exec(update(Delivery).where(col(Delivery.id) == claim.delivery.id).values(**values))


async def _posted(study: Study, claim: Claim, ref: str) -> None:
    """Keep that it is posted, and enter its reveal."""
    now = study.clock()
    claim.delivery.message_ref = ref
    async with study.store.write() as session:
        await session.exec(
            update(Delivery)
            .where(col(Delivery.id) == claim.delivery.id)
            .values(message_ref=ref, posted_at=now, problem=None, **({} if claim.follows else DONE))
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


async def _adorn(study: Study, claim: Claim, outbox: Outbox) -> None:
    """Thread and pin, where they are wanted; a channel that does not let us has its question all the same."""
    wants, delivery, ref = claim.wants, claim.delivery, claim.delivery.message_ref or ""
    if not claim.follows:
        return
    if lack := await outbox.missing_permissions(claim.location, wants):
        await failures.half_done(study, claim.delivery, claim.location, lack)
        return
    try:
        if wants.thread and delivery.thread_ref is None:
            again = delivery.attempts > 1
            thread = await outbox.open_thread(claim.location, ref, await _title(study, claim), again=again)
            await _record(study, claim, thread_ref=thread)
        if wants.pin and not delivery.pinned:
            before = await _pinned(study, claim)
            await outbox.pin(claim.location, ref, before.message_ref or "" if before else "")
            await _record(study, claim, pinned=True)
            if before is not None:
                await _record(study, replace(claim, delivery=before), pinned=False)
        if claim.schedule.problem:
            await failures.mended(study, delivery)
    except PostError as refusal:
        if refusal.retry and delivery.attempts < failures.TRIES:
            raise
        await failures.half_done(study, claim.delivery, claim.location, str(refusal))


async def _pinned(study: Study, claim: Claim) -> Delivery | None:
    """The earlier question of this schedule that is pinned now."""
    query = (
        select(Delivery)
        .where(
            Delivery.schedule_id == claim.delivery.schedule_id,
            col(Delivery.pinned).is_(True),
            Delivery.id != claim.delivery.id,
        )
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )
    async with study.store.read() as session:
        return (await session.exec(query)).first()
