"""SQL statements for a channel's rounds: what was asked, and what members answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, func, select

from bot.store import tables
from bot.store.models import Answer, DeliveryKind, Member, Round, RoundKind, ScheduleState

MAX_ROUNDS = 50
"""How many of a channel's rounds are searched for each schedule's newest one."""

rounds, answers, channels = tables.rounds.c, tables.answers.c, tables.channels.c


def newest_rounds(connection: Connection, channel_id: int) -> list[Round]:
    """Return the newest posted round of each of the channel's schedules, latest first."""
    deliveries, schedules = tables.deliveries.c, tables.schedules.c
    statement = (
        select(tables.rounds, deliveries.schedule_id)
        .join_from(tables.rounds, tables.deliveries, deliveries.id == rounds.delivery_id)
        .join(tables.schedules, schedules.id == deliveries.schedule_id)
        .where(
            rounds.channel_id == channel_id,
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
    return list(newest.values())


def answers_of(connection: Connection, member_id: int, round_ids: Collection[int]) -> dict[int, Answer]:
    """Return a member's answers to these rounds, by round."""
    statement = select(tables.answers).where(answers.member_id == member_id, answers.round_id.in_(round_ids))
    return {answer.round_id: answer for answer in Answer.all(connection.execute(statement).mappings())}


def answers_to(connection: Connection, round_id: int) -> list[tuple[Answer, Member]]:
    """Return the answers to a round with their members, earliest first."""
    statement = (
        select(tables.answers, tables.members)
        .join_from(tables.answers, tables.members, tables.members.c.id == answers.member_id)
        .where(answers.round_id == round_id)
        .order_by(answers.accepted_at)
    )
    return [
        (
            Answer.of(tables.columns_of(row, tables.answers)),
            Member.of(tables.columns_of(row, tables.members)),
        )
        for row in connection.execute(statement).mappings()
    ]


def workspace_of_channels(connection: Connection, channel_ids: Collection[int]) -> dict[int, int]:
    """Return the workspace of each channel."""
    statement = select(channels.id, channels.workspace_id).where(channels.id.in_(channel_ids))
    return dict(connection.execute(statement).all())


def retired_by_workspace(connection: Connection, workspace_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the questions that these workspaces retired."""
    questions = tables.retired_questions.c
    statement = select(questions.workspace_id, questions.question_id).where(questions.workspace_id.in_(workspace_ids))
    retired: dict[int, set[str]] = defaultdict(set)
    for workspace_id, question_id in connection.execute(statement):
        retired[workspace_id].add(question_id)
    return retired


def last_asked(connection: Connection, channel_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """Return the id of each question's latest daily or test round in these channels, by channel and question."""
    statement = (
        select(rounds.channel_id, rounds.question_id, func.max(rounds.id))
        .where(rounds.channel_id.in_(channel_ids), rounds.kind.in_((RoundKind.DAILY, RoundKind.TEST)))
        .group_by(rounds.channel_id, rounds.question_id)
    )
    return {(channel_id, question_id): latest for channel_id, question_id, latest in connection.execute(statement)}
