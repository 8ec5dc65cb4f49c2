"""SQLite for the store: how its connections begin and wait, and a driver that goes fewer ways.

Sessions have a thread for each connection, as aiosqlite does it. What is quick runs where it is called, without one:
handing a statement to another thread and back takes more CPU than SQLite takes to answer it. Nothing waits there for
another program's lock but by letting everybody else go on meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

BUSY_MS = 5_000
"""How long another program's lock is waited for."""
A_MOMENT = 0.01
"""Seconds until a lock is tried again."""
READERS = 8
READS = ("foreign_keys=ON", "query_only=ON")
WRITES = ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL")


def sessions(url: URL, busy_ms: int) -> tuple[AsyncEngine, AsyncEngine]:
    """Readers, which cannot write; and the one writer, which has the lock from its beginning on."""
    # Without an isolation level the driver leaves BEGIN to us; else it would begin late, with a lock too weak.
    arguments = {"isolation_level": None, "timeout": busy_ms / 1000}
    driver = _Driver()
    reader = create_async_engine(url, module=driver, pool_size=READERS, max_overflow=0, connect_args=arguments)
    writer = create_async_engine(url, module=driver, pool_size=1, max_overflow=0, connect_args=arguments)
    settle(reader, "BEGIN", READS)
    settle(writer, "BEGIN IMMEDIATE", WRITES)
    return reader, writer


def quick(url: URL, busy_ms: int) -> tuple[Engine, Engine]:
    """The same for what is called without a session, within a greenlet of SQLAlchemy's."""
    url = url.set(drivername="sqlite")
    arguments = {"isolation_level": None, "timeout": 0}
    reader = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    writer = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    prepare(reader, READS)
    prepare(writer, WRITES)

    @event.listens_for(reader, "begin")
    def reading(connection: Connection) -> None:
        _driver(connection).execute("BEGIN")

    @event.listens_for(writer, "begin")
    def writing(connection: Connection) -> None:
        begin = partial(_driver(connection).execute, "BEGIN IMMEDIATE")
        patiently(begin, busy_ms, wait=lambda: await_only(asyncio.sleep(A_MOMENT)))

    return reader, writer


def settle(engine: AsyncEngine | Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Gives each connection its settings, and each transaction its way to begin."""
    prepare(engine, pragmas)

    @event.listens_for(_sync(engine), "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def prepare(engine: AsyncEngine | Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(_sync(engine), "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            # Two programs that turn the write-ahead log on at once fail without SQLite's own waiting.
            patiently(partial(cursor.execute, f"PRAGMA {pragma}"), BUSY_MS, wait=partial(time.sleep, A_MOMENT))
        cursor.close()


def patiently(step: Callable[[], object], busy_ms: int, wait: Callable[[], object]) -> None:
    """Do it again for as long as another program has the database locked."""
    until = time.monotonic() + busy_ms / 1000
    while True:
        try:
            step()
        except (sqlite3.OperationalError, OperationalError) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            if not getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
            wait()
        else:
            return


def _driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own: a statement by SQLAlchemy takes longer than BEGIN."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101
    return driver


def _sync(engine: AsyncEngine | Engine) -> Engine:
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """Runs a statement and fetches its rows in one turn of the connection's thread, where the driver's takes four."""

    __slots__ = ()
    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:
        return connection._conn.cursor()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        self._rows = await self._connection._execute(_rows, self._cursor, operation, parameters or ())

    async def _executemany_async(self, operation: Any, parameters: Any) -> None:
        await self._connection._execute(self._cursor.executemany, operation, parameters)


def _rows(cursor: sqlite3.Cursor, statement: str, parameters: Any) -> deque[Any]:
    return deque(cursor.execute(statement, parameters).fetchall())


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arguments: Any, **named: Any) -> _Connection:
        return _Connection(self, super().connect(*arguments, **named)._connection)
