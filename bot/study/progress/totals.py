"""Totals: points by member and team, kept in the transaction of the answer so that standings need not add up.

A counted answer adds to six totals of its member (its channel and everywhere; its week, its month and all time) and
to the same six of the team it was given for. All of it follows from the answers, in whatever order they came, and
`rebuild` tells it from them anew. Tiers follow the totals of members.

What is added to one member must come one by one: callers hold the member's row (`FOR UPDATE`).
"""

from __future__ import annotations

from collections import Counter
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
    distinct,
    exists,
    func,
    literal,
    or_,
    true,
    union_all,
    update,
)
from sqlalchemy import insert as plain_insert
from sqlalchemy import select as sql_select
from sqlmodel import SQLModel, col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.models import EVERYWHERE, TotalKind
from bot.store.orm import Answer, Member, PointsBucket, Total, Workspace
from bot.store.upsert import insert_on

ALL_TIME = "all"
Moves = Counter[tuple[int, str, int]]
"""How many members enter (or leave, below 0) a tier: by channel, period and points."""

KEY = ("workspace_id", "channel_id", "period", "kind", "subject_id")
TIER_KEY = ("workspace_id", "channel_id", "period", "points")


async def credit(session: AsyncSession, answer: Answer, member: Member, *, points: int, again: bool = False) -> None:
    """Adds a counted answer that is in the session; with `again` only more points for one that was added before.

    A total was reached when the latest of its answers with points was accepted, or before there are any points, its
    first answer.
    """
    await session.flush()
    connection = await session.connection()
    await connection.run_sync(add_points, answer, member, points=points, again=again)


def add_points(connection: Connection, answer: Answer, member: Member, *, points: int, again: bool = False) -> None:
    """The same, where there is no session; the answer must have been written."""
    adding = _adding(connection.dialect.name)
    given = {
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
    mine = {"kind": TotalKind.MEMBER, "subject": member.id, "listed": member.listed, "first": False}
    moves: Moves = Counter()
    for channel, period, now, answers in connection.execute(adding, given | mine).all():
        if member.listed:
            moves[channel, period, now] += 1
            if again or answers > 1:
                moves[channel, period, now - points] -= 1
    if answer.team_id is not None:
        theirs = {"kind": TotalKind.TEAM, "subject": answer.team_id, "listed": True, "first": not again}
        connection.execute(adding, given | theirs)
    _moved(connection, answer.workspace_id, moves)


async def set_listed(session: AsyncSession, member: Member, listed: bool) -> None:
    """Shows or hides the member in all standings, past ones too."""
    member.listed = listed
    session.add(member)
    kept = _columns(Total)
    changed = (
        update(kept.kind.table)
        .where(*await _kept(session, member.workspace_id, TotalKind.MEMBER, [member.id]), kept.listed.is_(not listed))
        .values(listed=listed)
        .returning(kept.channel_id, kept.period, kept.points)
    )
    step = 1 if listed else -1
    moves: Moves = Counter({tuple(row): step for row in (await session.exec(changed)).all()})
    await _shift(session, member.workspace_id, moves)


async def forget(session: AsyncSession, member: Member) -> None:
    """Takes the member out of all totals, their teams' too. To be called before their answers are deleted."""
    await _hold(session, member.workspace_id)
    mine = (Answer.member_id == member.id, col(Answer.scored))
    teams = (
        await session.exec(select(col(Answer.team_id)).where(*mine, col(Answer.team_id).is_not(None)).distinct())
    ).all()
    kept = _columns(Total)
    gone = delete(kept.kind.table).where(*await _kept(session, member.workspace_id, TotalKind.MEMBER, [member.id]))
    rows = (await session.exec(gone.returning(kept.channel_id, kept.period, kept.points, kept.listed))).all()
    if teams:
        await _drop(session, await _kept(session, member.workspace_id, TotalKind.TEAM, teams))
        others = and_(col(Answer.team_id).in_(teams), col(Answer.member_id) != member.id)
        await _tell(session, member.workspace_id, TotalKind.TEAM, others)
    # Tiers last, as everywhere, so that nobody holds what another waits for.
    await _shift(session, member.workspace_id, Counter({(row[0], row[1], row[2]): -1 for row in rows if row[3]}))


async def rebuild(session: AsyncSession, workspace_id: int) -> None:
    """Tells all totals of a workspace from its answers; new answers there wait until it is done."""
    await _hold(session, workspace_id)
    await _drop(session, [col(Total.workspace_id) == workspace_id])
    for kind in TotalKind:
        await _tell(session, workspace_id, kind, true())
    await rebuild_tiers(session, workspace_id)


def _places(channel: int, week: str, month: str) -> set[tuple[int, str]]:
    return {(place, period) for place in (EVERYWHERE, channel) for period in (week, month, ALL_TIME)}


async def _kept(session: AsyncSession, workspace_id: int, kind: TotalKind, subjects: Any) -> list[ColumnElement[bool]]:
    """Conditions for all totals of members or teams. They name channels and periods, since the key begins with them:
    without, the whole workspace would be looked through.
    """
    owner = Answer.member_id if kind is TotalKind.MEMBER else Answer.team_id
    query = (
        select(col(Answer.channel_id), col(Answer.week), col(Answer.month))
        .where(col(owner).in_(subjects), col(Answer.scored))
        .distinct()
    )
    places = set[tuple[int, str]]().union(*(_places(*place) for place in (await session.exec(query)).all()))
    return [
        col(Total.workspace_id) == workspace_id,
        col(Total.channel_id).in_({channel for channel, _ in places}),
        col(Total.period).in_({period for _, period in places}),
        col(Total.kind) == kind,
        col(Total.subject_id).in_(subjects),
    ]


async def _drop(session: AsyncSession, which: list[ColumnElement[bool]]) -> None:
    await session.exec(delete(Total).where(*which).execution_options(synchronize_session=False))


async def _shift(session: AsyncSession, workspace_id: int, moves: Moves) -> None:
    await (await session.connection()).run_sync(_moved, workspace_id, moves)


def _moved(connection: Connection, workspace_id: int, moves: Moves) -> None:
    """Lets members enter and leave tiers, in one order always: whoever moves at the same time waits in line."""
    rows = [
        {"workspace_id": workspace_id, "channel_id": channel, "period": period, "points": points, "members": step}
        for (channel, period, points), step in sorted(moves.items())
        if step
    ]
    if rows:
        connection.execute(_moving(connection.dialect.name), rows)


async def _hold(session: AsyncSession, workspace_id: int) -> None:
    """Waits for answers under way in the workspace and makes later ones wait: they need its row to stay as it is."""
    await session.exec(select(col(Workspace.id)).where(Workspace.id == workspace_id).with_for_update())


async def _tell(session: AsyncSession, workspace_id: int, kind: TotalKind, which: ColumnElement[bool]) -> None:
    """Adds the totals of members or teams from those answers; there must be none of them yet."""
    answers, members, totals = _columns(Answer), _columns(Member), _columns(Total)
    by_member = kind is TotalKind.MEMBER
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
                "listed": members.listed if by_member else literal(True),
                "reached_at": func.coalesce(func.max(with_points), func.min(answers.accepted_at)),
            }
            groups = (channel, period, subject, members.listed if by_member else None)
            told = (
                sql_select(*columns.values())
                .join_from(answers.id.table, members.id.table, members.id == answers.member_id)
                .where(answers.workspace_id == workspace_id, answers.scored, subject.is_not(None), which)
                .group_by(*(group for group in groups if group is not None))
            )
            await session.exec(plain_insert(totals.kind.table).from_select(list(columns), told))


async def rebuild_tiers(session: AsyncSession, workspace_id: int) -> None:
    """Tells the tiers of a workspace from its totals."""
    totals, tiers = _columns(Total), _columns(PointsBucket)
    await session.exec(delete(tiers.points.table).where(tiers.workspace_id == workspace_id))
    by = (totals.workspace_id, totals.channel_id, totals.period, totals.points)
    told = (
        sql_select(*by, func.count())
        .where(totals.workspace_id == workspace_id, totals.kind == TotalKind.MEMBER, totals.listed)
        .group_by(*by)
    )
    await session.exec(plain_insert(tiers.points.table).from_select([*TIER_KEY, "members"], told))


def _columns(table: type[SQLModel]) -> Any:
    """The bare columns: grouping and inserting from a query go by tables, not by models."""
    return table.__table__.c  # type: ignore[attr-defined]


# The statements of each answer are built once for each database: building them takes longer than running them. Hence no
# VALUES of several rows, which SQLAlchemy builds anew each time.


@cache
def _adding(dialect: str) -> Any:
    """Adds to the six totals of a member or a team; a tie with others at the same time is kept in one order always.

    With `first`, the answer counts as the member's first for the team wherever there is none before it.
    """
    totals, answers = _columns(Total), _columns(Answer)
    channels = union_all(
        sql_select(literal(EVERYWHERE, Integer()).label("id")), sql_select(bindparam("channel", type_=Integer()))
    ).subquery()
    periods = union_all(
        sql_select(literal(ALL_TIME, String()).label("name")),
        sql_select(bindparam("week", type_=String())),
        sql_select(bindparam("month", type_=String())),
    ).subquery()
    place, period = channels.c.id, periods.c.name
    before = exists().where(
        answers.member_id == bindparam("member"),
        answers.team_id == bindparam("team", type_=Integer()),
        answers.scored,
        answers.id != bindparam("answer"),
        or_(place == EVERYWHERE, answers.channel_id == place),
        or_(period == ALL_TIME, answers.week == period, answers.month == period),
    )
    row = {
        "workspace_id": bindparam("workspace", type_=Integer()),
        "channel_id": place,
        "period": period,
        "kind": bindparam("kind", type_=totals.kind.type),
        "subject_id": bindparam("subject", type_=Integer()),
        "points": bindparam("points", type_=Integer()),
        "answers": bindparam("answers", type_=Integer()),
        "active_members": case((and_(bindparam("first", type_=Boolean()), ~before), 1), else_=0),
        "listed": bindparam("listed", type_=Boolean()),
        "reached_at": bindparam("reached_at", type_=totals.reached_at.type),
    }
    told = sql_select(*row.values()).select_from(channels.join(periods, true())).order_by(place, period)
    fresh: Any = insert_on(dialect, Total).from_select(list(row), told)
    new = fresh.excluded
    decides = or_(
        and_(new.points > 0, or_(totals.points == 0, new.reached_at > totals.reached_at)),
        and_(new.points == 0, totals.points == 0, new.reached_at < totals.reached_at),
    )
    return fresh.on_conflict_do_update(
        index_elements=KEY,
        set_={
            "points": totals.points + new.points,
            "answers": totals.answers + new.answers,
            "active_members": totals.active_members + new.active_members,
            "reached_at": case((decides, new.reached_at), else_=totals.reached_at),
        },
    ).returning(totals.channel_id, totals.period, totals.points, totals.answers)


@cache
def _moving(dialect: str) -> Any:
    tiers = _columns(PointsBucket)
    fresh = insert_on(dialect, PointsBucket)
    return fresh.on_conflict_do_update(
        index_elements=TIER_KEY, set_={"members": tiers.members + fresh.excluded.members}
    )
