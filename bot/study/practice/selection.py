"""Practice: a question for one member, right now."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFoundError
from bot.replies import Reply
from bot.store.models import Round, RoundKind
from bot.study.members.queries import lock_member
from bot.study.practice import queries
from bot.study.practice.rounds import new_round, question_card
from bot.text.writer import bare
from knowledge.questions import Bank, Difficulty, Question


@dataclass(frozen=True, slots=True)
class _History:
    """What determines a member's next question. `asked` is the round that an earlier delivery of the request got."""

    asked: Round | None
    unavailable: Collection[str]
    last_answered: Mapping[str, float]


async def question(
    study: Study, context: RequestContext, *, topic: str | None = None, difficulty: Difficulty | None = None
) -> Reply:
    """Ask a question that the member hasn't answered yet, or else the one they answered longest ago."""
    history = await study.store.query(_history, context)
    if history.asked is not None:
        return _card(study, history.asked)
    return await ask_as_practice(study, context, choose(study.library.bank, history, topic, difficulty))


async def practice(study: Study, context: RequestContext, *, question: Question) -> Reply:
    """Ask this question, unless it's retired here or open in a channel."""
    if question.id in await study.store.query(queries.unavailable_questions, context):
        raise NotFoundError(f"“{bare(question.title)}” is either retired or open in a channel right now.")
    return await ask_as_practice(study, context, question)


async def ask_as_practice(study: Study, context: RequestContext, chosen: Question) -> Reply:
    """Ask this question. If a request is delivered again, it gets the same round."""
    return _card(study, await study.store.transaction(_ask, context, chosen))


def choose(bank: Bank, history: _History, topic: str | None, difficulty: Difficulty | None) -> Question:
    """Choose at random among the questions answered longest ago, or never. Raises NotFoundError if none fits."""
    suitable = [
        q
        for q in bank
        if topic in (None, q.topic) and difficulty in (None, q.difficulty) and q.id not in history.unavailable
    ]
    if not suitable:
        raise _nothing_to_ask(bank, topic, difficulty)
    last = history.last_answered
    oldest = min(last.get(q.id, 0.0) for q in suitable)
    return random.SystemRandom().choice([q for q in suitable if last.get(q.id, 0.0) == oldest])


def _history(connection: Connection, context: RequestContext) -> _History:
    return _History(
        asked=queries.round_of_request(connection, context),
        unavailable=queries.unavailable_questions(connection, context),
        last_answered=queries.last_answered(connection, context.member_id),
    )


def _ask(connection: Connection, context: RequestContext, chosen: Question) -> Round:
    lock_member(connection, context.member_id)  # two deliveries of one request come one after the other
    asked = queries.round_of_request(connection, context)
    return asked or queries.add_round(
        connection,
        new_round(
            chosen,
            workspace_id=context.workspace_id,
            channel_id=context.channel_id,
            member_id=context.member_id,
            request_id=context.request_id,
            kind=RoundKind.PRACTICE,
            at=context.at,
        ),
    )


def _card(study: Study, asked: Round) -> Reply:
    note = "Practice earns no points, but it counts toward your streak."
    return Reply.of(question_card(asked, study.library.question(asked.question_id), "Practice", note=note))


def _nothing_to_ask(bank: Bank, topic: str | None, difficulty: Difficulty | None) -> NotFoundError:
    on_topic = f" on {topic}" if topic else ""
    levels = {q.difficulty for q in bank if topic in (None, q.topic)}
    if difficulty and difficulty not in levels:
        others = " and ".join(level.value for level in Difficulty if level in levels)
        return NotFoundError(f"The bank has no {difficulty} questions{on_topic}, only {others} ones.")
    return NotFoundError(
        f"Every matching question{on_topic} is either retired or open in a channel right now. Try another topic."
    )
