"""A fake Slack with one workspace, the real app that hears it over HTTP, and two of its members.

The app has the fake's time, so that a test moves both. Over HTTP a request has the real one, since its signature does;
over Socket Mode everything has the fake's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import App, Installations, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.encryption import Vault, new_key
from bot.inference.client import Inference
from bot.platforms.slack.app import Keys, slack
from bot.platforms.slack.server import EVENTS
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
    """Forward to the next time that it is this late."""
    hour, minute = map(int, moment.split(":"))
    then = present(fake).replace(hour=hour, minute=minute, second=0, microsecond=0)
    fake.clock.forward(((then - present(fake)) % timedelta(days=1)).total_seconds())


def monday(fake: Slack, moment: str = "09:00") -> None:
    """Forward to the next Monday at that time."""
    until(fake, moment)
    fake.clock.forward(timedelta(days=-present(fake).weekday() % 7).total_seconds())


async def turn(app: App) -> None:
    """Run the scheduler once."""
    await Scheduler(app.study, seconds=5).run_once()


@asynccontextmanager
async def opened(
    fake: Slack, url: str, library: Library, *, busy_ms: int = sqlite.BUSY_MS, inference: Inference | None = None
) -> AsyncIterator[App]:
    """An app of its own on a database, by the fake's time."""
    store = await Store.open(url, busy_ms=busy_ms)
    study = Study(store, library, clock=lambda: present(fake), inference=inference)
    try:
        installations = Installations(store, Vault(KEY), study.clock)
        yield App(registry(), study, TerminalPosts(store), slack_installations=installations)
    finally:
        await store.close()


@asynccontextmanager
async def over_http(app: App, keys: Keys, fake: Slack) -> AsyncIterator[str]:
    """The app behind a web server of its own; gives where Slack sends its requests."""
    async with slack(app, keys, api=fake.api) as routes, served(web_app(app, routes), "127.0.0.1", 0) as address:
        yield f"{address}{EVENTS}"


@asynccontextmanager
async def by_socket(fake: Slack, team: Team, app: App) -> AsyncIterator[None]:
    """The app in this one workspace, connected over Socket Mode; the newest connection is told everything."""
    connections = fake.sockets.opened + 1
    async with slack(app, Keys(bot_token=team.token, app_token=fake.app_token), api=fake.api):
        await fake.sockets.connected(connections)
        yield


@pytest.fixture
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[Slack]:
    """Time passes slowly in its tests, but for those that wait for a limit to be met (marked `real_time`)."""
    waits = request.node.get_closest_marker("real_time") is not None
    if not waits:
        slow()
    async with Slack().listening() as there:
        if waits:
            there.patience = 60
        yield there
        assert there.violations == []


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    return SqliteDatabases(sqlite_template, tmp_path).with_tables()


@pytest.fixture
def busy_ms() -> int:
    """How long another program's lock on the database is waited for."""
    return sqlite.BUSY_MS


@pytest.fixture
async def app(fake: Slack, url: str, library: Library, model: Model, busy_ms: int) -> AsyncIterator[App]:
    await library.search("lora")  # the first search loads the model, which takes longer than Slack waits
    async with model.listening() as address:
        inference = Inference(address, model="small")
        async with opened(fake, url, library, busy_ms=busy_ms, inference=inference) as app:
            yield app
        await inference.close()


@pytest.fixture
def team(fake: Slack) -> Team:
    return fake.team("readers")


@pytest.fixture
async def program(app: App, fake: Slack, team: Team) -> AsyncIterator[AsyncExitStack]:
    """The app in this one workspace; closed early, it finishes what it has in hand."""
    keys = Keys(signing_secret=fake.signing_secret, bot_token=team.token)
    async with AsyncExitStack() as running:
        fake.point_at(await running.enter_async_context(over_http(app, keys, fake)))
        yield running


@pytest.fixture
def running(fake: Slack, program: AsyncExitStack) -> str:
    """Where the app listens."""
    return fake.app_url


@pytest.fixture
def bob(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "bob")


@pytest.fixture
def maya(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "maya", admin=True)
