"""Totals: points by member and team, updated with each answer so that standings don't have to add up answers.

A scored answer adds to six totals of its member (its channel and everywhere; its week, its month and all time) and to
the same six of the team it was given for. Totals only depend on the answers, in any order; `rebuild`
recomputes them. Points buckets only depend on the members' totals.

Additions to one member must not overlap: callers lock the member's row (`FOR UPDATE`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    bindparam,
    case,
    delete,
    distinct,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from bot.store import tables
from bot.store.engine import Store
from bot.store.models import EVERYWHERE, Answer, Member, TotalKind
from bot.store.upsert import insert_on

ALL_TIME = "all"
TOTAL_KEY = ("workspace_id", "channel_id", "period", "kind", "subject_id")
BUCKET_KEY = ("workspace_id", "channel_id", "period", "points")

Moves = Counter[tuple[int, str, int]]
"""How many members enter a points bucket (or leave it, if negative), by channel, period and points."""

totals, answers, buckets = tables.totals.c, tables.answers.c, tables.points_buckets.c


def add_points(connection: Connection, answer: Answer, member: Member, *, points: int, again: bool = False) -> None:
    """Add a scored answer that's already stored; with `again`, only add more points for one that was already added.

    A total's `reached_at` is the time of its latest answer with points or, while there are no points, of its first
    answer.
    """
    statement = _add_to_totals(connection.dialect.name)
    values = {
        "workspace": answer.workspace_id,
        "channel": answer.channel_id,
        "week": answer.week,
        "month": answer.month,
        "points": points,
        "answers": 0 if again else 1,
        "reached_at": answer.accepted_at,
        "answer": answer.id,
        "member": member.id,
        "team": answer.team_id,
    }
    for_member = {"kind": TotalKind.MEMBER, "subject": member.id, "listed": member.listed, "first": False}
    moves: Moves = Counter()
    for channel_id, period, new_points, count in connection.execute(statement, values | for_member):
        if member.listed:
            moves[channel_id, period, new_points] += 1
            if again or count > 1:
                moves[channel_id, period, new_points - points] -= 1
    if answer.team_id is not None:
        for_team = {"kind": TotalKind.TEAM, "subject": answer.team_id, "listed": True, "first": not again}
        connection.execute(statement, values | for_team)
    _move_between_buckets(connection, answer.workspace_id, moves)


def set_listed(connection: Connection, member: Member, listed: bool) -> None:
    """Show or hide the member in all standings, past ones too; the caller changes the member's own row."""
    _wait_for_rebuild(connection, member.workspace_id)
    changed = (
        update(tables.totals)
        .where(*totals_of(connection, member.workspace_id, TotalKind.MEMBER, [member.id]), totals.listed != listed)
        .values(listed=listed)
        .returning(totals.channel_id, totals.period, totals.points)
    )
    step = 1 if listed else -1
    moves: Moves = Counter({(row[0], row[1], row[2]): step for row in connection.execute(changed)})
    _move_between_buckets(connection, member.workspace_id, moves)


def forget(connection: Connection, member: Member) -> None:
    """Remove the member from all totals, their teams' too. Call it before their answers are deleted."""
    workspace_id = member.workspace_id
    _hold_back_answers(connection, workspace_id)
    their_teams = select(answers.team_id).where(
        answers.member_id == member.id, answers.scored, answers.team_id.is_not(None)
    )
    team_ids = connection.execute(their_teams.distinct()).scalars().all()
    removed = (
        delete(tables.totals)
        .where(*totals_of(connection, workspace_id, TotalKind.MEMBER, [member.id]))
        .returning(totals.channel_id, totals.period, totals.points, totals.listed)
    )
    rows = connection.execute(removed).all()
    if team_ids:
        connection.execute(delete(tables.totals).where(*totals_of(connection, workspace_id, TotalKind.TEAM, team_ids)))
        others = and_(answers.team_id.in_(team_ids), answers.member_id != member.id)
        _add_up(connection, workspace_id, TotalKind.TEAM, others)
    # Buckets last, as everywhere, so that two transactions never wait for each other.
    moves: Moves = Counter({(row[0], row[1], row[2]): -1 for row in rows if row[3]})
    _move_between_buckets(connection, workspace_id, moves)


async def rebuild_all(store: Store) -> int:
    """Recompute the totals of every workspace, each in its own transaction; return the number of workspaces."""
    workspace_ids = await store.query(_workspace_ids)
    for workspace_id in workspace_ids:
        await store.transaction(rebuild, workspace_id)
    return len(workspace_ids)


def _workspace_ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(tables.workspaces.c.id).order_by(tables.workspaces.c.id)).scalars())


def rebuild(connection: Connection, workspace_id: int) -> None:
    """Recompute all totals of a workspace from its answers; new answers there wait until it's done."""
    _hold_back_answers(connection, workspace_id)
    connection.execute(delete(tables.totals).where(totals.workspace_id == workspace_id))
    for kind in TotalKind:
        _add_up(connection, workspace_id, kind, true())
    rebuild_buckets(connection, workspace_id)


def rebuild_buckets(connection: Connection, workspace_id: int) -> None:
    """Recompute the points buckets of a workspace from its totals."""
    connection.execute(delete(tables.points_buckets).where(buckets.workspace_id == workspace_id))
    by = (totals.workspace_id, totals.channel_id, totals.period, totals.points)
    counted = (
        select(*by, func.count())
        .where(totals.workspace_id == workspace_id, totals.kind == TotalKind.MEMBER, totals.listed)
        .group_by(*by)
    )
    connection.execute(insert(tables.points_buckets).from_select([*BUCKET_KEY, "members"], counted))


def totals_of(
    connection: Connection, workspace_id: int, kind: TotalKind, subject_ids: Collection[int]
) -> list[ColumnElement[bool]]:
    """Return conditions for all totals of members or teams, which must still have their answers.

    They name channels and periods, because the key begins with them; otherwise the whole workspace would be scanned.
    """
    subject = answers.member_id if kind is TotalKind.MEMBER else answers.team_id
    statement = (
        select(answers.channel_id, answers.week, answers.month)
        .where(subject.in_(subject_ids), answers.scored)
        .distinct()
    )
    channel_ids, periods = {EVERYWHERE}, {ALL_TIME}
    for channel_id, week, month in connection.execute(statement):
        channel_ids.add(channel_id)
        periods |= {week, month}
    return [
        totals.workspace_id == workspace_id,
        totals.channel_id.in_(channel_ids),
        totals.period.in_(periods),
        totals.kind == kind,
        totals.subject_id.in_(subject_ids),
    ]


def _move_between_buckets(connection: Connection, workspace_id: int, moves: Moves) -> None:
    """Count members into and out of points buckets, always in the same order, so that no two transactions deadlock."""
    rows = [
        {"workspace_id": workspace_id, "channel_id": channel_id, "period": period, "points": points, "members": step}
        for (channel_id, period, points), step in sorted(moves.items())
        if step
    ]
    if rows:
        connection.execute(_add_to_buckets(connection.dialect.name), rows)


def _hold_back_answers(connection: Connection, workspace_id: int) -> None:
    """Wait for answers in progress in the workspace and make later ones wait: they need its row unchanged."""
    workspaces = tables.workspaces.c
    connection.execute(select(workspaces.id).where(workspaces.id == workspace_id).with_for_update())


def _wait_for_rebuild(connection: Connection, workspace_id: int) -> None:
    """Wait for a transaction that holds back answers, as the foreign key of an answer does."""
    workspaces = tables.workspaces.c
    shared = select(workspaces.id).where(workspaces.id == workspace_id).with_for_update(read=True, key_share=True)
    connection.execute(shared)


def _add_up(connection: Connection, workspace_id: int, kind: TotalKind, which: ColumnElement[bool]) -> None:
    """Insert the totals of members or teams from those answers; none of them may exist yet."""
    by_member = kind is TotalKind.MEMBER
    listed = tables.members.c.listed
    subject = answers.member_id if by_member else answers.team_id
    with_points = case((answers.points > 0, answers.accepted_at))
    for channel in (None, answers.channel_id):
        for period in (None, answers.week, answers.month):
            columns: dict[str, ColumnElement[Any]] = {
                "workspace_id": literal(workspace_id),
                "channel_id": literal(EVERYWHERE) if channel is None else channel,
                "period": literal(ALL_TIME) if period is None else period,
                "kind": literal(kind, totals.kind.type),
                "subject_id": subject,
                "points": func.sum(answers.points),
                "answers": func.count(),
                "active_members": literal(0) if by_member else func.count(distinct(answers.member_id)),
                "listed": listed if by_member else literal(True),
                "reached_at": func.coalesce(func.max(with_points), func.min(answers.accepted_at)),
            }
            groups = (channel, period, subject, listed if by_member else None)
            sums = (
                select(*columns.values())
                .join_from(tables.answers, tables.members, tables.members.c.id == answers.member_id)
                .where(answers.workspace_id == workspace_id, answers.scored, subject.is_not(None), which)
                .group_by(*(group for group in groups if group is not None))
            )
            connection.execute(insert(tables.totals).from_select(list(columns), sums))


# Each answer's statements are built once for each database: building them takes longer than running them. Hence no
# VALUES of several rows, which SQLAlchemy builds again each time.


@cache
def _add_to_totals(dialect: str) -> Any:
    """Build the statement that adds to the six totals of a member or a team, always in the same order.

    With `first`, the answer counts as the member's first for the team wherever there's no earlier one.
    """
    channels = union_all(
        select(literal(EVERYWHERE, Integer()).label("id")), select(bindparam("channel", type_=Integer()))
    ).subquery()
    periods = union_all(
        select(literal(ALL_TIME, String()).label("name")),
        select(bindparam("week", type_=String())),
        select(bindparam("month", type_=String())),
    ).subquery()
    channel, period = channels.c.id, periods.c.name
    earlier = exists().where(
        answers.member_id == bindparam("member"),
        answers.team_id == bindparam("team", type_=Integer()),
        answers.scored,
        answers.id != bindparam("answer"),
        or_(channel == EVERYWHERE, answers.channel_id == channel),
        or_(period == ALL_TIME, answers.week == period, answers.month == period),
    )
    row = {
        "workspace_id": bindparam("workspace", type_=Integer()),
        "channel_id": channel,
        "period": period,
        "kind": bindparam("kind", type_=totals.kind.type),
        "subject_id": bindparam("subject", type_=Integer()),
        "points": bindparam("points", type_=Integer()),
        "answers": bindparam("answers", type_=Integer()),
        "active_members": case((and_(bindparam("first", type_=Boolean()), ~earlier), 1), else_=0),
        "listed": bindparam("listed", type_=Boolean()),
        "reached_at": bindparam("reached_at", type_=totals.reached_at.type),
    }
    rows = select(*row.values()).select_from(channels.join(periods, true())).order_by(channel, period)
    added: Any = insert_on(dialect, tables.totals).from_select(list(row), rows)
    new = added.excluded
    decides = or_(
        and_(new.points > 0, or_(totals.points == 0, new.reached_at > totals.reached_at)),
        and_(new.points == 0, totals.points == 0, new.reached_at < totals.reached_at),
    )
    return added.on_conflict_do_update(
        index_elements=TOTAL_KEY,
        set_={
            "points": totals.points + new.points,
            "answers": totals.answers + new.answers,
            "active_members": totals.active_members + new.active_members,
            "reached_at": case((decides, new.reached_at), else_=totals.reached_at),
        },
    ).returning(totals.channel_id, totals.period, totals.points, totals.answers)


@cache
def _add_to_buckets(dialect: str) -> Any:
    added = insert_on(dialect, tables.points_buckets)
    return added.on_conflict_do_update(
        index_elements=BUCKET_KEY, set_={"members": buckets.members + added.excluded.members}
    )
