"""A member's own data: exported as JSON, or deleted.

Both cover every row with a foreign key to a member or their person, which they find from the tables. Tables that refer
to members in another way, or not at all, are listed here; a test fails for a table that is neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    and_,
    delete,
    exists,
    false,
    or_,
    select,
    update,
)
from sqlmodel import SQLModel

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Button, Buttons, File, Notice, Reply, Tone
from bot.store import tables
from bot.store.models import Member, TotalKind
from bot.study.account import queries
from bot.study.members.queries import member_if_stored
from bot.study.progress import totals
from bot.text.plural import plural

OTHER_ROWS: Mapping[Table, Callable[[Connection, Member], Sequence[ColumnElement[bool]]]] = {
    tables.totals: lambda connection, member: totals.totals_of(
        connection, member.workspace_id, TotalKind.MEMBER, [member.id]
    ),
    tables.terminal_posts: lambda _, member: [tables.terminal_posts.c.channel == f"@{member.external_id}"],
    tables.kept_requests: queries.kept_requests_of,
}
"""Conditions for a member's rows in tables that refer to members without a foreign key."""

NOT_PERSONAL: Mapping[str, str] = {
    "workspace": "the team's own; an export names it",
    "channel": "the team's own",
    "team": "the team's own; an export names the member's",
    "custom_question": "the team's own, without who added it",
    "retired_question": "the team's own, without who retired it",
    "points_bucket": "how many members have so many points; `totals.forget` counts the member out",
    "processed_request": "ids of requests, without who sent them; they expire",
    "oauth_state": "an installation in progress, without who started it; it expires",
    "slack_installation": "the workspace's own; it names who installed the app for as long as the app is installed",
}
"""Tables without rows about a single member, and why."""


async def export(study: Study, context: RequestContext) -> Reply:
    """Return every row about the member, as a file."""
    everything = await study.store.query(rows_about, context.member_id)
    count = len(everything["answer"])
    return Reply.of(
        Notice(f"Here's everything I've stored about you here, including {plural(count, 'answer')}."),
        File("studyhall-export.json", json.dumps(everything, indent=2, ensure_ascii=False, default=_iso) + "\n"),
    )


def _iso(value: date | time) -> str:
    return value.isoformat()


async def erase(study: Study, context: RequestContext, *, sure: str = "") -> Reply:
    """Delete everything about the member: answers, points, streak, settings, reports. Ask first."""
    if sure != "everything":
        return Reply.of(
            Notice("This permanently deletes your answers, points, streak and settings here.", Tone.WARNING),
            Buttons(
                (
                    Button("Delete everything", "privacy delete everything", "danger"),
                    Button("Export first", "privacy export"),
                )
            ),
        )
    await study.store.transaction(delete_member, context.member_id)
    return Reply.of(Notice("Everything about you is deleted. If you come back, you'll start fresh.", Tone.GOOD))


def references(metadata: MetaData, table: str) -> Iterator[Column[Any]]:
    """Yield the columns outside `member` with a foreign key to that table, those of dependent tables first."""
    for referring in reversed(metadata.sorted_tables):
        for column in referring.columns:
            if referring.name != "member" and any(key.column.table.name == table for key in column.foreign_keys):
                yield column


def unclassified(metadata: MetaData) -> set[str]:
    """Return the tables that neither export and deletion cover nor NOT_PERSONAL lists with a reason."""
    referring = {column.table.name for target in ("member", "person") for column in references(metadata, target)}
    return set(metadata.tables) - referring - {"member", "person", *NOT_PERSONAL} - {table.name for table in OTHER_ROWS}


def rows_about(connection: Connection, member_id: int, metadata: MetaData = SQLModel.metadata) -> dict[str, Any]:
    """Return all rows about the member by table, and the names of their workspace and team."""
    member, workspace, team = queries.member_in_workspace(connection, member_id)
    conditions: dict[Table, ColumnElement[bool]] = {tables.persons: tables.persons.c.id == member.person_id}
    for target, key in (("member", member.id), ("person", member.person_id)):
        for column in references(metadata, target):
            conditions[column.table] = or_(conditions.get(column.table, false()), column == key)
    for table, matching in OTHER_ROWS.items():
        conditions[table] = and_(*matching(connection, member))
    rows = {
        table.name: [dict(row) for row in connection.execute(select(table).where(which)).mappings()]
        for table, which in conditions.items()
    }
    return {
        "workspace": {"platform": workspace.platform, "name": workspace.name},
        "member": member.columns(),
        "team": team,
        **dict(sorted(rows.items())),
    }


def delete_member(connection: Connection, member_id: int, metadata: MetaData = SQLModel.metadata) -> None:
    """Delete the member with all their rows; the person too, unless they are a member elsewhere.

    Do nothing if the member is already gone, because the button may be pressed twice.
    """
    member = member_if_stored(connection, member_id, lock=True)
    if member is None:
        return
    totals.forget(connection, member)
    for table, matching in OTHER_ROWS.items():
        connection.execute(delete(table).where(*matching(connection, member)))
    _clear(connection, references(metadata, "member"), member.id)
    connection.execute(delete(tables.members).where(tables.members.c.id == member.id))
    if not connection.execute(select(exists().where(tables.members.c.person_id == member.person_id))).scalar():
        _clear(connection, references(metadata, "person"), member.person_id)
        connection.execute(delete(tables.persons).where(tables.persons.c.id == member.person_id))


def _clear(connection: Connection, columns: Iterable[Column[Any]], key: int) -> None:
    """Delete the rows that refer to the key; if a row belongs to others (SET NULL), only remove the reference."""
    for column in columns:
        if any(foreign.ondelete == "SET NULL" for foreign in column.foreign_keys):
            connection.execute(update(column.table).where(column == key).values({column: None}))
        else:
            connection.execute(delete(column.table).where(column == key))
