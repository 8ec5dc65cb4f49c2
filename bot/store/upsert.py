"""INSERT with ON CONFLICT: both databases have it, but SQLAlchemy has a separate class for each dialect."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


def insert(on: AsyncSession | Connection, table: Table | type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that has `on_conflict_do_update`, `on_conflict_do_nothing` and `excluded`.

    The defaults of the row's class do not apply: give every column its value.
    """
    dialect = on.dialect if isinstance(on, Connection) else on.get_bind().dialect
    return insert_on(dialect.name, table)


def insert_on(dialect: str, table: Table | type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """Return the same, by the dialect's name, for statements that are built once per dialect."""
    columns: Table = table if isinstance(table, Table) else table.__table__  # type: ignore[attr-defined]
    return postgresql.insert(columns) if dialect == "postgresql" else sqlite.insert(columns)
