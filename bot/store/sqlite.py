"""SQLite: one connection for reading and one for writing, both used on the event loop.

Handing a statement to another thread and back takes more CPU than SQLite takes to answer it. We only wait for another
program's lock, and the event loop keeps running meanwhile. SQLite has one writer at a time, so a transaction takes the
lock when it begins: one that began by reading could fail, or overwrite what others wrote in between.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.store.errors import connection_errors, statement_errors

BUSY_TIMEOUT_MS = 5_000
"""How long to wait for another program's lock."""
BUSY_RETRY_S = 0.01
TURN_TIMEOUT_S = 30
"""How long a transaction waits for the ones before it."""
READER_PRAGMAS = ("foreign_keys=ON", "query_only=ON")
WRITER_PRAGMAS = ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL")
MIGRATION_PRAGMAS = ("foreign_keys=OFF", "journal_mode=WAL")
"""Rebuilding a parent table would delete its children, so a migration checks its foreign keys at the end instead."""
FILLING_PRAGMAS = ("foreign_keys=OFF", "journal_mode=DELETE", "synchronous=OFF")

T = TypeVar("T")


class SqliteDatabase:
    def __init__(self, url: URL, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self._url = url
        self._busy_timeout_ms = busy_timeout_ms
        self._reader = _engine(url, READER_PRAGMAS)
        self._writer = _engine(url, WRITER_PRAGMAS)
        self._turn = asyncio.Lock()

        @event.listens_for(self._reader, "begin")
        def begin(connection: Connection) -> None:
            driver(connection).execute("BEGIN")  # so that all of a query sees one moment of the database

    async def connect(self) -> None:
        """Open both connections. Raises DatabaseError."""
        with connection_errors(self._url):
            # The writer first: it switches to the write-ahead log, without which readers would wait for writers.
            for engine in (self._writer, self._reader):
                engine.connect().close()

    async def query(self, work: Callable[[Connection], T]) -> T:
        await asyncio.sleep(0)  # nothing else here waits, and a row of queries would keep everybody else from running
        with connection_errors(self._url):
            connection = self._reader.connect()
        with connection, statement_errors(self._url):
            return work(connection)

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        await asyncio.sleep(0)
        async with self._in_turn():
            with connection_errors(self._url):
                connection = self._writer.connect()
            with connection, statement_errors(self._url):
                await self._begin(driver(connection))
                with connection.begin():
                    return work(connection)

    async def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    async def _begin(self, driver: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout_ms / 1000
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(BUSY_RETRY_S)
            else:
                return

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """Let this program's transactions begin in the order they arrived."""
        with statement_errors(self._url):
            try:
                # `wait_for` can lose a cancellation that comes as the turn does.
                async with asyncio.timeout(TURN_TIMEOUT_S):
                    await self._turn.acquire()
            except TimeoutError:
                raise PoolTimeout from None
        try:
            yield
        finally:
            self._turn.release()


def migrate(url: URL, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction that ignores foreign keys. Blocks, also while another program holds the lock."""
    return _in_transaction(url, work, MIGRATION_PRAGMAS, "BEGIN IMMEDIATE")


def fill(url: URL, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction on a file that nobody else knows yet, and that's worthless unless it succeeds."""
    return _in_transaction(url, work, FILLING_PRAGMAS, "BEGIN")


def read(url: URL, work: Callable[[Connection], T]) -> T:
    """Run `work`, which must not write, on one moment of the database. Blocks."""
    return _in_transaction(url, work, READER_PRAGMAS, "BEGIN")


def _in_transaction(url: URL, work: Callable[[Connection], T], pragmas: tuple[str, ...], begin: str) -> T:
    engine = _engine(url, pragmas, busy_timeout_ms=BUSY_TIMEOUT_MS)
    try:
        with engine.connect() as connection:
            driver(connection).execute(begin)
            with connection.begin():
                return work(connection)
    finally:
        engine.dispose()


def last_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the last id given in each table with AUTOINCREMENT, also if its row was deleted since."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return {}
    return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def reserve_ids(connection: sqlite3.Connection, given: Mapping[str, int]) -> None:
    """Let the next ids of tables follow those."""
    known = last_ids(connection)
    for name, last in given.items():
        if name not in known:
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, last))
        elif last > known[name]:
            connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, name))


def url_of(file: Path) -> URL:
    return URL.create("sqlite", database=str(file))


def _engine(url: URL, pragmas: tuple[str, ...], *, busy_timeout_ms: int = 0) -> Engine:
    # Without an isolation level the driver leaves BEGIN to us; its own comes late and takes too weak a lock.
    arguments = {"isolation_level": None, "timeout": busy_timeout_ms / 1000}
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            _set_pragma(connection, pragma)

    return engine


def _set_pragma(connection: sqlite3.Connection, pragma: str) -> None:
    """Set the pragma, and retry while another program sets it: SQLite doesn't wait when the journal mode changes."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}").close()
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_RETRY_S)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith("SQLITE_BUSY")


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection, which runs a BEGIN in a fraction of the time SQLAlchemy takes for it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101
    return driver
