"""Fill every table with rows of all kinds of values, as the metadata describes them, and read everything back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Table,
    Time,
    delete,
    insert,
    select,
    update,
)
from sqlmodel import SQLModel

from bot.store import postgresql, sqlite, tables
from bot.store.urls import file_of, parse_url

ROWS = 3
NOW = datetime(2026, 11, 16, 9, 30, 1, 234567, tzinfo=UTC)
T = TypeVar("T")


def run(url: str, work: Callable[[Connection], T]) -> T:
    """Run `work` in a transaction."""
    parsed = parse_url(url)
    return (postgresql.migrate if file_of(parsed) is None else sqlite.migrate)(parsed, work)


def fill(url: str) -> None:
    """Add three rows to each table; in the second one, everything that may be empty is."""
    run(url, _fill)


def contents(url: str) -> dict[str, list[str]]:
    """Return all rows of all tables, as the program reads them."""
    return run(url, _contents)


def row(table: Table, number: int, parents: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
    """Return a row's values, without an id that the database assigns. `parents` are the rows it refers to."""
    values: dict[str, Any] = {}
    for column in table.columns:
        if column is table.autoincrement_column:
            continue
        target = next((key.column for key in column.foreign_keys), None)
        if column.nullable and (number == 2 or (target is not None and target.table is table)):
            values[column.name] = None
        elif target is not None:
            values[column.name] = parents[target.table.name][target.name]
        else:
            values[column.name] = _value(column, number)
    return values


def _fill(connection: Connection) -> None:
    stored: dict[str, list[Mapping[Any, Any]]] = {}
    for table in SQLModel.metadata.sorted_tables:
        stored[table.name] = []
        for number in range(1, ROWS + 1):
            parents = {name: rows[number - 1] for name, rows in stored.items() if len(rows) >= number}
            added = insert(table).values(row(table, number, parents)).returning(*table.columns)
            stored[table.name].append(connection.execute(added).mappings().one())
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table is table for key in column.foreign_keys):  # the first row refers to the last one
                first, last = stored[table.name][0]["id"], stored[table.name][-1]["id"]
                connection.execute(update(table).where(table.c.id == first).values({column.name: last}))
    gone = row(tables.deliveries, 9, {name: rows[0] for name, rows in stored.items()})
    added = insert(tables.deliveries).values(gone).returning(tables.deliveries.c.id)
    connection.execute(
        delete(tables.deliveries).where(tables.deliveries.c.id == connection.execute(added).scalar_one())
    )


def _contents(connection: Connection) -> dict[str, list[str]]:
    found = {}
    for table in SQLModel.metadata.sorted_tables:
        found[table.name] = sorted(str(dict(row)) for row in connection.execute(select(table)).mappings())
    return found


def _value(column: Column[Any], number: int) -> Any:  # noqa: PLR0911
    match getattr(column.type, "impl_instance", column.type):
        case Enum(enum_class=kind) if kind is not None:
            return list(kind)[number % len(kind)]
        case Boolean():
            return number % 2 == 1
        case Integer():
            return number * 1_000_003
        case Float():
            return number / 3
        case DateTime():
            return NOW + timedelta(days=number, microseconds=number)
        case Date():
            return date(2026, 11, 1) + timedelta(days=number)
        case Time():
            return time(number % 24, 30)
        case JSON():
            return ["β", {"deep": [number, None, True, 0.1]}]
    return f"{column.name} {number}: “naïve” 'quoted' \\ line\nbreak 🎲"
