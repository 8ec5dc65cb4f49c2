"""Update posted questions with the number of answers so far, not too often."""

from __future__ import annotations

import asyncio

import structlog

from bot.context.outbox import PostError
from bot.context.study import Study
from bot.study.daily.count_queries import AnswerCount, take_due_counts
from bot.study.daily.posts import question_post
from bot.study.practice.rounds import unchanged_question
from bot.study.workspaces import custom_questions

log = structlog.get_logger()

EDIT_TIMEOUT = 20.0
"""Seconds a platform has for one edit."""


async def update_counts(study: Study) -> int:
    """Edit the messages whose count is due, and return how many were edited."""
    if not study.outboxes:
        return 0
    due = await study.store.transaction(take_due_counts, list(study.outboxes), study.clock())
    return sum(await asyncio.gather(*(_show(study, count) for count in due)))


async def _show(study: Study, count: AnswerCount) -> bool:
    """Edit a message to show its count. If it can't be edited, that's fine: the count isn't essential."""
    bank = (await custom_questions.for_workspace(study, count.question_round.workspace_id)).library.bank
    question = unchanged_question(bank, count.question_round)
    if question is None:
        return False
    try:
        async with asyncio.timeout(EDIT_TIMEOUT):
            reply = question_post(count.question_round, question, answers=count.answers)
            await study.outboxes[count.location.platform].edit(count.location, count.message_ref, reply)
    except (PostError, OSError, TimeoutError) as problem:
        log.info("count not shown", round=count.question_round.id, reason=str(problem))
        return False
    return True
