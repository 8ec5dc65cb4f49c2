"""The web application over a real socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.app import App
from bot.web.app import web_app
from bot.web.server import ListenError, served
from tests.databases import PostgresqlDatabases
from tests.web.conftest import opened


@asynccontextmanager
async def asked(app: App, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        served(web_app(app), "127.0.0.1", 0) as address,
        aiohttp.ClientSession() as web,
        web.get(address + path) as answer,
    ):
        yield answer


async def test_it_is_healthy_as_soon_as_it_listens(fresh: App) -> None:
    async with asked(fresh, "/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_it_is_ready_at_once_and_says_what_is_still_loading(fresh: App) -> None:
    async with asked(fresh, "/readyz") as answer:
        assert (answer.status, await answer.text()) == (200, "ok, except search by meaning: the model is loading\n")

    await fresh.study.library.wait_ready()
    async with asked(fresh, "/readyz") as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_it_is_not_ready_without_its_database(postgresql: PostgresqlDatabases, tmp_path: Path) -> None:
    async with opened(postgresql.with_tables(), tmp_path) as app:
        with postgresql.down():
            async with asked(app, "/readyz") as answer:
                assert answer.status == 503
                assert "database" in await answer.text()


async def test_other_paths_are_not_found(fresh: App) -> None:
    async with asked(fresh, "/") as answer:
        assert answer.status == 404


async def test_a_port_in_use_is_reported(fresh: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ListenError, match=rf"Can't listen on 127\.0\.0\.1, port {port}: .* Choose another one in \[web\]"
        ):
            await served(web_app(fresh), "127.0.0.1", port).__aenter__()
