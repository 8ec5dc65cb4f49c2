"""INSERT with ON CONFLICT: both databases have it, but SQLAlchemy has a separate class for each dialect."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that has `on_conflict_do_update`, `on_conflict_do_nothing` and `excluded`.

    The defaults of the row's class don't apply, so give every column its value.
    """
    return insert_on(connection.dialect.name, table)


def insert_on(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the same, by the dialect's name, for statements that are built once per dialect."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
