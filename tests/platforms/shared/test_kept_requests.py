"""Requests that are kept until they're carried out: nobody can read them in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.kept_requests import LEASE
from bot.platforms.shared.kept_requests import KeptRequests, ResumedRequest
from bot.store import tables
from bot.store.engine import Store

PAYLOAD = {"line": "ask what is LoRA", "token": "aW50ZXJhY3Rpb24"}


@pytest.fixture
def app(store: Store, library: Library) -> App:
    return App(registry(), Study(store, library, clock=lambda: datetime.now(UTC)), TerminalPosts(store))


def later(app: App) -> App:
    """Return the app of a process whose requests' leases have expired."""
    return replace(app, study=replace(app.study, clock=lambda: datetime.now(UTC) + 2 * LEASE))


async def resumed(app: App, secret: str) -> list[ResumedRequest]:
    """Return what another process gets once the lease of the one that kept requests has expired."""
    found: list[ResumedRequest] = []

    async def resume(request: ResumedRequest) -> None:
        found.append(request)

    async with KeptRequests(later(app), "discord", secret).resuming(resume):
        return found


async def rows(app: App) -> list[str]:
    found = select(tables.kept_requests)
    return await app.study.store.query(lambda connection: [str(row) for row in connection.execute(found)])


async def test_a_request_is_readable_only_with_the_platforms_secret(app: App) -> None:
    await KeptRequests(app, "discord", "a-token").keep("r1", PAYLOAD, workspace="1", actor="2")

    [row] = await rows(app)
    assert "LoRA" not in row
    assert "aW50" not in row
    [request] = await resumed(app, "a-token")
    assert (request.id, request.payload, request.is_hopeless) == ("r1", PAYLOAD, False)


async def test_what_was_kept_under_another_secret_is_deleted(app: App) -> None:
    await KeptRequests(app, "discord", "a-token").keep("r1", PAYLOAD, workspace="1", actor="2")
    with capture_logs() as logs:
        assert await resumed(app, "a-new-token") == []

    assert [line["event"] for line in logs] == ["request not resumed"]
    assert await rows(app) == []


async def test_only_the_process_that_has_a_request_finishes_it(app: App) -> None:
    one, other = KeptRequests(app, "discord", "a-token"), KeptRequests(app, "discord", "a-token")
    await one.keep("r1", PAYLOAD, workspace="1", actor="2")
    await other.keep("r1", PAYLOAD, workspace="1", actor="2")
    await other.finish("r1")
    assert len(await rows(app)) == 1

    await one.finish("r1")
    assert await rows(app) == []
