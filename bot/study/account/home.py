"""A member's own page: today's questions, how they are doing, their settings; for managers, what is scheduled."""

from __future__ import annotations

from sqlmodel import col, select, union
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Reply, Table, Text
from bot.store.models import ScheduleState
from bot.store.orm import Answer, Channel, Round, Schedule
from bot.study.account import settings as account_settings
from bot.study.daily.schedule_card import weekdays_in_words
from bot.study.practice.rounds import question_card, still_open, unchanged_question
from bot.study.progress import leaderboard, overview

QUESTIONS = 3
"""Open questions that are shown."""
SCHEDULES = 20


async def home(study: Study, context: RequestContext) -> Reply:
    """All of it, one under the other; what there is nothing of yet says how to begin."""
    today = await _today(study, context)
    streak = await overview.streak(study, context)
    place = await leaderboard.leaderboard(study, context)
    topics = await overview.topics(study, context)
    settings = await account_settings.me(study, context)
    blocks: list[Block] = [*today, *streak.blocks, *place.blocks, *topics.blocks, *settings.blocks]
    if context.manager:
        blocks += await _schedules(study, context)
    return Reply(tuple(blocks))


async def _today(study: Study, context: RequestContext) -> list[Block]:
    """The open questions of the member's channels that they have not answered.

    Theirs are those they are in, as far as the platform tells, and those they have answered in.
    """
    theirs = union(
        select(Answer.channel_id).where(Answer.member_id == context.member_id),
        select(Channel.id).where(
            Channel.workspace_id == context.workspace_id, col(Channel.external_id).in_(context.channels)
        ),
    )
    answered = select(Answer.round_id).where(Answer.member_id == context.member_id)
    query = (
        select(Round)
        .where(
            *still_open(context.workspace_id, context.at),
            col(Round.channel_id).in_(theirs),
            col(Round.id).not_in(answered),
        )
        .order_by(col(Round.closes_at))
        .limit(QUESTIONS)
    )
    async with study.store.read() as session:
        found = (await session.exec(query)).all()
    posed = [(round, unchanged_question(study.library.bank, round)) for round in found]
    cards = [question_card(round, question, "Question of the day") for round, question in posed if question is not None]
    if cards:
        return [*cards]
    return [
        Text("No open question of yours just now. Practice keeps the streak going, too.", title="Today"),
        Buttons((Button("A question now", "question", "primary"),)),
    ]


async def _schedules(study: Study, context: RequestContext) -> list[Block]:
    async with study.store.read() as session:
        rows = await _scheduled(session, context.workspace_id)
    more = Buttons((Button("Set up a daily question", "schedule setup"),))
    if not rows:
        return [Text("No channel has a daily question yet.", title="Schedules"), more]
    return [Table(("Channel", "When", "State"), tuple(rows), title="Schedules"), more]


async def _scheduled(session: AsyncSession, workspace_id: int) -> list[tuple[str, str, str]]:
    query = (
        select(Channel.name, Schedule)
        .join(Schedule, col(Schedule.channel_id) == Channel.id)
        .where(Channel.workspace_id == workspace_id, col(Schedule.state) != ScheduleState.REMOVED)
        .order_by(col(Channel.name), col(Schedule.id))
        .limit(SCHEDULES)
    )
    return [
        (name, f"{weekdays_in_words(it.weekdays)} at {it.at:%H:%M} ({it.zone})", it.problem or it.state.value)
        for name, it in (await session.exec(query)).all()
    ]
