"""A fake Slack with one workspace, the real app connected to it over HTTP, and two members.

The app has the fake's time, so a test moves both. Over HTTP a request has the real time, because its signature does; in
Socket Mode everything has the fake's time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, TableClause, func, select

from bot.app import App, Installation, Installations, TerminalPosts
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.drawing.renderer import Renderer
from bot.encryption import Vault, new_key
from bot.inference.client import Inference
from bot.platforms.slack.app import Credentials, slack
from bot.platforms.slack.manifest import EVENTS_PATH
from bot.scheduler import Scheduler
from bot.store import sqlite
from bot.store.engine import Store
from bot.web.app import web_app
from bot.web.server import served
from tests.clocks import slow
from tests.databases import SqliteDatabases
from tests.platforms.model import Model
from tests.platforms.slack.fake import Person, Slack, Team

KEY = new_key()


def present(fake: Slack) -> datetime:
    return datetime.fromtimestamp(fake.clock.now(), UTC)


def until(fake: Slack, moment: str) -> None:
    """Move the time forward to the next `moment`, as HH:MM."""
    hour, minute = map(int, moment.split(":"))
    then = present(fake).replace(hour=hour, minute=minute, second=0, microsecond=0)
    fake.clock.forward(((then - present(fake)) % timedelta(days=1)).total_seconds())


def monday(fake: Slack, moment: str = "09:00") -> None:
    """Move the time forward to the next Monday at that time."""
    until(fake, moment)
    fake.clock.forward(timedelta(days=-present(fake).weekday() % 7).total_seconds())


async def turn(app: App) -> None:
    """Run the scheduler once."""
    await Scheduler(app.study, seconds=5).run_once()


@asynccontextmanager
async def opened(
    fake: Slack,
    url: str,
    library: Library,
    *,
    busy_ms: int = sqlite.BUSY_TIMEOUT_MS,
    inference: Inference | None = None,
    renderer: Renderer | None = None,
) -> AsyncIterator[App]:
    """Open an app on a database, with the fake's time; its renderer is shared or its own."""
    store = await Store.open(url, busy_timeout_ms=busy_ms)
    study = Study(store, library, clock=lambda: present(fake), inference=inference)
    installations = Installations(store, Vault(KEY), study.clock)
    own = Renderer()
    try:
        yield App(
            registry(),
            study,
            TerminalPosts(store),
            slack_installations=installations,
            renderer=renderer or own,
        )
    finally:
        own.close()
        await store.close()


@asynccontextmanager
async def over_http(app: App, credentials: Credentials, fake: Slack) -> AsyncIterator[str]:
    """Run the app behind a web server of its own; yields where Slack sends its requests."""
    async with slack(app, credentials, api=fake.api) as routes, served(web_app(app, routes), "127.0.0.1", 0) as address:
        yield f"{address}{EVENTS_PATH}"


@asynccontextmanager
async def by_socket(fake: Slack, team: Team, app: App) -> AsyncIterator[None]:
    """Run the app for one workspace in Socket Mode; the newest connection gets everything."""
    connections = fake.sockets.opened + 1
    async with slack(app, Credentials(bot_token=team.token, app_token=fake.app_token), api=fake.api):
        await fake.sockets.connected(connections)
        yield


async def installed(fake: Slack, app: App) -> Team:
    """Make a workspace that has installed the app."""
    team = fake.team(f"team-{len(fake.teams)}")
    assert app.slack_installations is not None
    await app.slack_installations.save(
        Installation(team.id, team.name, team.me.id, team.bot_id, scopes="", installer="", token=team.token)
    )
    return team


def count_rows(connection: Connection, table: TableClause) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def all_rows(connection: Connection, table: TableClause) -> list[dict[str, Any]]:
    """Return every row of a table by column, in the order of their ids if they have any."""
    order = [table.c["id"]] if "id" in table.c else []
    return [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]


@asynccontextmanager
async def locked(url: str, table: str = "") -> AsyncIterator[None]:
    """Let another program write to the database, and not finish. On PostgreSQL it locks that one table."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")
    else:
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
        await other.close()


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slack]:
    """Open a fake Slack. The loop's time passes slowly: a test that needs a limit reached moves it on."""
    slow(monkeypatch)
    async with Slack().listening() as slack_server:
        yield slack_server
        assert slack_server.violations == []


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    return SqliteDatabases(sqlite_template, tmp_path).with_tables()


@pytest.fixture
def busy_ms() -> int:
    """How long to wait for another program's lock on the database."""
    return sqlite.BUSY_TIMEOUT_MS


@pytest.fixture
async def app(
    fake: Slack, url: str, library: Library, model: Model, *, busy_ms: int, renderer: Renderer
) -> AsyncIterator[App]:
    await library.search("lora")  # the first search loads the model, which takes longer than Slack waits
    async with model.listening() as address:
        inference = Inference(address, model="small")
        async with opened(fake, url, library, busy_ms=busy_ms, inference=inference, renderer=renderer) as app:
            yield app
        await inference.close()


@pytest.fixture
def team(fake: Slack) -> Team:
    return fake.team("readers")


@pytest.fixture
def is_greeted() -> bool:
    """Whether somebody of the one workspace was greeted before, so that opening a home only brings the home."""
    return True


@pytest.fixture
async def program(app: App, fake: Slack, team: Team, *, is_greeted: bool) -> AsyncIterator[AsyncExitStack]:
    """Run the app for one workspace. Closed early, it finishes what it's doing."""
    if is_greeted:
        await app.claim_first_greeting(Location("slack", team.id, ""))
    credentials = Credentials(signing_secret=fake.signing_secret, bot_token=team.token)
    async with AsyncExitStack() as running:
        fake.point_at(await running.enter_async_context(over_http(app, credentials, fake)))
        yield running


@pytest.fixture
def running(fake: Slack, program: AsyncExitStack) -> str:
    """Return where the app listens."""
    return fake.app_url


@pytest.fixture
def bob(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "bob")


@pytest.fixture
def maya(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "maya", admin=True)
