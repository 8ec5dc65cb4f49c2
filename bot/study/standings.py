"""Standings: who has how many points in a period, from the totals kept with each answer.

A member's place is one more than the number of listed members ahead of them. Ahead is who has more points; with as
many, who reached them earlier; in the same instant, who joined earlier. So places are distinct. The tiers say how many
have more points, so only those with as many as oneself are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.tables import EVERYWHERE, Member, Team, Tier, Total, TotalKind

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
    there = and_(
        col(Total.workspace_id) == workspace_id,
        col(Total.channel_id) == channel_id,
        col(Total.period) == period,
        col(Total.kind) == kind,
    )
    if kind is TotalKind.MEMBER:
        return await _members(session, there, member, limit)
    return await _teams(session, there, member, limit)


async def _members(session: AsyncSession, there: ColumnElement[bool], me: Member, limit: int) -> Ranking:
    listed = and_(there, col(Total.listed).is_(True))
    query = (
        select(Total, col(Member.name))
        .join(Member, col(Member.id) == Total.subject_id)
        .where(listed)
        .order_by(col(Total.points).desc(), col(Total.reached_at), col(Total.subject_id))
        .limit(limit)
    )
    found = (await session.exec(query)).all()
    rows = tuple(_place(place, total, name, me.id) for place, (total, name) in enumerate(found, start=1))
    mine = next((row for row in rows if row.mine), None)
    return Ranking(rows, mine or await _place_of(session, there, me))


async def _place_of(session: AsyncSession, there: ColumnElement[bool], me: Member) -> Place | None:
    total = (await session.exec(select(Total).where(there, Total.subject_id == me.id))).first()
    if total is None:
        return None
    above = select(func.coalesce(func.sum(Tier.members), 0)).where(
        Tier.workspace_id == total.workspace_id,
        Tier.channel_id == total.channel_id,
        Tier.period == total.period,
        Tier.points > total.points,
    )
    earlier = or_(
        col(Total.reached_at) < total.reached_at,
        and_(col(Total.reached_at) == total.reached_at, col(Total.subject_id) < total.subject_id),
    )
    level = select(func.count()).select_from(Total)
    level = level.where(there, col(Total.listed).is_(True), Total.points == total.points, earlier)
    ahead: int = (await session.exec(select(above.scalar_subquery() + level.scalar_subquery()))).one()
    return _place(ahead + 1, total, me.name, me.id)


async def _teams(session: AsyncSession, there: ColumnElement[bool], me: Member, limit: int) -> Ranking:
    query = select(Total, col(Team.name)).join(Team, col(Team.id) == Total.subject_id).where(there)
    found = (await session.exec(query)).all()
    ranked = sorted(
        ((total, name) for total, name in found if total.active >= MIN_TEAM),
        key=lambda one: (-Fraction(one[0].points, one[0].active), one[0].reached_at, one[0].subject_id),
    )
    places = [_place(place, total, name, me.team_id) for place, (total, name) in enumerate(ranked, start=1)]
    few = (total.active for total, _ in found if total.subject_id == me.team_id and total.active < MIN_TEAM)
    return Ranking(tuple(places[:limit]), next((place for place in places if place.mine), None), next(few, None))


def _place(place: int, total: Total, name: str, mine: int | None) -> Place:
    return Place(place, total.subject_id, name, total.points, total.answers, total.active, total.subject_id == mine)
