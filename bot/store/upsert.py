"""INSERT with ON CONFLICT, which both databases have and SQLAlchemy spells in each dialect's own class."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that has `on_conflict_do_update`, `on_conflict_do_nothing` and `excluded`.

    The defaults of the row's class do not apply: give every column its value.
    """
    return insert_on(connection.dialect.name, table)


def insert_on(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the same by the dialect's name, for statements that are built once for each dialect."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
