"""SQL statements for workspaces: their custom questions, managers, reports, and whether the bot is still a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, text, update

from bot.context.identity import Location
from bot.store import tables
from bot.store.models import OPEN_DELIVERY, CustomQuestion, DeliveryState, Report, ScheduleState, Workspace
from bot.store.upsert import insert

workspaces, channels, members = tables.workspaces.c, tables.channels.c, tables.members.c
custom_questions, retired, reports = tables.custom_questions.c, tables.retired_questions.c, tables.reports.c
schedules, deliveries = tables.schedules.c, tables.deliveries.c

_AT_LOCATION = select(workspaces.id, workspaces.custom_questions_version).where(
    workspaces.platform == bindparam("platform"), workspaces.external_id == bindparam("workspace")
)
_VERSION = select(workspaces.custom_questions_version).where(workspaces.id == bindparam("workspace_id"))


def workspace_at(connection: Connection, location: Location) -> tuple[int, int] | None:
    """Return a location's workspace id and the version of its custom questions; None for an unknown workspace."""
    row = connection.execute(_AT_LOCATION, {"platform": location.platform, "workspace": location.workspace}).first()
    return None if row is None else (row[0], row[1])


def custom_questions_version(connection: Connection, workspace_id: int) -> int:
    """Return the version of a workspace's custom questions; 0 if there have never been any."""
    return connection.execute(_VERSION, {"workspace_id": workspace_id}).scalar() or 0


def due_workspaces(connection: Connection, now: datetime) -> dict[int, int]:
    """Return the workspaces with custom questions and a schedule that is due: id to version."""
    statement = (
        select(workspaces.id, workspaces.custom_questions_version)
        .join_from(tables.workspaces, tables.channels, channels.workspace_id == workspaces.id)
        .join(tables.schedules, schedules.channel_id == channels.id)
        .where(schedules.next_due <= now, workspaces.custom_questions_version > 0)
        .distinct()
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def all_workspaces(connection: Connection) -> list[Workspace]:
    """Return every workspace, oldest first."""
    return Workspace.all(connection.execute(select(tables.workspaces).order_by(workspaces.id)).mappings())


def lock_workspace(connection: Connection, workspace_id: int) -> None:
    """Lock the workspace's row until the end of this transaction. Answers, whose foreign keys need it, don't wait."""
    locked = select(workspaces.id).where(workspaces.id == workspace_id).with_for_update(key_share=True)
    connection.execute(locked)


def custom_question_rows(connection: Connection, workspace_id: int) -> list[CustomQuestion]:
    """Return a workspace's custom questions, by topic and id."""
    statement = (
        select(tables.custom_questions)
        .where(custom_questions.workspace_id == workspace_id)
        .order_by(custom_questions.topic, custom_questions.question_id)
    )
    return CustomQuestion.all(connection.execute(statement).mappings())


def add_custom_question(connection: Connection, new: CustomQuestion) -> bool:
    """Store a question; False if the workspace already has one with that id."""
    added = insert(connection, tables.custom_questions).values(new.columns()).on_conflict_do_nothing()
    return connection.execute(added).rowcount > 0


def delete_custom_question(connection: Connection, workspace_id: int, question_id: str) -> bool:
    """Delete a question; False if there was none."""
    where = (custom_questions.workspace_id == workspace_id, custom_questions.question_id == question_id)
    return connection.execute(delete(tables.custom_questions).where(*where)).rowcount > 0


def raise_version(connection: Connection, workspace_id: int) -> None:
    """Tell every process that the workspace's custom questions have changed."""
    changed = update(tables.workspaces).where(workspaces.id == workspace_id)
    connection.execute(changed.values(custom_questions_version=workspaces.custom_questions_version + 1))


def manager_names(connection: Connection, workspace_id: int) -> list[str]:
    """Return the names of the managers that a command added, in order."""
    where = (members.workspace_id == workspace_id, members.manager.is_(True))
    return list(connection.execute(select(members.name).where(*where).order_by(members.name)).scalars())


def set_manager(connection: Connection, member_id: int, *, manager: bool) -> None:
    connection.execute(update(tables.members).where(members.id == member_id).values(manager=manager))


@dataclass(frozen=True, slots=True)
class OpenReport:
    """What a member says is wrong with a question; `reporter` is their name."""

    question_id: str
    body: str
    reporter: str
    created_at: datetime


def add_report(connection: Connection, new: Report) -> None:
    """Store a report, once per request."""
    connection.execute(insert(connection, tables.reports).values(new.columns()).on_conflict_do_nothing())


def open_reports(connection: Connection, workspace_id: int, *, limit: int) -> list[OpenReport]:
    """Return the open reports, newest first."""
    statement = (
        select(reports.question_id, reports.body, members.name, reports.created_at)
        .join_from(tables.reports, tables.members, members.id == reports.member_id)
        .where(*_open(workspace_id))
        .order_by(reports.id.desc())
        .limit(limit)
    )
    return [OpenReport(*row) for row in connection.execute(statement)]


def count_open_reports(connection: Connection, workspace_id: int) -> int:
    statement = select(func.count()).select_from(tables.reports).where(*_open(workspace_id))
    return int(connection.execute(statement).scalar_one())


def close_reports(connection: Connection, workspace_id: int, question_id: str, *, at: datetime) -> int:
    """Close the open reports on a question and return how many there were."""
    where = (*_open(workspace_id), reports.question_id == question_id)
    return connection.execute(update(tables.reports).where(*where).values(closed_at=at)).rowcount


def _open(workspace_id: int) -> tuple[ColumnElement[bool], ...]:
    return reports.workspace_id == workspace_id, reports.closed_at.is_(None)


def retired_questions(connection: Connection, workspace_id: int) -> list[str]:
    """Return the ids of the questions retired in a workspace, in order."""
    where = retired.workspace_id == workspace_id
    return list(connection.execute(select(retired.question_id).where(where).order_by(retired.question_id)).scalars())


def retire_question(connection: Connection, workspace_id: int, question_id: str, *, at: datetime) -> None:
    row = {"workspace_id": workspace_id, "question_id": question_id, "at": at}
    connection.execute(insert(connection, tables.retired_questions).values(row).on_conflict_do_nothing())


def restore_question(connection: Connection, workspace_id: int, question_id: str) -> bool:
    """Stop retiring a question; False if it wasn't retired."""
    where = (retired.workspace_id == workspace_id, retired.question_id == question_id)
    return connection.execute(delete(tables.retired_questions).where(*where)).rowcount > 0


def active_workspaces(connection: Connection, platform: str) -> list[str]:
    """Return the external ids of a platform's workspaces that the bot is a member of."""
    where = (workspaces.platform == platform, workspaces.left_at.is_(None))
    return list(connection.execute(select(workspaces.external_id).where(*where)).scalars())


def add_workspace(connection: Connection, new: Workspace) -> bool:
    """Store a workspace; False if it is already stored."""
    added = insert(connection, tables.workspaces).values(new.columns()).on_conflict_do_nothing()
    return connection.execute(added.returning(workspaces.id)).first() is not None


def record_return(connection: Connection, location: Location) -> int | None:
    """Record that the bot is back, and return the workspace's id; None if it hadn't left."""
    statement = update(tables.workspaces).where(*_is_at(location), workspaces.left_at.is_not(None)).values(left_at=None)
    return connection.execute(statement.returning(workspaces.id)).scalar()


def record_removal(connection: Connection, location: Location, *, at: datetime) -> int | None:
    """Record that the bot was removed, and return the workspace's id; None for an unknown workspace."""
    statement = update(tables.workspaces).where(*_is_at(location)).values(left_at=at)
    return connection.execute(statement.returning(workspaces.id)).scalar()


def _is_at(location: Location) -> tuple[ColumnElement[bool], ...]:
    return workspaces.platform == location.platform, workspaces.external_id == location.workspace


def fail_open_deliveries(connection: Connection, workspace_id: int, problem: str) -> None:
    """Cancel every delivery of a workspace that hasn't been posted; one that only lacks its thread or pin is done."""
    ended = update(tables.deliveries).where(text(OPEN_DELIVERY), deliveries.workspace_id == workspace_id)
    ended = ended.values(problem=problem, claim_token=None)
    is_posted = deliveries.message_ref.is_not(None)
    connection.execute(ended.where(is_posted).values(state=DeliveryState.DONE))
    connection.execute(ended.where(~is_posted).values(state=DeliveryState.FAILED))


def stop_schedules(connection: Connection, workspace_id: int, problem: str) -> None:
    """Stop every active schedule of a workspace until somebody resumes it."""
    in_workspace = schedules.channel_id.in_(select(channels.id).where(channels.workspace_id == workspace_id))
    statement = update(tables.schedules).where(in_workspace, schedules.state == ScheduleState.ACTIVE)
    connection.execute(statement.values(state=ScheduleState.FAILED, problem=problem))


def has_schedules(connection: Connection, location: Location) -> bool:
    statement = (
        select(schedules.id)
        .join_from(tables.schedules, tables.channels, channels.id == schedules.channel_id)
        .join(tables.workspaces, workspaces.id == channels.workspace_id)
        .where(workspaces.platform == location.platform, workspaces.external_id == location.workspace)
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def count_stopped_schedules(connection: Connection, workspace_id: int) -> int:
    statement = (
        select(func.count(schedules.id))
        .join_from(tables.schedules, tables.channels, channels.id == schedules.channel_id)
        .where(channels.workspace_id == workspace_id, schedules.state == ScheduleState.FAILED)
    )
    return int(connection.execute(statement).scalar_one())
