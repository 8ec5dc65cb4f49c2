"""`Store`: sessions on SQLite or PostgreSQL that lose no write and never wait for themselves.

SQLite has one writer at a time, by BEGIN IMMEDIATE, and a pool that only reads: transactions that begin by reading and
then write fail or overwrite each other when there are several. PostgreSQL has two pools for another
reason: a reader that waits for a writer cannot use up the writer's connections.

Most of what a request takes is the way to the database and back, so the ways are few: what is asked all the time goes
without a session (`look`, `change`), on SQLite without a thread too, and a connection to a server is asked whether it
still lives only after it has been idle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import DatabaseError
from bot.store import sqlite
from bot.store.errors import connecting, using
from bot.store.revision import refuse_unless_current, revision_of
from bot.store.urls import address, file_of, place

CONNECT_S = 10
COMMAND_S = 60
READERS = 8
WRITERS = 8
TURN_S = 30
"""Seconds after which a writer that waits for the others gives up."""
IDLE_S = 5
"""Seconds after which a connection to a server is asked whether it still lives before it is used."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class _Open:
    """A session that is open in this task or in one that started it."""

    store: Store
    ended: bool = False


@dataclass(frozen=True)
class _Engines:
    """Where sessions come from, and what `look` and `change` use instead of them."""

    reader: AsyncEngine
    writer: AsyncEngine
    quick_reader: Engine
    quick_writer: Engine


_open: ContextVar[_Open | None] = ContextVar("open session", default=None)


class Store:
    """The database of one program. Only one session may be open in a task at a time: pass it along."""

    def __init__(self, url: URL, engines: _Engines) -> None:
        self._url = url
        self._engines = engines
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if file_of(url) is not None else "postgresql"
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, busy_ms: int = sqlite.BUSY_MS) -> Store:
        """Connects once. Raises DatabaseError when that fails or a SQLite file is not there.

        `busy_ms` is how long SQLite waits for another program's lock.
        """
        where = address(url)
        file = file_of(where)
        if file is None:
            store = cls(where, _postgresql(where))
        elif file.exists():
            store = cls(where, _Engines(*sqlite.sessions(where, busy_ms), *sqlite.quick(where, busy_ms)))
        else:
            raise DatabaseError(f"There is no database at {file} yet. Run `studyhall db upgrade`.")
        try:
            with connecting(where):
                # The writer first: it is the one that turns the write-ahead log on.
                for engine in (store._engines.writer, store._engines.reader):
                    async with engine.connect():
                        pass
                for quick in (store._engines.quick_writer, store._engines.quick_reader):
                    await greenlet_spawn(lambda engine=quick: engine.connect().close())
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def place(self) -> str:
        """Where the database is, in words that may be shown: without user and password."""
        return place(self._url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that cannot write. On SQLite it sees one moment of the database and holds up nobody."""
        async with self._session(self._engines.reader) as session:
            yield session

    async def look(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds by the connection it is given, reading as in `read`: for what is asked all the time and
        found by an index, since it takes a fraction of a session. On SQLite everybody waits until it is done.
        """

        def looking() -> T:
            with connecting(self._url):
                connection = self._engines.quick_reader.connect()
            with connection, using(self._url):
                return work(connection)

        with self._alone():
            return await greenlet_spawn(looking)

    async def query(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` reads by the connection it is called with, all of it from one moment of the database.

        `work` must not write. On SQLite it runs on the event loop: keep it to what an index finds.
        """
        return await self.look(lambda connection: work(connection, *args, **kwargs))

    async def transaction(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns, once everything it wrote is committed; nothing is kept where it raises."""
        return await self.change(lambda connection: work(connection, *args, **kwargs))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end and rolls back on any error. On SQLite writers come one at a time."""
        async with self._session(self._engines.writer) as session:
            yield session
            with using(self._url):
                await session.commit()

    async def change(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives back, its changes committed as by `write`; else as `look`."""

        def changing() -> T:
            with connecting(self._url):
                connection = self._engines.quick_writer.connect()
            with connection, using(self._url):
                done = work(connection)
                connection.commit()
                return done

        with self._alone():
            async with self._in_turn():
                return await greenlet_spawn(changing)

    async def ready(self) -> None:
        """Raises DatabaseError unless the tables are those this program knows."""
        with connecting(self._url):
            async with self._engines.reader.connect() as connection:
                revision = await connection.run_sync(revision_of)
        refuse_unless_current(revision, place(self._url))

    async def close(self) -> None:
        await self._engines.writer.dispose()
        await self._engines.reader.dispose()
        for engine in (self._engines.quick_writer, self._engines.quick_reader):
            await greenlet_spawn(engine.dispose)

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        with self._alone():
            turn = self._in_turn() if engine is self._engines.writer else nullcontext()
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
                async with asyncio.timeout(TURN_S):  # `wait_for` forgets a cancellation that comes as the turn does
                    await self._turn.acquire()
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


def _postgresql(url: URL) -> _Engines:
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
    return _Engines(reader, writer, reader.sync_engine, writer.sync_engine)


def _ask_the_idle(engine: AsyncEngine) -> None:
    """The pool's own way asks at each use, in a transaction of its own: three ways to the server and back.

    A server that went down said so to each connection, which is known here without asking.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_connection: object, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: Any, _proxy: object) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("closed by the server")  # the pool then makes a new one
        if time.monotonic() - record.info.get("since", time.monotonic()) > IDLE_S:
            try:
                connection.ping()
            except Exception as gone:
                raise DisconnectionError("does not answer") from gone
