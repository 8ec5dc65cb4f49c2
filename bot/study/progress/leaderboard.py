"""The leaderboard: members or teams, by week, month or all time, in this channel or everywhere."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Rank, Reply, Standings
from bot.store.models import EVERYWHERE, Member, TotalKind
from bot.study.members.queries import member_with_zone
from bot.study.progress.queries import Scope
from bot.study.progress.standings import MIN_TEAM_SIZE, Place, Ranking, ranking
from bot.study.progress.totals import ALL_TIME
from bot.text.plural import plural

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
    """Show standings with the member's own place. Members who opted out don't appear."""
    member, standings = await study.store.query(_ranking, context, period, who, where)
    other_pages = Buttons(_other_pages(period, who, where, view))
    if not standings.rows:
        return Reply.of(Notice(_nobody(who, period) + _team_too_small(standings)), other_pages)
    own = standings.own if not any(row.is_own for row in standings.rows) else None
    if who == "members" and not member.listed:
        own = None  # the channel sees the reply
    teams = who == "teams"
    title = f"{TITLES[period]}{', teams' if teams else ''}{', this channel' if where == 'channel' else ''}"
    return Reply.of(
        Standings(
            title,
            tuple(_rank(row, teams=teams) for row in standings.rows),
            mine=_rank(own, teams=teams) if own else None,
            footnote=_footnote(who, listed=member.listed) + _team_too_small(standings),
            as_picture=view == "picture",
        ),
        other_pages,
    )


def _ranking(
    connection: Connection, context: RequestContext, period: str, who: str, where: str
) -> tuple[Member, Ranking]:
    """Return the member who's asking, and the standings from their point of view."""
    member, zone = member_with_zone(connection, context.member_id)
    week, month = period_keys(context.at, zone)
    scope = Scope(
        workspace_id=context.workspace_id,
        period={"week": week, "month": month}.get(period, ALL_TIME),
        kind=TotalKind.TEAM if who == "teams" else TotalKind.MEMBER,
        channel_id=context.channel_id if where == "channel" else EVERYWHERE,
    )
    return member, ranking(connection, scope, member)


def _other_pages(period: str, who: str, where: str, view: str) -> tuple[Button, ...]:
    """Offer the other periods, members or teams, and the same page as text or as a picture."""
    other_who, other_view = ("members" if who == "teams" else "teams"), ("words" if view == "picture" else "picture")
    return (
        *(Button(TITLES[other], f"leaderboard {other} {who} {where} {view}") for other in TITLES if other != period),
        Button(other_who.title(), f"leaderboard {period} {other_who} {where} {view}"),
        Button("In words" if view == "picture" else "As a picture", f"leaderboard {period} {who} {where} {other_view}"),
    )


def _rank(place: Place, *, teams: bool) -> Rank:
    if teams:
        per_member = f"{place.points / max(place.active_members, 1):.1f}"
        return Rank(place.place, place.name, per_member, f"{place.active_members} active", place.is_own)
    detail = plural(place.answers, "answer")
    return Rank(place.place, place.name, str(place.points), detail, place.is_own)


def _footnote(who: str, *, listed: bool) -> str:
    if who == "teams":
        return f"Points per active member. A team needs {MIN_TEAM_SIZE} active members to be ranked."
    hidden = "" if listed else " You're hidden from others, so you don't appear here either."
    return f"Ties go to whoever got there first.{hidden}"


def _team_too_small(standings: Ranking) -> str:
    return "" if standings.too_small is None else f" Yours has {standings.too_small} so far."


def _nobody(who: str, period: str) -> str:
    if who == "teams":
        return f"No team has {MIN_TEAM_SIZE} members with a scored answer yet. `team create NAME` starts one."
    when = {"week": " this week", "month": " this month", "all": ""}[period]
    return f"Nobody has earned points{when} yet. The daily question earns them: `daily`."
