"""INSERT with ON CONFLICT, which both databases have and SQLAlchemy spells in each dialect's own class."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


def insert(session: AsyncSession, table: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows `on_conflict_do_update`, `on_conflict_do_nothing` and `excluded`.

    It works on the bare table: the defaults of the model's fields do not apply, so every column needs its value.
    """
    columns: Table = table.__table__  # type: ignore[attr-defined]
    return postgresql.insert(columns) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(columns)
