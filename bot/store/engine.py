"""`Store`: one program's database, SQLite or PostgreSQL, and the two ways to use it.

`query` reads and `transaction` writes. Both call a plain function with a SQLAlchemy connection, so nothing can wait for
a platform, a model or another transaction while one is open, and no write is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot import metrics
from bot.store.files import refuse_missing, refuse_unwritable
from bot.store.postgresql import PostgresqlDatabase
from bot.store.revision import refuse_unless_current, revision_of
from bot.store.sqlite import BUSY_TIMEOUT_MS, SqliteDatabase
from bot.store.urls import display_name, file_of, parse_url

P = ParamSpec("P")
T = TypeVar("T")

_QUERY_TIME, _TRANSACTION_TIME = (metrics.DATABASE_TIME.labels(kind) for kind in ("query", "transaction"))


class Store:
    def __init__(self, url: URL, database: SqliteDatabase | PostgresqlDatabase) -> None:
        self._url = url
        self._database = database

    @classmethod
    async def open(cls, url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Store:
        """Connect to a database. `busy_timeout_ms` is how long SQLite waits for another program's lock.

        Raises DatabaseError if that fails, and for a SQLite file that doesn't exist or that something happened to.
        """
        parsed = parse_url(url)
        file = file_of(parsed)
        if file is not None:
            refuse_missing(file)
            refuse_unwritable(file)
        database = SqliteDatabase(parsed, busy_timeout_ms) if file is not None else PostgresqlDatabase(parsed)
        store = cls(parsed, database)
        try:
            await database.connect()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def name(self) -> str:
        """Where the database is, without user and password, so it can be shown."""
        return display_name(self._url)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return "postgresql" if file_of(self._url) is None else "sqlite"

    async def query(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` reads. On SQLite it sees a snapshot of the database. It must not write.

        On SQLite it runs on the event loop, so it should only read what an index finds. Raises DatabaseError.
        """
        started = time.perf_counter()
        try:
            return await self._database.query(_bound(work, *args, **kwargs))
        finally:
            _QUERY_TIME.observe(time.perf_counter() - started)

    async def transaction(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns, once everything it wrote is committed; if it raises, nothing is saved.

        On SQLite it runs on the event loop, one transaction at a time. Raises DatabaseError.
        """
        started = time.perf_counter()
        try:
            return await self._database.transaction(_bound(work, *args, **kwargs))
        finally:
            _TRANSACTION_TIME.observe(time.perf_counter() - started)

    async def ready(self) -> None:
        """Raise DatabaseError unless the tables are the ones this program knows."""
        refuse_unless_current(await self.query(revision_of), self.name)

    async def close(self) -> None:
        await self._database.close()


def _bound(
    work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> Callable[[Connection], T]:
    return lambda connection: work(connection, *args, **kwargs)
