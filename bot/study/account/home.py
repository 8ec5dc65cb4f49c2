"""A member's home page: today's questions, their progress and settings; for managers, the schedules too."""

from __future__ import annotations

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Reply, Table, Text
from bot.store.models import Schedule
from bot.study.account import queries
from bot.study.account import settings as account_settings
from bot.study.daily.schedule_card import weekdays_in_words
from bot.study.practice.rounds import question_card, unchanged_question
from bot.study.progress import leaderboard, overview

MAX_QUESTIONS = 3
MAX_SCHEDULES = 20
WELCOME = (
    Text("Any answer starts your streak, and answers to daily questions earn points.", title="Welcome!"),
    Buttons((Button("Topics", "topics"), Button("Standings", "leaderboard"))),
)
"""What a member sees instead of their progress until they've answered something."""


async def home(study: Study, context: RequestContext) -> Reply:
    """Put everything on one page; for a newcomer, only what there is to begin with."""
    today = await _today(study, context)
    schedules = await _schedules(study, context) if context.manager else []
    settings = await account_settings.me(study, context)
    if not await study.store.query(queries.has_answered, context.member_id):
        return Reply((*today, *WELCOME, *settings.blocks, *schedules))
    streak = await overview.streak(study, context)
    standings = await leaderboard.leaderboard(study, context)
    topics = await overview.topics(study, context)
    return Reply((*today, *streak.blocks, *standings.blocks, *topics.blocks, *settings.blocks, *schedules))


async def _today(study: Study, context: RequestContext) -> list[Block]:
    """Show the open questions of the member's channels that they haven't answered."""
    rounds = await study.store.query(queries.rounds_to_answer, context, MAX_QUESTIONS)
    cards: list[Block] = [
        question_card(question_round, question, "Question of the day")
        for question_round in rounds
        if (question := unchanged_question(study.library.bank, question_round)) is not None
    ]
    return cards or [
        Text("No open questions for you right now. Practice keeps your streak going, too.", title="Today"),
        Buttons((Button("Practice now", "question", "primary"),)),
    ]


async def _schedules(study: Study, context: RequestContext) -> list[Block]:
    schedules = await study.store.query(queries.schedules, context.workspace_id, MAX_SCHEDULES)
    setup = Buttons((Button("Set up a daily question", "schedule setup"),))
    if not schedules:
        return [Text("No channel has a daily question yet.", title="Schedules"), setup]
    rows = tuple(_row(channel, schedule) for channel, schedule in schedules)
    return [Table(("Channel", "When", "State"), rows, title="Schedules"), setup]


def _row(channel: str, schedule: Schedule) -> tuple[str, str, str]:
    when = f"{weekdays_in_words(schedule.weekdays)} at {schedule.at:%H:%M} ({schedule.zone})"
    return channel, when, schedule.problem or schedule.state.value
