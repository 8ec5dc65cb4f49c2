"""`Store`: sessions on SQLite or PostgreSQL that lose no write and never wait for themselves.

SQLite has one writer at a time, by BEGIN IMMEDIATE, and a pool that only reads: transactions that begin by reading and
then write fail or overwrite each other when there are several. PostgreSQL has two pools for another
reason: a reader that waits for a writer cannot use up the writer's connections.

Most of what a request takes is the way to the database and back, so the ways are few: on SQLite a statement goes to a
thread once, and a whole `look` or `change` too; a connection to a server is asked whether it still lives only after it
has been idle.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn
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
TURN_S = 30
"""Seconds after which a writer that waits for the others gives up."""
IDLE_S = 5
"""Seconds after which a connection to a server is asked whether it still lives before it is used."""

T = TypeVar("T")


@dataclass
class _Open:
    """A session that is open in this task or in one that started it."""

    store: Store
    ended: bool = False


@dataclass(frozen=True)
class _Straight:
    """How `look` and `change` get at the database: by the pools of a server, by threads of their own to a file."""

    reader: Engine
    writer: Engine
    threads: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], T]) -> T:
        if self.threads is None:
            return await greenlet_spawn(work)
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def close(self) -> None:
        if self.threads is not None:  # else the pools are those of the sessions, and closed with them
            for engine in (self.reader, self.writer):
                await self.run(engine.dispose)
            self.threads.shutdown(wait=False)


_open: ContextVar[_Open | None] = ContextVar("open session", default=None)


class Store:
    """The database of one program. Only one session may be open in a task at a time: pass it along."""

    def __init__(self, url: URL, reader: AsyncEngine, writer: AsyncEngine, straight: _Straight) -> None:
        self._url = url
        self._reader = reader
        self._writer = writer
        self._straight = straight
        self._turn = asyncio.Lock()

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

    async def look(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds by the connection it is given, reading as in `read`: for what is asked all the time, since
        it takes a fraction of a session. It runs in another thread on SQLite, so it may touch nothing but its own.
        """

        def looking() -> T:
            with connecting(self._url):
                connection = self._straight.reader.connect()
            with connection, using(self._url):
                return work(connection)

        with self._alone():
            return await self._straight.run(looking)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end and rolls back on any error. On SQLite writers come one at a time."""
        async with self._session(self._writer) as session:
            yield session
            with using(self._url):
                await session.commit()

    async def change(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives back, its changes committed as by `write`; else as `look`."""

        def changing() -> T:
            with connecting(self._url):
                connection = self._straight.writer.connect()
            with connection, using(self._url):
                done = work(connection)
                connection.commit()
                return done

        with self._alone():
            async with self._in_turn():
                return await self._straight.run(changing)

    async def ready(self) -> None:
        """Raises DatabaseError unless the tables are those this program knows."""
        with connecting(self._url):
            async with self._reader.connect() as connection:
                revision = await connection.run_sync(revision_of)
        refuse_unless_current(revision, place(self._url))

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()
        await self._straight.close()

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        with self._alone():
            turn = self._in_turn() if engine is self._writer else nullcontext()
            async with turn, AsyncSession(engine, expire_on_commit=False) as session:
                with connecting(self._url):
                    await session.connection()
                with using(self._url):
                    yield session

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """Alone among those who write to a file: they would not wait for each other in the order in which they came."""
        if self.dialect == "postgresql":
            yield
            return
        with using(self._url):
            try:
                await asyncio.wait_for(self._turn.acquire(), TURN_S)
            except TimeoutError:
                raise PoolTimeout from None
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        around = _open.get()
        if around is not None and around.store is self and not around.ended:
            raise RuntimeError("a session is open here already, and a second one could wait for it for ever")
        mine = _Open(self)
        _open.set(mine)
        try:
            yield
        finally:
            mine.ended = True
            _open.set(around)


def _sqlite(url: URL, busy_ms: int) -> tuple[AsyncEngine, AsyncEngine, _Straight]:
    # Without an isolation level the driver leaves BEGIN to us; else it would begin late, with a lock too weak. What is
    # made in one thread may be used in another, but never in both at once.
    arguments = {"isolation_level": None, "timeout": busy_ms / 1000, "check_same_thread": False}
    driver = _Driver()
    reader = create_async_engine(url, module=driver, pool_size=READERS, max_overflow=0, connect_args=arguments)
    writer = create_async_engine(url, module=driver, pool_size=1, max_overflow=0, connect_args=arguments)
    plain = url.set(drivername="sqlite")
    straight = _Straight(
        create_engine(plain, pool_size=READERS, max_overflow=0, connect_args=arguments),
        create_engine(plain, pool_size=1, max_overflow=0, connect_args=arguments),
        ThreadPoolExecutor(READERS + 1, thread_name_prefix="store"),
    )
    for engine in (reader, straight.reader):
        settle(engine, "BEGIN", (f"busy_timeout={busy_ms}", "foreign_keys=ON", "query_only=ON"))
    for engine in (writer, straight.writer):
        settle(
            engine,
            "BEGIN IMMEDIATE",
            (f"busy_timeout={busy_ms}", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"),
        )
    return reader, writer, straight


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


def _postgresql(url: URL) -> tuple[AsyncEngine, AsyncEngine, _Straight]:
    arguments = {
        "timeout": CONNECT_S,
        "command_timeout": COMMAND_S,
        "server_settings": {"application_name": "studyhall"},
    }
    reader = create_async_engine(
        url,
        pool_size=READERS,
        connect_args=arguments,
        execution_options={"postgresql_readonly": True},
    )
    writer = create_async_engine(url, pool_size=WRITERS, connect_args=arguments)
    for engine in (reader, writer):
        _ask_the_idle(engine)
    return reader, writer, _Straight(reader.sync_engine, writer.sync_engine)


def _ask_the_idle(engine: AsyncEngine) -> None:
    """The pool's own way asks at each use, in a transaction of its own: three ways to the server and back."""

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_connection: object, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("since", time.monotonic()) > IDLE_S:
            try:
                connection.ping()
            except Exception as gone:
                raise DisconnectionError from gone  # the pool then makes a new one


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


def settle(engine: AsyncEngine | Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Gives each SQLite connection its settings, and each transaction its way to begin."""
    engine = engine.sync_engine if isinstance(engine, AsyncEngine) else engine

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _patiently(partial(cursor.execute, f"PRAGMA {pragma}"))
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
