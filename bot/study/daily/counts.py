"""Show the number of answers so far in posted questions, updated not too often."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.context.outbox import PostError
from bot.context.study import Study
from bot.delivery.kinds import DONE, DeliveryType, Outcome
from bot.delivery.queue import Claim
from bot.store.models import DeliveryState
from bot.study.daily import delivery_queries
from bot.study.daily.posts import question_post
from bot.study.practice.round_kinds import is_open
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

FAST_FOR = timedelta(hours=1)
"""How long after its post a question is updated at the fast interval."""
FAST_INTERVAL, SLOW_INTERVAL = timedelta(seconds=10), timedelta(minutes=10)
"""The minimum time between two edits of one message, during FAST_FOR and afterwards."""


async def _send(study: Study, claim: Claim) -> Outcome:
    """Edit the message if there are more answers than it shows, and look again after the interval; else be done."""
    question_id = claim.delivery.subject_id or 0
    count = await study.store.query(delivery_queries.count_of, question_id)
    if count is None or count.answers <= count.shown:
        return DONE
    bank = (await custom_questions.for_workspace(study, claim.delivery.workspace_id)).library.bank
    question = unchanged_question(bank, count.question_round)
    if question is None:
        return DONE
    now = study.clock()
    if not is_open(count.question_round, now):
        return DONE  # the reveal closes the question, and an edit after it would open it again
    reply = question_post(count.question_round, question, answers=count.answers)
    outbox = study.outboxes[claim.location.platform]
    await outbox.edit(claim.location, count.message_ref, reply, attempt=claim.lease)
    return Outcome(
        lambda connection: delivery_queries.record_count(connection, question_id, count.answers),
        due_again=now + (FAST_INTERVAL if now - count.posted_at < FAST_FOR else SLOW_INTERVAL),
    )


def _give_up(_connection: Connection, _claim: Claim, _refusal: PostError, _now: datetime) -> DeliveryState:
    return DeliveryState.FAILED  # the count isn't essential, and the reveal has it too


COUNT = DeliveryType(_send, _give_up, is_kept=False)
