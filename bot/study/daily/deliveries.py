"""Post daily questions, with their threads and pins, and reveals.

Each step is recorded at once, so a process that takes over continues where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.context.identity import Location
from bot.context.outbox import PLAIN, PostError, PostExtras, PostOptions, UnavailableError
from bot.context.study import Study
from bot.delivery import queue
from bot.delivery.kinds import DONE, AbandonedError, DeliveryType, Outcome
from bot.delivery.notes import add_notes
from bot.delivery.queue import Claim
from bot.delivery.worker import MAX_REFUSALS
from bot.replies import Notice, Reply, Tone
from bot.store.models import Delivery, DeliveryState, Round, Schedule
from bot.study.daily import delivery_queries, schedule_queries
from bot.study.daily.posts import closed_post, question_post
from bot.study.daily.reveal import reveal_post, reveal_results
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions
from knowledge.questions import Bank, Question

log = structlog.get_logger()

GONE = "This question was rewritten or removed from the bank after it was picked, so there's nothing to show."


def extras_of(schedule: Schedule) -> PostExtras:
    """Return what the channel gets besides the question itself."""
    return PostExtras(schedule.thread, schedule.pin, schedule.role or "", schedule.silent)


async def _send_question(study: Study, claim: Claim) -> Outcome:
    question_round, schedule, bank = await _read(study, claim)
    message_ref = claim.delivery.message_ref
    if message_ref is None:
        question = unchanged_question(bank, question_round)
        reply = question_post(question_round, question) if question else Reply.of(Notice(GONE, Tone.WARNING))
        message_ref = await _post(study, claim, reply, PostOptions(role=schedule.role or ""))
        if not (schedule.thread or schedule.pin):
            return Outcome(
                lambda connection: delivery_queries.add_reveal(connection, claim.delivery, question_round),
                message_ref=message_ref,
            )
        await study.store.transaction(
            queue.as_claimed,
            claim,
            delivery_queries.record_question,
            claim.delivery,
            question_round,
            message_ref,
            study.clock(),
        )
    if schedule.thread or schedule.pin:
        question = bank.get(question_round.question_id)
        await _add_thread_and_pin(study, claim, schedule, message_ref, question)
    return DONE


async def _send_reveal(study: Study, claim: Claim) -> Outcome:
    question_round, schedule, bank = await _read(study, claim)
    asked_ref = await study.store.query(delivery_queries.message_of, claim.delivery.subject_id or 0)
    results = await study.store.query(reveal_results, question_round.id, study.clock())
    message_ref = claim.delivery.message_ref
    if message_ref is None:
        question = bank.get(question_round.question_id)
        reply = reveal_post(question_round, question, results) if question else Reply.of(Notice(GONE, Tone.WARNING))
        message_ref = await _post(study, claim, reply, PostOptions(reply_to=asked_ref, silent=schedule.silent))
        await study.store.transaction(
            queue.as_claimed, claim, delivery_queries.record_post, claim.delivery, message_ref, study.clock()
        )
    if asked_ref and (asked := unchanged_question(bank, question_round)):
        await _close(study, claim, asked_ref, closed_post(question_round, asked, results.answers))
    return DONE


async def _close(study: Study, claim: Claim, message_ref: str, reply: Reply) -> None:
    """Take the buttons of the answers off the question, if the platform lets such an old message be edited."""
    try:
        await study.outboxes[claim.location.platform].edit(claim.location, message_ref, reply, attempt=claim.lease)
    except UnavailableError:
        raise
    except PostError as refusal:  # answers after the reveal earn no points, with or without the buttons
        log.info("question not closed", delivery=claim.delivery.id, reason=str(refusal))


async def _read(study: Study, claim: Claim) -> tuple[Round, Schedule, Bank]:
    """Return the round, its schedule, and the workspace's bank."""
    delivery = claim.delivery
    question_round, schedule, version = await study.store.query(delivery_queries.round_and_schedule, delivery)
    study = await custom_questions.with_custom_questions(study, delivery.workspace_id, version)
    return question_round, schedule, study.library.bank


async def _post(study: Study, claim: Claim, reply: Reply, options: PostOptions = PLAIN) -> str:
    """Post in the channel and return the message's ref."""
    outbox = study.outboxes[claim.location.platform]
    return await outbox.post(claim.location, reply, claim.key, options=options, attempt=claim.lease)


async def _add_thread_and_pin(
    study: Study, claim: Claim, schedule: Schedule, message_ref: str, question: Question | None
) -> None:
    """Open the thread and pin the message if the schedule says so. If the channel refuses, the question stays.

    Raises PostError if a retry may help.
    """
    delivery, extras = claim.delivery, extras_of(schedule)
    outbox = study.outboxes[claim.location.platform]
    if missing := await outbox.missing_permissions(claim.location, extras):
        await _record_missing_extras(study, claim, missing)
        return
    try:
        if extras.thread and delivery.thread_ref is None:
            title = question.title if question else _title_of_day(delivery)
            thread_ref = await outbox.open_thread(claim.location, message_ref, title, attempt=claim.lease)
            await study.store.transaction(
                queue.as_claimed, claim, delivery_queries.record_thread, delivery.id, thread_ref
            )
        if extras.pin and not delivery.pinned:
            await _pin(study, claim, message_ref)
    except UnavailableError:
        raise
    except PostError as refusal:
        if refusal.retry and delivery.refusals + 1 < MAX_REFUSALS:
            raise
        await _record_missing_extras(study, claim, str(refusal))
        return
    if schedule.problem:
        await study.store.transaction(schedule_queries.clear_problem, schedule.id)


def _title_of_day(delivery: Delivery) -> str:
    day = delivery.day
    return f"{day:%B} {day.day}" if day else "Today's question"


async def _pin(study: Study, claim: Claim, message_ref: str) -> None:
    """Pin the message in place of the schedule's earlier question."""
    replaced = await study.store.query(delivery_queries.pinned_before, claim.delivery)
    replaced_id, replaced_ref = replaced or (None, "")
    outbox = study.outboxes[claim.location.platform]
    await outbox.pin(claim.location, message_ref, replaced_ref, attempt=claim.lease)
    await study.store.transaction(queue.as_claimed, claim, delivery_queries.record_pin, claim.delivery.id, replaced_id)


async def _record_missing_extras(study: Study, claim: Claim, reason: str) -> None:
    log.warning("posted without its thread or pin", delivery=claim.delivery.id, reason=reason)
    await study.store.transaction(
        queue.as_claimed, claim, _note_missing_extras, claim.delivery, claim.location, reason, study.clock()
    )


def _note_missing_extras(
    connection: Connection, delivery: Delivery, location: Location, reason: str, now: datetime
) -> None:
    """Record that a question is posted without its thread or pin; write to the managers unless they know the reason."""
    if schedule_queries.set_problem(connection, delivery.schedule_id or 0, reason):
        text = f"The daily question was posted in {_channel_name(location)}, but part of it is missing: {reason}"
        _write_to_managers(connection, delivery, text, now)


def _give_up(connection: Connection, claim: Claim, refusal: PostError, now: datetime) -> DeliveryState:
    """Stop the schedule and write to its managers once. If the question itself was posted, the schedule goes on."""
    delivery, channel = claim.delivery, _channel_name(claim.location)
    if delivery_queries.is_posted(connection, delivery.id):
        _note_missing_extras(connection, delivery, claim.location, str(refusal), now)
        return DeliveryState.DONE
    if isinstance(refusal, AbandonedError):
        text = (
            f"I couldn't post in {channel}, however often I tried: {refusal} "
            "I've skipped this one, and the next question comes as scheduled."
        )
        _write_to_managers(connection, delivery, text, now)
    elif schedule_queries.stop_schedule(connection, delivery.schedule_id or 0, str(refusal)):
        text = f"The daily question in {channel} has stopped: {refusal} Once that's fixed, run `schedule resume` there."
        _write_to_managers(connection, delivery, text, now)
    return DeliveryState.FAILED


def _write_to_managers(connection: Connection, delivery: Delivery, text: str, now: datetime) -> None:
    managers: Sequence[int] = schedule_queries.managers_of(connection, delivery.schedule_id or 0)
    add_notes(connection, delivery, managers, text, now)


def _channel_name(location: Location) -> str:
    return location.channel_name or location.channel


QUESTION = DeliveryType(_send_question, _give_up, is_kept=True)
REVEAL = DeliveryType(_send_reveal, _give_up, is_kept=True)
