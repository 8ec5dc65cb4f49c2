"""A member as others may see them: points and streak, never answers."""

from __future__ import annotations

from sqlmodel import col, select

from bot.context.identity import RequestContext
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.replies import Notice, Reply, Table
from bot.store.models import EVERYWHERE, TotalKind
from bot.store.orm import Total, Workspace
from bot.study.members.directory import find_member, hidden_notice
from bot.study.progress import streaks
from bot.text.cleaning import named

NEW = "hasn't studied here yet"


async def profile(study: Study, context: RequestContext, *, member: str) -> Reply:
    """How a member stands; nothing of those who do not want to be seen, except to themselves."""
    async with study.store.read() as session:
        whose = await (await session.connection()).run_sync(find_member, context, member)
        if whose is None:
            return Reply.of(Notice(f"This member {NEW}."))
        if hidden := hidden_notice(context, whose):
            return Reply.of(hidden)
        if whose.last_day is None:
            return Reply.of(Notice(f"{named(whose.name)} {NEW}."))
        workspace = await session.get_one(Workspace, context.workspace_id)
        week, month = period_keys(context.at, workspace.zone)
        query = select(Total.period, Total.points).where(
            Total.workspace_id == context.workspace_id,
            Total.channel_id == EVERYWHERE,
            Total.kind == TotalKind.MEMBER,
            Total.subject_id == whose.id,
            col(Total.period).in_((week, month, "all")),
        )
        points = dict((await session.exec(query)).all())
        it = await streaks.member_streak(session, whose, now=context.at)
    rows = (
        ("Points this week", str(points.get(week, 0))),
        ("Points this month", str(points.get(month, 0))),
        ("Points in all", str(points.get("all", 0))),
        ("Current streak", _days(it.current)),
        ("Longest streak", _days(it.longest)),
    )
    return Reply.of(Table(("Standing", "So far"), rows, title=whose.name))


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"
