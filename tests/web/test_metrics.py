"""The page of metrics: what's on it, what never is, and who can read it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import Connection, insert

from bot.app import App
from bot.config.loader import Config
from bot.context.identity import Actor, Location
from bot.delivery import queue
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.models import Delivery, DeliveryKind, DeliveryState, Workspace
from bot.web.app import web_app
from bot.web.metrics import PATH, event_loop_measured, metrics_app
from bot.web.server import ListenError, served
from tests.databases import PostgresqlDatabases
from tests.delivery.test_worker import Nowhere
from tests.readings import Moved, Readings, parsed
from tests.web.conftest import opened


@asynccontextmanager
async def asked(app: App) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        served(metrics_app(app), "127.0.0.1", 0) as address,
        aiohttp.ClientSession() as web,
        web.get(address + PATH) as answer,
    ):
        yield answer


async def scraped(app: App) -> Readings:
    async with asked(app) as answer:
        assert answer.status == 200
        return parsed(await answer.text())


def value(readings: Readings, name: str, **labels: str) -> float | None:
    return readings.get((f"studyhall_{name}", frozenset(labels.items())))


def fill(connection: Connection, now: datetime) -> None:
    """Enqueue notes: two available, one of which is a lease that expired; one for later; one being sent; one done."""
    workspaces = [
        Workspace(id=number, platform=platform, external_id="W", name="W", created_at=now)
        for number, platform in enumerate(("here", "elsewhere"), 1)
    ]
    connection.execute(insert(tables.workspaces), [workspace.columns() for workspace in workspaces])
    due, sending, done = DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.DONE
    states = [(1, due, -90), (1, sending, -5), (1, due, 60), (1, sending, 30), (1, done, -300), (2, due, -400)]
    notes = [
        Delivery(
            kind=DeliveryKind.NOTE,
            workspace_id=workspace,
            state=state,
            due_at=now,
            available_at=now + timedelta(seconds=seconds),
        )
        for workspace, state, seconds in states
    ]
    queue.add(connection, notes)


async def test_prometheus_can_read_the_page(fresh: App) -> None:
    async with asked(fresh) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        page = parsed(await answer.text())

    assert value(page, "build_info", version=metadata.version("studyhall")) == 1
    assert value(page, "database_up") == 1
    assert value(page, "queue_oldest_available_seconds", kind="daily") == 0
    assert {dict(labels)["kind"] for name, labels in page if name == "studyhall_queue_deliveries"} == set(DeliveryKind)


@pytest.mark.both_databases
async def test_the_queue_of_this_process_is_counted_by_kind_and_state(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, tmp_path) as app:
        app.attach("here", Nowhere())
        await app.study.store.transaction(fill, datetime.now(UTC))
        page = await scraped(app)

    counts = {place: value(page, "queue_deliveries", kind="note", state=place) for place in queue.PLACES}
    assert counts == {"available": 2, "sending": 1, "later": 1}
    assert 90 <= (value(page, "queue_oldest_available_seconds", kind="note") or 0) < 400


async def test_a_database_that_fails_costs_only_the_queue(postgresql: PostgresqlDatabases, tmp_path: Path) -> None:
    async with opened(postgresql.with_tables(), tmp_path) as app:
        with postgresql.down():
            page = await scraped(app)

    assert value(page, "database_up") == 0
    assert "studyhall_queue_deliveries" not in {name for name, _ in page}
    assert "studyhall_database_seconds_count" in {name for name, _ in page}


async def test_reading_and_writing_are_timed_apart(fresh: App) -> None:
    moved = Moved()

    await fresh.study.store.query(lambda _: None)
    for _ in range(2):
        await fresh.study.store.transaction(lambda _: None)

    assert moved("database_seconds_count", operation="query") == 1
    assert moved("database_seconds_count", operation="transaction") == 2


async def test_the_event_loop_is_measured_only_meanwhile(fresh: App) -> None:
    moved = Moved()
    async with event_loop_measured(interval=0):
        for _ in range(10):
            await asyncio.sleep(0)
    measured = moved("event_loop_lag_seconds_count")
    assert measured > 1

    for _ in range(10):
        await asyncio.sleep(0)
    assert moved("event_loop_lag_seconds_count") == measured


@pytest.mark.parametrize("line", ["streak", "ask mark-in-a-line", "mark-in-a-line", "question mark-in-a-line"])
async def test_nothing_says_who_asks_what_where(fresh: App, line: str) -> None:
    location = Location("slack", "mark-of-workspace", "mark-of-channel", "Mark's workspace", "mark-channel")
    request = Request(location, Actor("mark-of-member", "Mark"), "mark-of-request", datetime.now(UTC), line)
    moved = Moved()
    assert [reply async for reply in fresh.handle(request)]

    assert moved("answer_seconds_count", platform="slack") == 1
    async with asked(fresh) as answer:
        assert "mark" not in (await answer.text()).lower()


async def test_the_web_application_does_not_serve_it(fresh: App) -> None:
    async with (
        served(web_app(fresh), "127.0.0.1", 0) as address,
        aiohttp.ClientSession() as web,
        web.get(address + PATH) as answer,
    ):
        assert answer.status == 404


def test_only_this_machine_can_read_it_unless_configured() -> None:
    assert Config().metrics.host == "127.0.0.1"


async def test_a_port_in_use_is_reported_with_its_setting(fresh: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"port {port}: .* Choose another one in \[metrics\]\."):
            await served(metrics_app(fresh), "127.0.0.1", port, setting="[metrics]").__aenter__()
