"""Copy rows between SQLite and PostgreSQL, so that every value keeps its meaning.

The columns are read from the databases themselves, not from this program's classes, because a backup can be older.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    cast,
    func,
    insert,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from bot.errors import DatabaseError
from bot.store.backup_file import MANIFEST, REVISION, Progress

BATCH = 1_000
"""Rows read and written at once."""


def table_names(connection: Connection) -> list[str]:
    """Return the tables that hold data, sorted by name."""
    return sorted({*inspect(connection).get_table_names()} - {REVISION, MANIFEST})


def count_rows(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    return {name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names}


def copy_rows(source: Connection, target: Connection, progress: Progress) -> None:
    """Copy all rows of SQLite's tables from or to PostgreSQL. The target's tables must be empty.

    On PostgreSQL, foreign keys must not be checked meanwhile. `progress` counts the rows.
    """
    names = table_names(source if source.dialect.name == "sqlite" else target)
    originals, copies = _tables(source, names), _tables(target, names)
    done, total = 0, sum(count_rows(source, names).values())
    progress(done, total)
    for name in names:
        converters = [_converter(column) for column in copies[name].columns]
        keys = [column.name for column in copies[name].columns]
        columns = [_as_text(originals[name].c[key]) for key in keys]
        rows = source.execute(select(*columns).execution_options(yield_per=BATCH))
        for batch in rows.partitions():
            converted = [
                {
                    key: convert(value) if convert else value
                    for key, convert, value in zip(keys, converters, row, strict=True)
                }
                for row in batch
            ]
            _insert(target, copies[name], converted)
            done += len(batch)
            progress(done, total)
    copy_sequences(source, target, copies)


def _insert(target: Connection, copy: Table, rows: list[dict[str, Any]]) -> None:
    try:
        target.execute(insert(copy), rows)
    except DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None)
        # What only the driver noticed has no code: a number that's too large, for example.
        if target.dialect.name != "postgresql" or not (code is None or code.startswith(("22", "23"))):
            raise
        raise DatabaseError(
            f"PostgreSQL can't store a value from the table {copy.name} as it is ({type(error.orig).__name__}). "
            "Nothing was changed. Please report this."
        ) from None


def copy_sequences(source: Connection, target: Connection, copies: dict[str, Table]) -> None:
    """Let the target's next ids follow all that either has given, also to rows that were deleted since.

    Platforms may still know those: they're part of the keys of posts.
    """
    for name, copy in copies.items():
        column = copy.autoincrement_column
        if column is None:
            continue
        last = max(_last_id(source, name, column), _last_id(target, name, column))
        if target.dialect.name == "postgresql":
            sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last, :used)")
            values = {"table": f'"{name}"', "column": column.name, "last": max(last, 1), "used": last > 0}
            target.execute(sequence, values)
        elif last and _keeps_last_id(target, name):
            target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            target.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), {"name": name, "last": last})


def _last_id(connection: Connection, name: str, column: Column[Any]) -> int:
    """Return the highest id that the table has had; 0 if none."""
    quoted = f'"{name}"'
    highest = connection.execute(text(f'SELECT max("{column.name}") FROM {quoted}')).scalar() or 0  # noqa: S608
    if connection.dialect.name == "postgresql":
        sequence = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column)::regclass)")
        given = connection.execute(sequence, {"table": quoted, "column": column.name}).scalar()
    elif _keeps_last_id(connection, name):
        given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": name}).scalar()
    else:
        given = None
    return max(int(highest), int(given or 0))


def _keeps_last_id(connection: Connection, name: str) -> bool:
    """Return whether SQLite itself remembers the highest id of the table (AUTOINCREMENT)."""
    made_by = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
    return "AUTOINCREMENT" in str(connection.execute(made_by, {"name": name}).scalar()).upper()


def _tables(connection: Connection, names: Sequence[str]) -> dict[str, Table]:
    """Describe the tables as they are in the database. JSON is left as the text it is."""
    metadata = MetaData()
    metadata.reflect(connection, only=names, resolve_fks=False)
    tables = {name: metadata.tables[name] for name in names}
    for found in tables.values():
        for column in found.columns:
            if isinstance(column.type, JSON):
                column.type = NullType()
    return tables


def _as_text(column: Column[Any]) -> ColumnElement[Any]:
    """Return JSON as its text, which PostgreSQL's driver would read; other columns as they are."""
    return cast(column, Text) if isinstance(column.type, NullType) else column


def _converter(column: Column[Any]) -> Callable[[Any], Any] | None:
    """Return what a value needs before it goes into the column; None if that's nothing."""
    if not isinstance(column.type, DateTime):
        return None
    return _aware if column.type.timezone else _naive


def _aware(value: datetime | None) -> datetime | None:
    """SQLite has no time zones: its times are in UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _naive(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC).replace(tzinfo=None) if value is not None and value.tzinfo is not None else value
