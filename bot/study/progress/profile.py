"""Show a member to others: points and streak, never answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.replies import Notice, Reply, Table
from bot.store.models import Member
from bot.study.members.directory import NOT_YET, find_member, hidden_notice, picked_name
from bot.study.members.queries import member_with_zone
from bot.study.progress import queries, streaks
from bot.study.progress.streaks import Streak
from bot.study.progress.totals import ALL_TIME
from bot.text.cleaning import named
from bot.text.plural import plural


@dataclass(frozen=True, slots=True)
class Progress:
    """Points in the workspace, and the streak."""

    week: int
    month: int
    all_time: int
    streak: Streak


async def profile(study: Study, context: RequestContext, *, member: str) -> Reply:
    """Show a member's points and streak, unless they hide their standing from others."""
    found = await study.store.query(find_member, context, member)
    if found is None:
        picked = picked_name(context, member)
        return Reply.of(Notice(f"{named(picked) if picked else 'This member'} {NOT_YET}."))
    if hidden := hidden_notice(context, found):
        return Reply.of(hidden)
    if found.last_day is None:
        return Reply.of(Notice(f"{named(found.name)} {NOT_YET}."))
    progress = await study.store.query(progress_of, found, context.at)
    rows = (
        ("Points this week", str(progress.week)),
        ("Points this month", str(progress.month)),
        ("Points in total", str(progress.all_time)),
        ("Current streak", plural(progress.streak.current, "day")),
        ("Longest streak", plural(progress.streak.longest, "day")),
    )
    return Reply.of(Table(("Standing", "So far"), rows, title=found.name))


def progress_of(connection: Connection, member: Member, now: datetime) -> Progress:
    """Return the member's points in the current week and month of their workspace and in total, and their streak."""
    _, workspace_zone = member_with_zone(connection, member.id)
    week, month = period_keys(now, workspace_zone)
    points = queries.points_by_period(connection, member.workspace_id, member.id, (week, month, ALL_TIME))
    return Progress(
        week=points.get(week, 0),
        month=points.get(month, 0),
        all_time=points.get(ALL_TIME, 0),
        streak=streaks.streak_of(connection, member, now),
    )
