"""Bringing a database to this program's tables, and looking whether it has them.

Plain functions that block: call them from the command line, or in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import DatabaseError
from bot.store.engine import CONNECT_S
from bot.store.errors import connecting
from bot.store.orm import Workspace
from bot.store.revision import refuse_newer, revision_of, revisions, settings
from bot.store.sqlite import BUSY_MS, settle
from bot.store.urls import address, file_of, place

UPGRADE_LOCK = 7_239_840_121
"""PostgreSQL's advisory lock that lets one replica upgrade while the others wait: any number nobody else uses."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """How a database compares with the program. `differences` are between its tables and those of the code."""

    revision: str | None
    newest: str
    differences: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return self.revision == self.newest and not self.differences


def upgrade(url: str, progress: Callable[[str], None] = lambda line: None) -> None:
    """Migrates to the newest revision, all of it or nothing, creating a SQLite file and its folder.

    `progress` is told each step in words. Raises DatabaseError for a newer database, and for one that cannot be used.
    """
    where = address(url)
    file = file_of(where)
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)  # members' answers are nobody else's business on this computer
        except OSError as error:
            raise DatabaseError(f"The folder {file.parent} cannot be created: {error.strerror}.") from None
    _within(where, lambda connection: _upgrade(connection, place(where), progress))


def check(url: str) -> Check:
    """Compares revision and tables; changes nothing."""
    return _within(_existing(url), _check)


def current(url: str) -> str | None:
    """The database's revision; None before the first upgrade."""
    return _within(_existing(url), revision_of)


def _existing(url: str) -> URL:
    where = address(url)
    file = file_of(where)
    if file is not None and not file.exists():
        raise DatabaseError(f"There is no database at {file} yet. Run `studyhall db upgrade`.")
    return where


def _upgrade(connection: Connection, place: str, progress: Callable[[str], None]) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
    revision = revision_of(connection)
    refuse_newer(revision, place)
    if revision == revisions()[0]:
        return
    config = settings()
    config.attributes["connection"] = connection
    config.attributes["progress"] = progress
    command.upgrade(config, "head")
    if on_sqlite:
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if orphans:
            raise DatabaseError(
                f"The upgrade of {place} was undone: it would leave {len(orphans)} rows without the rows they belong "
                f"to, the first in the table {orphans[0][0]}. Restore a backup or report this."
            )


def _check(connection: Connection) -> Check:
    context = MigrationContext.configure(connection)
    found = compare_metadata(context, Workspace.metadata)
    return Check(context.get_current_revision(), revisions()[0], tuple(map(_words, found)))


def _words(difference: Any) -> str:
    """One of Alembic's differences: what is to be done, and the names of what it is to be done to."""
    if isinstance(difference, list):  # changes of one column come together
        return "; ".join(map(_words, difference))
    what, *things = difference
    named = [str(getattr(thing, "name", thing)) for thing in things if isinstance(thing, str) or hasattr(thing, "name")]
    return f"{what.replace('_', ' ')}: {' '.join(named)}"


def _within(url: URL, work: Callable[[Connection], T]) -> T:
    """One transaction around `work`, in an event loop of its own: asyncpg is the only PostgreSQL driver here."""

    async def run() -> T:
        if file_of(url) is None:
            engine = create_async_engine(url, connect_args={"timeout": CONNECT_S})
        else:
            engine = create_async_engine(url, connect_args={"isolation_level": None, "timeout": BUSY_MS / 1000})
            # Rebuilding a parent table would delete its children; the check at the end makes up for the laxness.
            settle(engine, "BEGIN IMMEDIATE", ("foreign_keys=OFF", "journal_mode=WAL"))
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    with connecting(url):
        return asyncio.run(run())
