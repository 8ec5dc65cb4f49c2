"""SQL statements for standings, streaks and mastery. They're built once: building one takes longer than running it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
)

from bot.store import tables
from bot.store.models import EVERYWHERE, DeliveryKind, DeliveryState, TotalKind

answers, deliveries, rest_days, totals = tables.answers.c, tables.deliveries.c, tables.rest_days.c, tables.totals.c


@dataclass(frozen=True, slots=True)
class Scope:
    """What standings cover. `period` is a week, a month or "all"; `channel_id` is EVERYWHERE for the workspace."""

    workspace_id: int
    period: str
    kind: TotalKind = TotalKind.MEMBER
    channel_id: int = EVERYWHERE


class MemberTotal(NamedTuple):
    subject_id: int
    points: int
    answers: int
    name: str


class OwnTotal(NamedTuple):
    """A member's own total, and how many listed members are ahead of them."""

    points: int
    answers: int
    ahead: int


class TeamTotal(NamedTuple):
    subject_id: int
    points: int
    answers: int
    active_members: int
    reached_at: datetime
    name: str


class HistoryEntry(NamedTuple):
    """A day studied, a change of rest days or an excused day.

    `detail` is the zone of a day studied, or the weekdays of a change; `first_at` and `last_at` are the first and the
    last answer of a day studied.
    """

    kind: Literal["studied", "rest_days", "excused"]
    day: date
    detail: str
    first_at: datetime
    last_at: datetime


class TopicShare(NamedTuple):
    """The number of recent answers in a topic, and their average share, 0 to 1."""

    topic: str
    answers: int
    share: float


def top_members(connection: Connection, scope: Scope, limit: int) -> list[MemberTotal]:
    """Return the listed members with the most points, best first."""
    return [MemberTotal(*row) for row in connection.execute(_TOP_MEMBERS, asdict(scope) | {"limit": limit})]


def own_total(connection: Connection, scope: Scope, member_id: int) -> OwnTotal | None:
    """Return the member's total, listed or not; None without a scored answer in this scope."""
    row = connection.execute(_OWN_TOTAL, asdict(scope) | {"member": member_id}).first()
    return OwnTotal(*row) if row else None


def team_totals(connection: Connection, scope: Scope) -> list[TeamTotal]:
    """Return the totals of all teams, in no particular order."""
    return [TeamTotal(*row) for row in connection.execute(_TEAM_TOTALS, asdict(scope))]


def points_by_period(
    connection: Connection, workspace_id: int, member_id: int, periods: Collection[str]
) -> dict[str, int]:
    """Return the member's points in the whole workspace, by period; periods without a scored answer are left out."""
    statement = select(totals.period, totals.points).where(
        totals.workspace_id == workspace_id,
        totals.channel_id == EVERYWHERE,
        totals.period.in_(periods),
        totals.kind == TotalKind.MEMBER,
        totals.subject_id == member_id,
    )
    return {row.period: row.points for row in connection.execute(statement)}


def study_history(connection: Connection, member_id: int) -> list[HistoryEntry]:
    """Return everything a streak is computed from; a day with answers from two zones has two entries."""
    return [HistoryEntry(*row) for row in connection.execute(_HISTORY, {"member": member_id})]


def topic_shares(connection: Connection, member_id: int, last: int) -> list[TopicShare]:
    """Return the member's share in each topic, over their latest answers."""
    rows = connection.execute(_TOPIC_SHARES, {"member": member_id, "last": last})
    return [TopicShare(*row) for row in rows]


def _in_scope(total: FromClause) -> ColumnElement[bool]:
    return and_(
        total.c.workspace_id == bindparam("workspace_id"),
        total.c.channel_id == bindparam("channel_id"),
        total.c.period == bindparam("period"),
        total.c.kind == bindparam("kind", type_=totals.kind.type),
    )


_TOP_MEMBERS = (
    select(totals.subject_id, totals.points, totals.answers, tables.members.c.name)
    .join_from(tables.totals, tables.members, tables.members.c.id == totals.subject_id)
    .where(_in_scope(tables.totals), totals.listed.is_(True))
    .order_by(totals.points.desc(), totals.reached_at, totals.subject_id)
    .limit(bindparam("limit", type_=Integer()))
)

_TEAM_TOTALS = (
    select(
        totals.subject_id,
        totals.points,
        totals.answers,
        totals.active_members,
        totals.reached_at,
        tables.teams.c.name,
    )
    .join_from(tables.totals, tables.teams, tables.teams.c.id == totals.subject_id)
    .where(_in_scope(tables.totals))
)


def _own_total() -> Select[Any]:
    own, buckets = tables.totals.alias("own"), tables.points_buckets.c
    with_more_points = select(func.coalesce(func.sum(buckets.members), 0)).where(
        buckets.workspace_id == own.c.workspace_id,
        buckets.channel_id == own.c.channel_id,
        buckets.period == own.c.period,
        buckets.points > own.c.points,
    )
    # Compared as a pair, because a range of the index answers that; an OR would read everyone with as many points.
    earlier = tuple_(totals.reached_at, totals.subject_id) < tuple_(own.c.reached_at, own.c.subject_id)
    with_as_many = (
        select(func.count())
        .select_from(tables.totals)
        .where(_in_scope(tables.totals), totals.listed.is_(True), totals.points == own.c.points, earlier)
    )
    ahead = with_more_points.scalar_subquery() + with_as_many.scalar_subquery()
    statement = select(own.c.points, own.c.answers, ahead.label("ahead"))
    return statement.where(_in_scope(own), own.c.subject_id == bindparam("member"))


_OWN_TOTAL = _own_total()


def _history() -> CompoundSelect[Any]:
    """Build one statement for days studied (by zone), changes of rest days, and excused days.

    A day is excused if it was scheduled but no daily question of the member's channels was posted. A channel is theirs
    from the day of their first answer there, so joining one later doesn't undo an excuse.
    """
    of_member = answers.member_id == bindparam("member")
    studied = (
        select(
            literal_column("'studied'"),
            answers.day,
            answers.zone,
            func.min(answers.accepted_at),
            func.max(answers.accepted_at),
        )
        .where(of_member)
        .group_by(answers.day, answers.zone)
    )
    rest_changes = select(literal_column("'rest_days'"), rest_days.from_day, rest_days.weekdays, null(), null()).where(
        rest_days.member_id == bindparam("member")
    )
    their_channels = (
        select(answers.channel_id, func.min(answers.day).label("since"))
        .where(of_member)
        .group_by(answers.channel_id)
        .subquery()
    )
    lost = deliveries.state.in_((DeliveryState.FAILED, DeliveryState.SKIPPED))
    excused = (
        select(literal_column("'excused'"), deliveries.day, null(), null(), null())
        .join_from(tables.deliveries, their_channels, their_channels.c.channel_id == deliveries.channel_id)
        .where(deliveries.kind == DeliveryKind.DAILY, deliveries.day >= their_channels.c.since)
        .group_by(deliveries.day)
        .having(func.min(case((lost, 1), else_=0)) == 1)
    )
    return union_all(studied, rest_changes, excused)


_HISTORY = _history()


def _topic_shares() -> Select[Any]:
    newest_first = (answers.accepted_at.desc(), answers.id.desc())
    numbered = (
        select(
            answers.topic,
            func.coalesce(answers.share, 0.0).label("share"),
            func.row_number().over(partition_by=answers.topic, order_by=newest_first).label("number"),
        )
        .where(answers.member_id == bindparam("member"))
        .subquery()
    )
    return (
        select(numbered.c.topic, func.count(), func.avg(numbered.c.share))
        .where(numbered.c.number <= bindparam("last", type_=Integer()))
        .group_by(numbered.c.topic)
    )


_TOPIC_SHARES = _topic_shares()
