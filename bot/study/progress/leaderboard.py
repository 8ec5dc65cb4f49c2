"""The leaderboard: members or teams, of a week, a month or all time, in this channel or everywhere."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Rank, Reply, Standings
from bot.store.models import EVERYWHERE, TotalKind
from bot.store.orm import Member
from bot.study.members.queries import member_with_zone
from bot.study.progress.standings import MIN_TEAM, Place, Ranking, ranking

TITLES = {"week": "This week", "month": "This month", "all": "All time"}


async def leaderboard(
    study: Study,
    context: RequestContext,
    *,
    period: str = "week",
    who: str = "members",
    where: str = "everywhere",
    view: str = "words",
) -> Reply:
    """Standings with my own place. Ties go to who got there first; members who opted out are not shown."""
    member, found = await study.store.look(partial(_found, context=context, period=period, who=who, where=where))
    title = f"{TITLES[period]}{', teams' if who == 'teams' else ''}{', this channel' if where == 'channel' else ''}"
    turns = Buttons(_turns(period, who, where, view))
    if not found.rows:
        return Reply.of(Notice(_empty(who, period) + _waiting(found.waiting)), turns)
    mine = found.mine if found.mine and not any(row.mine for row in found.rows) else None
    if who == "members" and not member.listed:
        mine = None  # the channel sees the reply
    return Reply.of(
        Standings(
            title,
            tuple(_rank(row, teams=who == "teams") for row in found.rows),
            mine=_rank(mine, teams=who == "teams") if mine else None,
            footnote=_footnote(who, listed=member.listed) + _waiting(found.waiting),
            as_picture=view == "picture",
        ),
        turns,
    )


def _turns(period: str, who: str, where: str, view: str) -> tuple[Button, ...]:
    """The other pages: the periods, members or teams, and the same one drawn or in words."""
    other, otherwise = ("members" if who == "teams" else "teams"), ("words" if view == "picture" else "picture")
    return (
        *(Button(TITLES[p], f"leaderboard {p} {who} {where} {view}") for p in TITLES if p != period),
        Button(other.title(), f"leaderboard {period} {other} {where} {view}"),
        Button("In words" if view == "picture" else "As a picture", f"leaderboard {period} {who} {where} {otherwise}"),
    )


def _found(
    connection: Connection, context: RequestContext, period: str, who: str, where: str
) -> tuple[Member, Ranking]:
    member, zone = member_with_zone(connection, context.member_id)
    week, month = period_keys(context.at, zone)
    scope = {
        "workspace": context.workspace_id,
        "channel": context.channel_id if where == "channel" else EVERYWHERE,
        "period": {"week": week, "month": month}.get(period, "all"),
        "kind": TotalKind.TEAM if who == "teams" else TotalKind.MEMBER,
    }
    return member, ranking(connection, scope, member)


def _rank(place: Place, *, teams: bool) -> Rank:
    if teams:
        per_head = f"{place.points / max(place.active, 1):.1f}"
        return Rank(place.place, place.name, per_head, f"{place.active} active", place.mine)
    detail = f"{place.answers} answer{'s' * (place.answers != 1)}"
    return Rank(place.place, place.name, str(place.points), detail, place.mine)


def _footnote(who: str, *, listed: bool) -> str:
    if who == "teams":
        return f"Points per active member; a team is ranked from {MIN_TEAM} active members on."
    return "Ties go to who got there first." + (
        "" if listed else " You are not shown to others, so you are not here either."
    )


def _waiting(active: int | None) -> str:
    return "" if active is None else f" Yours has {active} so far."


def _empty(who: str, period: str) -> str:
    if who == "teams":
        return f"No team has {MIN_TEAM} members with a counted answer yet. `team create NAME` starts one."
    when = {"week": " this week", "month": " this month", "all": ""}[period]
    return f"Nobody has earned points{when} yet. The daily question gives them: `daily`."
