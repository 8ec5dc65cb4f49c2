"""Show a channel's question of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Notice, Reply
from bot.store.models import Answer, Round
from bot.study.daily import round_queries, schedule_queries
from bot.study.daily.posts import HEADING, PRIVACY_NOTE
from bot.study.practice.feedback import Graded, verdict
from bot.study.practice.open_questions import record_viewing
from bot.study.practice.rounds import question_card, unchanged_question


@dataclass(frozen=True, slots=True)
class Today:
    """A channel's current rounds, the member's answers to them by round, and when the next question is due."""

    rounds: list[Round]
    answers: dict[int, Answer]
    next_question: datetime | None


async def show(study: Study, context: RequestContext) -> Reply:
    """Show the question of the day from each of the channel's schedules, or say when the next one comes."""
    today = await study.store.query(_today, context)
    answered = [each.question_id for each in today.rounds if each.id in today.answers]
    viewed = await record_viewing(study, context, answered) if answered else None  # it may be open elsewhere since
    blocks: list[Block] = [viewed] if viewed else []
    for question_round in today.rounds:
        question = unchanged_question(study.library.bank, question_round)
        if question is None:
            continue
        if answer := today.answers.get(question_round.id):
            blocks += verdict(question, question_round, Graded(answer, again=True)).blocks
        else:
            blocks.append(question_card(question_round, question, HEADING, note=_note(question_round, context.at)))
    return Reply(tuple(blocks)) if blocks else _no_question(today)


def _note(question_round: Round, now: datetime) -> str:
    if question_round.closes_at and question_round.closes_at <= now:
        return "The answer's already out, so this one counts as practice."
    return PRIVACY_NOTE


def _no_question(today: Today) -> Reply:
    if today.next_question:
        return Reply.of(Notice("No question here yet today. The next one comes", when=today.next_question))
    return Reply.of(
        Notice("This channel doesn't have a daily question yet. A manager can set one up with `schedule setup 09:00`."),
        Buttons((Button("Practice now", "question"),)),
    )


def _today(connection: Connection, context: RequestContext) -> Today:
    newest = round_queries.newest_rounds(connection, context.channel_id)
    current = [question_round for question_round in newest if _is_current(question_round, context.at)]
    return Today(
        current,
        round_queries.answers_of(connection, context.member_id, [question_round.id for question_round in current]),
        schedule_queries.next_question_at(connection, context.channel_id),
    )


def _is_current(question_round: Round, now: datetime) -> bool:
    """Return whether a round is open, or closed less than a day ago."""
    return question_round.closes_at is None or (now - question_round.closes_at).days < 1
