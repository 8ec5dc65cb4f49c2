"""PostgreSQL: one pool for reading, one for writing, so that waiting readers can't use up the writers' connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.errors import connection_errors, statement_errors

CONNECT_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 60
READERS = 8
WRITERS = 8
IDLE_S = 5
"""Seconds after which a connection is tested before it is used again."""

APPLICATION_NAME = "studyhall"
"""What the server calls the connections of a running program."""

T = TypeVar("T")


class PostgresqlDatabase:
    def __init__(self, url: URL, idle_s: float = IDLE_S) -> None:
        self._url = url
        self._reader = _engine(url, READERS, execution_options={"postgresql_readonly": True})
        self._writer = _engine(url, WRITERS)
        for engine in (self._reader, self._writer):
            _test_idle_connections(engine, idle_s)

    async def connect(self) -> None:
        """Connect with both pools once. Raises DatabaseError."""
        with connection_errors(self._url):
            for engine in (self._writer, self._reader):
                await (await engine.connect()).close()

    async def query(self, work: Callable[[Connection], T]) -> T:
        with connection_errors(self._url):
            connection = await self._reader.connect()
        async with aclosing(connection):
            with statement_errors(self._url):
                return await connection.run_sync(work)

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        with connection_errors(self._url):
            connection = await self._writer.connect()
        async with aclosing(connection):
            with statement_errors(self._url):
                async with connection.begin():
                    return await connection.run_sync(work)

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


def snapshot(url: URL, work: Callable[[Connection], T]) -> T:
    """Run `work` in a transaction that only reads, and sees one moment of the database. Blocks."""
    return migrate(url, work, isolation_level="REPEATABLE READ", postgresql_readonly=True)


def migrate(url: URL, work: Callable[[Connection], T], **options: Any) -> T:
    """Run `work` in one transaction, in its own event loop, because asyncpg is only asynchronous. Blocks.

    The connection has no application name, unlike those of a running program. `options` are SQLAlchemy's.
    """

    async def run() -> T:
        engine = create_async_engine(url, connect_args={"timeout": CONNECT_TIMEOUT_S}, execution_options=options)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _engine(url: URL, size: int, **options: Any) -> AsyncEngine:
    arguments = {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": COMMAND_TIMEOUT_S,
        "server_settings": {"application_name": APPLICATION_NAME},
    }
    return create_async_engine(url, pool_size=size, connect_args=arguments, **options)


def _test_idle_connections(engine: AsyncEngine, idle_s: float) -> None:
    """Only test a connection after `idle_s` seconds without use; the pool's own `pool_pre_ping` always tests it.

    That costs three round trips each time. If the server goes down, it closes its connections, which we notice anyway.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def returned(_connection: object, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: Any, _proxy: object) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("closed by the server")  # the pool then makes a new one
        if time.monotonic() - record.info.get("since", time.monotonic()) > idle_s:
            try:
                engine.dialect.do_ping(connection)
            except Exception as problem:
                raise DisconnectionError("doesn't answer") from problem
