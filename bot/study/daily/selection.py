"""Choose the next question of a schedule."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from math import gcd

from sqlalchemy import Connection

from bot.store.models import Schedule
from bot.study.daily import round_queries
from knowledge.questions import Bank, Question

GOLDEN_RATIO = 0.618
"""Steps of this share of a list keep away from where they have been, so successive questions differ in topic."""


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
    _candidates: dict[tuple[Hashable, ...], list[Question]] = field(default_factory=dict)

    def pick(self, schedule: Schedule) -> Question | None:
        """Pick a question that the channel hasn't had, or else the one it had longest ago; None if nothing fits.

        Later picks of this batch for the same channel avoid it.
        """
        channel_id = schedule.channel_id
        candidates = self._candidates_of(schedule)
        if not candidates:
            return None
        size = len(candidates)
        step = _step(size)
        start = zlib.crc32(f"{schedule.id}:".encode()) % size  # schedules begin at different questions
        walk = (candidates[(start + number * step) % size] for number in range(size))
        picked = next((question for question in walk if (channel_id, question.id) not in self.last_asked), None)
        if picked is None:
            picked = min(candidates, key=lambda question: self.last_asked[channel_id, question.id])
        self.last_asked[channel_id, picked.id] = sys.maxsize
        return picked

    def _candidates_of(self, schedule: Schedule) -> list[Question]:
        """Return the questions that fit the schedule, in the order of the bank."""
        workspace_id = self.workspace_of[schedule.channel_id]
        custom_bank, retired = self.custom_banks.get(workspace_id), self.retired.get(workspace_id)
        own = workspace_id if custom_bank is not None or retired else None  # all others share their lists
        kind = (own, tuple(schedule.topics), schedule.difficulty)
        if kind not in self._candidates:
            self._candidates[kind] = [
                question
                for question in custom_bank or self.bank
                if (not schedule.topics or question.topic in schedule.topics)
                and schedule.difficulty in (None, question.difficulty)
                and question.id not in (retired or ())
            ]
        return self._candidates[kind]


@cache
def _step(size: int) -> int:
    """Return a step that visits every place of a list of that size once, by turns in all of its parts."""
    return next(step for step in count(max(1, round(size * GOLDEN_RATIO))) if gcd(step, size) == 1)


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
