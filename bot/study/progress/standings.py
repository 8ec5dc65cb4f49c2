"""Standings: who has how many points in a period, read from totals.

A member's place is one more than the number of listed members ahead of them: those with more points, and among equal
points those who reached them earlier or, in the same instant, joined earlier. So no two members share a place. Points
buckets say how many have more points, so only members with equal points are counted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection

from bot.store.models import Member, TotalKind
from bot.study.progress import queries
from bot.study.progress.queries import Scope, TeamTotal

MIN_TEAM_SIZE = 3
"""Active members a team needs to be ranked. With fewer, its points per member would reveal a single member's points."""


@dataclass(frozen=True, slots=True)
class Place:
    """One rank. `active_members` is the number of a team's members with a scored answer, and 0 for a member."""

    place: int
    subject_id: int
    name: str
    points: int
    answers: int
    active_members: int = 0
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """The top places, and the reader's own place.

    A member who isn't listed has no row; their `own` is the place they would have. `too_small` is the number of
    active members of the reader's team if that's too few to be ranked.
    """

    rows: tuple[Place, ...]
    own: Place | None = None
    too_small: int | None = None


def ranking(connection: Connection, scope: Scope, member: Member, limit: int = 10) -> Ranking:
    """Rank members by points, or teams by points per active member, as `member` sees it."""
    if scope.kind is TotalKind.TEAM:
        return _rank_teams(queries.team_totals(connection, scope), member.team_id, limit)
    rows = tuple(
        Place(place, total.subject_id, total.name, total.points, total.answers, is_own=total.subject_id == member.id)
        for place, total in enumerate(queries.top_members(connection, scope, limit), start=1)
    )
    own = next((row for row in rows if row.is_own), None)
    if own is None and (total := queries.own_total(connection, scope, member.id)) is not None:
        own = Place(total.ahead + 1, member.id, member.name, total.points, total.answers, is_own=True)
    return Ranking(rows, own)


def _rank_teams(totals: Sequence[TeamTotal], own_team_id: int | None, limit: int) -> Ranking:
    ranked = sorted(
        (total for total in totals if total.active_members >= MIN_TEAM_SIZE),
        key=lambda total: (-Fraction(total.points, total.active_members), total.reached_at, total.subject_id),
    )
    places = [
        Place(
            place,
            total.subject_id,
            total.name,
            total.points,
            total.answers,
            total.active_members,
            is_own=total.subject_id == own_team_id,
        )
        for place, total in enumerate(ranked, start=1)
    ]
    own_team = next((total for total in totals if total.subject_id == own_team_id), None)
    too_small = own_team.active_members if own_team and own_team.active_members < MIN_TEAM_SIZE else None
    return Ranking(tuple(places[:limit]), next((place for place in places if place.is_own), None), too_small)
