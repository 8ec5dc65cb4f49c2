"""INSERT with ON CONFLICT, which both databases have and SQLAlchemy spells in each dialect's own class."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


def insert(on: AsyncSession | Connection, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows `on_conflict_do_update`, `on_conflict_do_nothing` and `excluded`.

    It works on the bare table: the defaults of the model's fields do not apply, so every column needs its value.
    """
    dialect = on.dialect if isinstance(on, Connection) else on.get_bind().dialect
    return insert_on(dialect.name, table)


def insert_on(dialect: str, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """The same by the name of the database, for statements that are built once for each."""
    columns: Table = table.__table__  # type: ignore[attr-defined]
    return postgresql.insert(columns) if dialect == "postgresql" else sqlite.insert(columns)
