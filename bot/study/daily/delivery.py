"""Post what's due: each delivery exactly once, no matter which process crashes when.

`send_due` claims one delivery at a time under a lease, posts it outside any transaction, and records that. If a process
dies in between, its lease expires and another process claims the delivery and posts under the same key. The thread and
the pin are separate steps, each recorded, so that the next process continues where the last one stopped. `failures`
handles posts that fail.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from bot.context.outbox import Outbox, PostError, PostExtras
from bot.context.study import Study
from bot.errors import DatabaseError
from bot.replies import Notice, Reply, Tone
from bot.store.models import Delivery, DeliveryKind
from bot.study.daily import delivery_queries, failures, schedule_queries
from bot.study.daily.claims import ClaimedDelivery
from bot.study.daily.posts import question_post
from bot.study.daily.reveal import reveal_post, reveal_results
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

log = structlog.get_logger()

POST_TIMEOUT = 60.0
"""Seconds a platform has for one post; shorter than the lease, so that the lease needn't be renewed."""
CONCURRENT_POSTS = 8


async def send_due(study: Study) -> int:
    """Post everything that's due on this process's platforms, and return how many posts there were."""

    async def send_one_by_one() -> int:
        count = 0
        while (claim := await _claim(study)) is not None:
            count += await _deliver(study, claim)
        return count

    return sum(await asyncio.gather(*(send_one_by_one() for _ in range(CONCURRENT_POSTS if study.outboxes else 0))))


async def _claim(study: Study) -> ClaimedDelivery | None:
    """Claim the delivery that has been due longest.

    Its lease begins now, not when the scheduler's run began: a long queue would outlast its leases.
    """
    return await study.store.transaction(delivery_queries.claim_next, list(study.outboxes), study.clock())


async def _deliver(study: Study, claim: ClaimedDelivery) -> bool:
    """Post a delivery with its thread and pin; False if any of it failed."""
    outbox, is_new = study.outboxes[claim.location.platform], claim.delivery.message_ref is None
    try:
        async with asyncio.timeout(POST_TIMEOUT):
            if is_new:
                claim = await _post(study, claim, outbox)
            if claim.has_steps_after_post:
                await _add_thread_and_pin(study, claim, outbox)
    except DatabaseError:
        raise  # not the channel's fault: the lease expires, and the post is claimed again
    except PostError as refusal:
        await failures.post_failed(study, claim, str(refusal), retry=refusal.retry)
        return False
    except (OSError, TimeoutError) as problem:
        reason = f"{claim.location.platform} didn't respond ({type(problem).__name__})."
        await failures.post_failed(study, claim, reason, retry=True)
        return False
    except Exception as problem:  # one post that can't be built must not stop the others
        log.exception("post failed", delivery=claim.delivery.id)
        reason = f"the post couldn't be created ({type(problem).__name__})."
        await failures.post_failed(study, claim, reason, retry=True)
        return False
    if claim.has_steps_after_post or not is_new:
        await study.store.transaction(delivery_queries.record_done, claim.delivery.id)
    log.info("posted", delivery=claim.delivery.id, kind=claim.delivery.kind.value)
    return True


async def _post(study: Study, claim: ClaimedDelivery, outbox: Outbox) -> ClaimedDelivery:
    """Post a delivery, record its message, and return the claim with that message."""
    if missing := await outbox.missing_permissions(claim.location, PostExtras()):
        raise PostError(missing)
    message_ref = await outbox.post(
        claim.location,
        await _content(study, claim),
        post_key(claim.delivery),
        role=claim.extras.role,
        again=claim.delivery.attempts > 1,
    )
    await study.store.transaction(delivery_queries.record_posted, claim, message_ref, study.clock())
    return replace(claim, delivery=claim.delivery.model_copy(update={"message_ref": message_ref}))


def post_key(delivery: Delivery) -> str:
    """Return the key by which the platform recognizes the post if it is sent again."""
    return f"delivery-{delivery.id}"


async def _content(study: Study, claim: ClaimedDelivery) -> Reply:
    is_question = claim.delivery.kind is DeliveryKind.DAILY
    bank = (await custom_questions.for_workspace(study, claim.question_round.workspace_id)).library.bank
    if is_question:
        question = unchanged_question(bank, claim.question_round)
    else:
        question = bank.get(claim.question_round.question_id)
    if question is None:
        text = "This question was rewritten or removed from the bank after it was picked, so there's nothing to show."
        return Reply.of(Notice(text, Tone.WARNING))
    if is_question:
        return question_post(claim.question_round, question)
    results = await study.store.query(reveal_results, claim.question_round.id, study.clock())
    return reveal_post(claim.question_round, question, results)


async def _add_thread_and_pin(study: Study, claim: ClaimedDelivery, outbox: Outbox) -> None:
    """Open the thread and pin the message if the schedule says so. If the channel refuses, the question stays.

    Each step is recorded at once, so that a retry skips it. Raises PostError if a retry may help.
    """
    delivery, extras, message_ref = claim.delivery, claim.extras, claim.delivery.message_ref or ""
    if missing := await outbox.missing_permissions(claim.location, extras):
        await failures.extras_failed(study, claim, missing)
        return
    try:
        if extras.thread and delivery.thread_ref is None:
            title, is_retry = await _thread_title(study, claim), delivery.attempts > 1
            thread_ref = await outbox.open_thread(claim.location, message_ref, title, again=is_retry)
            await study.store.transaction(delivery_queries.record_thread, delivery.id, thread_ref)
        if extras.pin and not delivery.pinned:
            await _pin(study, claim, outbox)
        if claim.schedule.problem:
            await study.store.transaction(schedule_queries.clear_problem, delivery.schedule_id)
    except PostError as refusal:
        if refusal.retry and delivery.attempts < failures.MAX_ATTEMPTS:
            raise
        await failures.extras_failed(study, claim, str(refusal))


async def _thread_title(study: Study, claim: ClaimedDelivery) -> str:
    bank = (await custom_questions.for_workspace(study, claim.question_round.workspace_id)).library.bank
    question = bank.get(claim.question_round.question_id)
    return question.title if question is not None else f"{claim.delivery.day:%B} {claim.delivery.day.day}"


async def _pin(study: Study, claim: ClaimedDelivery, outbox: Outbox) -> None:
    """Pin the message in place of the schedule's earlier question."""
    replaced = await study.store.query(delivery_queries.pinned_before, claim.delivery)
    replaced_id, replaced_ref = replaced or (None, "")
    await outbox.pin(claim.location, claim.delivery.message_ref or "", replaced_ref)
    await study.store.transaction(delivery_queries.record_pinned, claim.delivery.id, True)
    if replaced_id is not None:
        await study.store.transaction(delivery_queries.record_pinned, replaced_id, False)
