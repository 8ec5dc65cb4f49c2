"""Choose the next question of a schedule."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.store.models import Schedule
from bot.study.daily import round_queries
from knowledge.questions import Bank, Question


@dataclass(frozen=True, slots=True)
class QuestionPicker:
    """Everything needed to pick questions for a batch of schedules, read at once because a batch may have hundreds.

    `custom_banks` are the banks of workspaces with custom questions; all others pick from `bank`. `last_asked` holds
    for each channel and question the id of its latest round there, daily or test, because the channel saw the answers
    of both.
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
    """Read everything needed to pick a question for each of these schedules."""
    channel_ids = {schedule.channel_id for schedule in schedules}
    workspace_of = round_queries.workspace_of_channels(connection, channel_ids)
    retired = round_queries.retired_by_workspace(connection, set(workspace_of.values()))
    return QuestionPicker(bank, custom_banks, workspace_of, retired, round_queries.last_asked(connection, channel_ids))


def pick_question(connection: Connection, bank: Bank, schedule: Schedule) -> Question | None:
    """Pick the next question of one schedule from its workspace's bank."""
    return question_picker(connection, bank, {}, [schedule]).pick(schedule)
