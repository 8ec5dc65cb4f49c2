"""The leaderboard: members or teams, of a week, a month or all time, in this channel or everywhere."""

from __future__ import annotations

from bot.replies import Action, Choices, Notice, Rank, Reply, Standings
from bot.store.tables import EVERYWHERE, Member, TotalKind, Workspace
from bot.study.context import Asker, Study
from bot.study.days import period_keys
from bot.study.standings import MIN_TEAM, Place, standings

TITLES = {"week": "This week", "month": "This month", "all": "All time"}


async def leaderboard(
    study: Study, asker: Asker, *, period: str = "week", who: str = "members", where: str = "everywhere"
) -> Reply:
    """Standings with my own place. Ties go to who got there first; members who opted out are not shown."""
    async with study.store.read() as session:
        workspace = await session.get_one(Workspace, asker.workspace_id)
        member = await session.get_one(Member, asker.member_id)
        week, month = period_keys(asker.at, workspace.zone)
        found = await standings(
            session,
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id if where == "channel" else EVERYWHERE,
            period={"week": week, "month": month}.get(period, "all"),
            kind=TotalKind.TEAM if who == "teams" else TotalKind.MEMBER,
            member=member,
        )
    title = f"{TITLES[period]}{', teams' if who == 'teams' else ''}{', this channel' if where == 'channel' else ''}"
    other = "members" if who == "teams" else "teams"
    turns = Choices(
        tuple(
            Action(TITLES[p] if p != period else other.title(), f"leaderboard {p if p != period else period} "
                   f"{who if p != period else other} {where}")
            for p in TITLES
        )
    )  # fmt: skip
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
        ),
        turns,
    )


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
