"""Show a channel's question of the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Notice, Reply
from bot.store import tables
from bot.store.models import Answer, DeliveryKind, Round, ScheduleState
from bot.study.daily import schedule_queries
from bot.study.daily.posts import HEADING, PRIVACY_NOTE
from bot.study.practice.feedback import Graded, verdict
from bot.study.practice.rounds import question_card, unchanged_question

MAX_ROUNDS = 50
"""Rounds of a channel that are looked through for the newest of each schedule."""


@dataclass(frozen=True, slots=True)
class Today:
    """A channel's current rounds, the member's answers to them by round, and when the next question is due."""

    rounds: list[Round]
    answers: dict[int, Answer]
    next_question: datetime | None


async def show(study: Study, context: RequestContext) -> Reply:
    """Show the question of the day from each of the channel's schedules, or say when the next one comes."""
    today = await study.store.query(_today, context)
    blocks: list[Block] = []
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
        return "The answer's already out, so this one is practice."
    return PRIVACY_NOTE


def _no_question(today: Today) -> Reply:
    if today.next_question:
        return Reply.of(Notice("No question here yet today. The next one comes", when=today.next_question))
    return Reply.of(
        Notice("This channel doesn't have a daily question yet. A manager can set one up with `schedule setup 09:00`."),
        Buttons((Button("Practice now", "question"),)),
    )


def _today(connection: Connection, context: RequestContext) -> Today:
    rounds = _current_rounds(connection, context)
    return Today(
        rounds,
        _answers(connection, context.member_id, (question_round.id for question_round in rounds)),
        schedule_queries.next_question_at(connection, context.channel_id),
    )


def _current_rounds(connection: Connection, context: RequestContext) -> list[Round]:
    """Return the newest posted round of each of the channel's schedules that is open, or closed less than a day ago."""
    rounds, deliveries, schedules = tables.rounds.c, tables.deliveries.c, tables.schedules.c
    statement = (
        select(tables.rounds, deliveries.schedule_id)
        .join_from(tables.rounds, tables.deliveries, deliveries.id == rounds.delivery_id)
        .join(tables.schedules, schedules.id == deliveries.schedule_id)
        .where(
            rounds.channel_id == context.channel_id,
            deliveries.kind == DeliveryKind.DAILY,
            deliveries.message_ref.is_not(None),
            schedules.state != ScheduleState.REMOVED,
        )
        .order_by(rounds.id.desc())
        .limit(MAX_ROUNDS)
    )
    newest: dict[int, Round] = {}
    for row in connection.execute(statement).mappings():
        columns = dict(row)
        newest.setdefault(columns.pop("schedule_id"), Round.of(columns))
    return [newest_round for newest_round in newest.values() if _is_current(newest_round, context.at)]


def _is_current(question_round: Round, now: datetime) -> bool:
    return question_round.closes_at is None or (now - question_round.closes_at).days < 1


def _answers(connection: Connection, member_id: int, round_ids: Iterable[int]) -> dict[int, Answer]:
    """Return the member's answers to these rounds, by round."""
    answers = tables.answers.c
    statement = select(tables.answers).where(answers.member_id == member_id, answers.round_id.in_(list(round_ids)))
    return {answer.round_id: answer for answer in Answer.all(connection.execute(statement).mappings())}
