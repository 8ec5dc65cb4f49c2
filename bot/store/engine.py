"""`Store`: sessions on SQLite or PostgreSQL that lose no write and never wait for themselves.

SQLite has one connection that writes, by BEGIN IMMEDIATE, and a pool that only reads: transactions that begin by
reading and then write fail or overwrite each other when there are several. PostgreSQL has two pools for another
reason: a reader that waits for a writer cannot use up the writer's connections.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import DatabaseError
from bot.store.address import address, file_of, place
from bot.store.revision import refuse_unless_current, revision_of
from bot.store.trouble import connecting, using

BUSY_MS = 5_000
CONNECT_S = 10
COMMAND_S = 60
READERS = 8
WRITERS = 8


@dataclass
class _Open:
    """A session that is open in this task or in one that started it."""

    store: Store
    ended: bool = False


_open: ContextVar[_Open | None] = ContextVar("open session", default=None)


class Store:
    """The database of one program. Only one session may be open in a task at a time: pass it along."""

    def __init__(self, url: URL, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._url = url
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, *, busy_ms: int = BUSY_MS) -> Store:
        """Connects once. Raises DatabaseError when that fails or a SQLite file is not there.

        `busy_ms` is how long SQLite waits for another program's lock.
        """
        where = address(url)
        file = file_of(where)
        if file is None:
            store = cls(where, *_postgresql(where))
        elif file.exists():
            store = cls(where, *_sqlite(where, busy_ms))
        else:
            raise DatabaseError(f"There is no database at {file} yet. Run `studyhall db upgrade`.")
        try:
            with connecting(where):
                # The writer first: it is the one that turns the write-ahead log on.
                for engine in (store._writer, store._reader):
                    async with engine.connect():
                        pass
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return "sqlite" if file_of(self._url) is not None else "postgresql"

    @property
    def place(self) -> str:
        """Where the database is, in words that may be shown: without user and password."""
        return place(self._url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that cannot write. On SQLite it sees one moment of the database and holds up nobody."""
        async with self._session(self._reader) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end and rolls back on any error. On SQLite writers come one at a time."""
        async with self._session(self._writer) as session:
            yield session
            with using(self._url):
                await session.commit()

    async def ready(self) -> None:
        """Raises DatabaseError unless the tables are those this program knows."""
        with connecting(self._url):
            async with self._reader.connect() as connection:
                revision = await connection.run_sync(revision_of)
        refuse_unless_current(revision, place(self._url))

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        around = _open.get()
        if around is not None and around.store is self and not around.ended:
            raise RuntimeError("a session is open here already, and a second one could wait for it for ever")
        mine = _Open(self)
        _open.set(mine)
        try:
            async with AsyncSession(engine, expire_on_commit=False) as session:
                with connecting(self._url):
                    await session.connection()
                with using(self._url):
                    yield session
        finally:
            mine.ended = True
            _open.set(around)


def _sqlite(url: URL, busy_ms: int) -> tuple[AsyncEngine, AsyncEngine]:
    # Without an isolation level the driver leaves BEGIN to us; else it would begin late, with a lock too weak.
    arguments = {"isolation_level": None, "timeout": busy_ms / 1000}
    reader = create_async_engine(url, pool_size=READERS, max_overflow=0, connect_args=arguments)
    writer = create_async_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    for engine, begin, pragmas in (
        (reader, "BEGIN", ("query_only=ON",)),
        (writer, "BEGIN IMMEDIATE", ("journal_mode=WAL", "synchronous=NORMAL")),
    ):
        settle(engine, begin, (f"busy_timeout={busy_ms}", "foreign_keys=ON", *pragmas))
    return reader, writer


def _postgresql(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    arguments = {
        "timeout": CONNECT_S,
        "command_timeout": COMMAND_S,
        "server_settings": {"application_name": "studyhall"},
    }
    reader = create_async_engine(
        url,
        pool_size=READERS,
        pool_pre_ping=True,
        connect_args=arguments,
        execution_options={"postgresql_readonly": True},
    )
    writer = create_async_engine(url, pool_size=WRITERS, pool_pre_ping=True, connect_args=arguments)
    return reader, writer


def _patiently(step: Callable[[], object]) -> None:
    """Two programs that turn the write-ahead log on at once fail without SQLite's own waiting: this waits instead."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            step()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def settle(engine: AsyncEngine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Gives each SQLite connection its settings, and each transaction its way to begin."""

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _patiently(partial(cursor.execute, f"PRAGMA {pragma}"))
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
