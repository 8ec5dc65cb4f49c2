"""SQL statements for schedules, and on who manages them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from sqlalchemy import Connection, Integer, bindparam, func, or_, select, update

from bot.store import tables
from bot.store.models import Channel, Schedule, ScheduleState

schedules, channels, workspaces = tables.schedules.c, tables.channels.c, tables.workspaces.c


def channel_schedules(connection: Connection, channel_id: int, *, lock: bool = False) -> list[Schedule]:
    """Return a channel's schedules in the order of their numbers; `lock` makes the planner wait meanwhile."""
    statement = (
        select(tables.schedules)
        .where(schedules.channel_id == channel_id, schedules.state != ScheduleState.REMOVED)
        .order_by(schedules.id)
    )
    return Schedule.all(connection.execute(statement.with_for_update() if lock else statement).mappings())


def channel_of_schedule(connection: Connection, schedule_id: int, made_by: int) -> Channel | None:
    """Return the channel of a schedule that this member set up."""
    statement = (
        select(tables.channels)
        .join_from(tables.schedules, tables.channels, channels.id == schedules.channel_id)
        .where(schedules.id == schedule_id, schedules.made_by == made_by)
    )
    row = connection.execute(statement).mappings().first()
    return Channel.of(row) if row else None


def schedule_by_request(connection: Connection, channel_id: int, request_id: str) -> Schedule | None:
    """Find the schedule that an earlier delivery of the same request created."""
    where = (schedules.channel_id == channel_id, schedules.request_id == request_id)
    row = connection.execute(select(tables.schedules).where(*where)).mappings().first()
    return Schedule.of(row) if row else None


def add_schedule(connection: Connection, new: Schedule) -> int:
    added = tables.schedules.insert().values(new.columns()).returning(schedules.id)
    return int(connection.execute(added).scalar_one())


def save_schedule(connection: Connection, schedule: Schedule) -> None:
    """Store every column of a schedule that this transaction has locked."""
    columns = schedule.columns()
    saved = update(tables.schedules).where(schedules.id == columns.pop("id"))
    connection.execute(saved.values(columns))


def has_had_schedules(connection: Connection, workspace_id: int) -> bool:
    """Return whether the workspace has, or had, a schedule; removed ones count."""
    statement = (
        select(schedules.id)
        .join_from(tables.schedules, tables.channels, channels.id == schedules.channel_id)
        .where(channels.workspace_id == workspace_id)
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def set_workspace_zone(connection: Connection, workspace_id: int, zone: str) -> None:
    connection.execute(update(tables.workspaces).where(workspaces.id == workspace_id).values(zone=zone))


def next_question_at(connection: Connection, channel_id: int) -> datetime | None:
    """Return when the channel's next daily question is due; None if no schedule is active."""
    statement = select(func.min(schedules.next_due)).where(
        schedules.channel_id == channel_id, schedules.state == ScheduleState.ACTIVE
    )
    return connection.execute(statement).scalar()


_DUE = (
    select(tables.schedules)
    .where(schedules.next_due <= bindparam("now"))
    .order_by(schedules.next_due)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
)
_SET_NEXT = (
    update(tables.schedules)
    .where(schedules.id.in_(bindparam("ids", expanding=True)))
    .values(next_day=bindparam("day"), next_due=bindparam("due"))
)


def lock_due(connection: Connection, now: datetime, size: int) -> list[Schedule]:
    """Return the schedules that have been due longest, at most `size`, except those that another process has locked."""
    return Schedule.all(connection.execute(_DUE, {"now": now, "size": size}).mappings())


def set_next(connection: Connection, times: Mapping[tuple[date, datetime], Collection[int]]) -> None:
    """Store when schedules are due next, given as their ids by the day and the instant of that time."""
    for (day, due), ids in times.items():
        connection.execute(_SET_NEXT, {"ids": ids, "day": day, "due": due})


def lock_paused(connection: Connection, until: date) -> list[Schedule]:
    """Return the schedules that are paused until that day or earlier, except those that another process has locked."""
    statement = select(tables.schedules).where(schedules.state == ScheduleState.PAUSED, schedules.paused_until <= until)
    return Schedule.all(connection.execute(statement.with_for_update(skip_locked=True)).mappings())


def end_pause(connection: Connection, schedule_ids: Collection[int]) -> None:
    ended = update(tables.schedules).where(schedules.id.in_(schedule_ids))
    connection.execute(ended.values(state=ScheduleState.ACTIVE, paused_until=None, problem=None))


def stop_schedule(connection: Connection, schedule_id: int, problem: str) -> bool:
    """Stop an active schedule because of a problem; False if it wasn't active anymore."""
    stopped = update(tables.schedules).where(schedules.id == schedule_id, schedules.state == ScheduleState.ACTIVE)
    return connection.execute(stopped.values(state=ScheduleState.FAILED, problem=problem)).rowcount > 0


def stop_for_good(connection: Connection, schedule_id: int, problem: str) -> None:
    """Stop a schedule whose next time can't be told; it's no longer due until somebody changes or resumes it."""
    stopped = update(tables.schedules).where(schedules.id == schedule_id)
    connection.execute(stopped.values(state=ScheduleState.FAILED, problem=problem, next_day=None, next_due=None))


def set_problem(connection: Connection, schedule_id: int, problem: str) -> bool:
    """Store what's wrong with a schedule's posts; False if it was already stored."""
    known = update(tables.schedules).where(schedules.id == schedule_id, schedules.problem.is_distinct_from(problem))
    return connection.execute(known.values(problem=problem)).rowcount > 0


def clear_problem(connection: Connection, schedule_id: int) -> None:
    cleared = update(tables.schedules).where(
        schedules.id == schedule_id, schedules.state == ScheduleState.ACTIVE, schedules.problem.is_not(None)
    )
    connection.execute(cleared.values(problem=None))


def managers_of(connection: Connection, schedule_id: int) -> list[int]:
    """Return the ids of the workspace's named managers, and of the member who set up the schedule."""
    members = tables.members.c
    statement = (
        select(members.id)
        .join_from(tables.schedules, tables.channels, channels.id == schedules.channel_id)
        .join(tables.members, members.workspace_id == channels.workspace_id)
        .where(schedules.id == schedule_id, or_(members.manager.is_(True), members.id == schedules.made_by))
    )
    return [member_id for (member_id,) in connection.execute(statement)]
