"""Standings: who has how many points in a period, from the totals kept with each answer.

A member's place is one more than the number of listed members ahead of them. Ahead is who has more points; with as
many, who reached them earlier; in the same instant, who joined earlier. So places are distinct. The tiers say how many
have more points, so only those with as many as oneself are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, and_, bindparam, func, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.models import EVERYWHERE, TotalKind
from bot.store.orm import Member, PointsBucket, Team, Total

MIN_TEAM = 3
"""Active members from which on a team is ranked: below, points per head would show what one member has."""


@dataclass(frozen=True, slots=True)
class Place:
    """One rank. `active` is the number of a team's members with a counted answer, and 0 for a member."""

    place: int
    subject_id: int
    name: str
    points: int
    answers: int
    active: int = 0
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """The top places, and my own wherever it is.

    A member who is not listed has no row; their `mine` is the place they would have. `waiting` is how many active
    members my team has where that is too few to be ranked.
    """

    rows: tuple[Place, ...]
    mine: Place | None = None
    waiting: int | None = None


async def standings(
    session: AsyncSession,
    *,
    workspace_id: int,
    channel_id: int = EVERYWHERE,
    period: str,
    kind: TotalKind,
    member: Member,
    limit: int = 10,
) -> Ranking:
    """Ranks members by points, or teams by points per active member. `period` is a week, a month or "all"."""
    connection = await session.connection()
    scope = {"workspace": workspace_id, "channel": channel_id, "period": period, "kind": kind}
    return await connection.run_sync(ranking, scope, member, limit)


def ranking(connection: Connection, scope: Mapping[str, Any], member: Member, limit: int = 10) -> Ranking:
    """The same, where there is no session; `scope` has the workspace, the channel, the period and the kind."""
    if scope["kind"] is TotalKind.TEAM:
        return _teams(connection.execute(TEAMS, scope).all(), member.team_id, limit)
    found = connection.execute(TOP, {**scope, "limit": limit}).all()
    rows = tuple(
        Place(place, row.subject_id, row.name, row.points, row.answers, mine=row.subject_id == member.id)
        for place, row in enumerate(found, start=1)
    )
    mine = next((row for row in rows if row.mine), None)
    if mine is None:
        there = connection.execute(MINE, {**scope, "me": member.id}).first()
        if there is not None:
            mine = Place(there.ahead + 1, there.subject_id, member.name, there.points, there.answers, mine=True)
    return Ranking(rows, mine)


def _teams(found: Sequence[Row[Any]], my_team: int | None, limit: int) -> Ranking:
    ranked = sorted(
        (row for row in found if row.active_members >= MIN_TEAM),
        key=lambda row: (-Fraction(row.points, row.active_members), row.reached_at, row.subject_id),
    )
    places = [
        Place(place, row.subject_id, row.name, row.points, row.answers, row.active_members, row.subject_id == my_team)
        for place, row in enumerate(ranked, start=1)
    ]
    few = (row.active_members for row in found if row.subject_id == my_team and row.active_members < MIN_TEAM)
    return Ranking(tuple(places[:limit]), next((place for place in places if place.mine), None), next(few, None))


# The statements are built once: building them takes longer than running them.

_total: Any = Total.__table__  # type: ignore[attr-defined]
_tier: Any = PointsBucket.__table__  # type: ignore[attr-defined]
_member: Any = Member.__table__  # type: ignore[attr-defined]
_team: Any = Team.__table__  # type: ignore[attr-defined]


def _in_scope(total: Any) -> ColumnElement[bool]:
    return and_(
        total.c.workspace_id == bindparam("workspace"),
        total.c.channel_id == bindparam("channel"),
        total.c.period == bindparam("period"),
        total.c.kind == bindparam("kind", type_=_total.c.kind.type),
    )


TOP = (
    select(_total.c.subject_id, _total.c.points, _total.c.answers, _member.c.name)
    .join_from(_total, _member, _member.c.id == _total.c.subject_id)
    .where(_in_scope(_total), _total.c.listed.is_(True))
    .order_by(_total.c.points.desc(), _total.c.reached_at, _total.c.subject_id)
    .limit(bindparam("limit", type_=Integer()))
)

TEAMS = (
    select(_total, _team.c.name).join_from(_total, _team, _team.c.id == _total.c.subject_id).where(_in_scope(_total))
)


def _mine() -> Select[Any]:
    mine = _total.alias("mine")
    above = select(func.coalesce(func.sum(_tier.c.members), 0)).where(
        *(_tier.c[name] == mine.c[name] for name in ("workspace_id", "channel_id", "period")),
        _tier.c.points > mine.c.points,
    )
    # Compared as a pair, because a range of the index answers that; an OR would read everyone with as many points.
    earlier = tuple_(_total.c.reached_at, _total.c.subject_id) < tuple_(mine.c.reached_at, mine.c.subject_id)
    level = (
        select(func.count())
        .select_from(_total)
        .where(_in_scope(_total), _total.c.listed.is_(True), _total.c.points == mine.c.points, earlier)
    )
    ahead = above.scalar_subquery() + level.scalar_subquery()
    found = select(mine.c.subject_id, mine.c.points, mine.c.answers, ahead.label("ahead"))
    return found.where(_in_scope(mine), mine.c.subject_id == bindparam("me"))


MINE = _mine()
