"""Choose the next question of a schedule."""

from __future__ import annotations

import sys
import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bot.store import tables
from bot.store.models import RoundKind, Schedule
from knowledge.questions import Bank, Question


@dataclass(frozen=True, slots=True)
class QuestionPicker:
    """What it takes to pick questions for a batch of schedules, read at once: a batch may have hundreds.

    `custom_banks` are the banks of workspaces with custom questions; all others pick from `bank`. `last_asked` holds
    for each channel and question the id of its latest round there, daily or test: the channel saw the answer of either.
    """

    bank: Bank
    custom_banks: Mapping[int, Bank]
    workspace_of: Mapping[int, int]
    """The workspace of each channel."""
    retired: Mapping[int, set[str]]
    """The questions that each workspace retired."""
    last_asked: dict[tuple[int, str], int]

    def pick(self, schedule: Schedule) -> Question | None:
        """Pick a question that the channel hasn't had, or else the one it had longest ago; None if nothing fits.

        Later picks of this batch for the same channel avoid it.
        """
        workspace_id, channel_id = self.workspace_of[schedule.channel_id], schedule.channel_id
        retired = self.retired.get(workspace_id, set())
        topics, difficulty = schedule.topics, schedule.difficulty
        seed = zlib.crc32(f"{schedule.id}:".encode())

        def order(question: Question) -> tuple[int, int]:
            shuffled = zlib.crc32(question.id.encode(), seed)
            return self.last_asked.get((channel_id, question.id), 0), shuffled

        candidates = (
            question
            for question in self.custom_banks.get(workspace_id, self.bank)
            if (not topics or question.topic in topics)
            and difficulty in (None, question.difficulty)
            and question.id not in retired
        )
        picked = min(candidates, key=order, default=None)
        if picked is not None:
            self.last_asked[channel_id, picked.id] = sys.maxsize
        return picked


def question_picker(
    connection: Connection, bank: Bank, custom_banks: Mapping[int, Bank], schedules: Sequence[Schedule]
) -> QuestionPicker:
    """Read what it takes to pick a question for each of these schedules."""
    channel_ids = {schedule.channel_id for schedule in schedules}
    workspace_of = _workspace_of(connection, channel_ids)
    retired = _retired(connection, set(workspace_of.values()))
    return QuestionPicker(bank, custom_banks, workspace_of, retired, _last_asked(connection, channel_ids))


def pick_question(connection: Connection, bank: Bank, schedule: Schedule) -> Question | None:
    """Pick the next question of one schedule from its workspace's bank."""
    return question_picker(connection, bank, {}, [schedule]).pick(schedule)


def _workspace_of(connection: Connection, channel_ids: Collection[int]) -> dict[int, int]:
    channels = tables.channels.c
    statement = select(channels.id, channels.workspace_id).where(channels.id.in_(channel_ids))
    return dict(connection.execute(statement).all())


def _retired(connection: Connection, workspace_ids: Collection[int]) -> dict[int, set[str]]:
    questions = tables.retired_questions.c
    statement = select(questions.workspace_id, questions.question_id).where(questions.workspace_id.in_(workspace_ids))
    retired: dict[int, set[str]] = defaultdict(set)
    for workspace_id, question_id in connection.execute(statement):
        retired[workspace_id].add(question_id)
    return retired


def _last_asked(connection: Connection, channel_ids: Collection[int]) -> dict[tuple[int, str], int]:
    rounds = tables.rounds.c
    statement = (
        select(rounds.channel_id, rounds.question_id, func.max(rounds.id))
        .where(rounds.channel_id.in_(channel_ids), rounds.kind.in_((RoundKind.DAILY, RoundKind.TEST)))
        .group_by(rounds.channel_id, rounds.question_id)
    )
    return {(channel_id, question_id): latest for channel_id, question_id, latest in connection.execute(statement)}
