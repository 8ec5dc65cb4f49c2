"""What anybody can send to the web application's port, and what it costs the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from bot.app import App
from bot.web.app import web_app
from bot.web.protocol import Limits
from bot.web.server import served
from tests.clocks import HANG


@pytest.fixture
async def address(fresh: App) -> AsyncIterator[URL]:
    async with served(web_app(fresh), "127.0.0.1", 0) as address:
        yield URL(address)


async def answer(address: URL, sent: bytes) -> bytes:
    """Send bytes, and return everything that comes back until the connection is closed."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(sent)
    await writer.drain()
    try:
        async with asyncio.timeout(HANG):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def complaints(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


JUNK = {
    "no HTTP": b"hello\r\n\r\n",
    "a TLS hello": bytes.fromhex("160301020001000001fc0303") + bytes(500),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "null bytes": bytes(64) + b"\r\n\r\n",
    "huge headers": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "bad chunks": b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    "a letter that isn't ASCII": "GET /ä HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
}


@pytest.mark.parametrize("sent", JUNK.values(), ids=JUNK)
async def test_junk_is_refused_without_a_line_in_the_log(
    address: URL, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level(logging.INFO)

    said = await answer(address, sent)

    assert not said or said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert not complaints(caplog)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /%ff%00%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n", b"200"),
    ],
    ids=["bad percent encoding", "another method", "an upgrade"],
)
async def test_what_is_odd_gets_the_right_status(
    address: URL, caplog: pytest.LogCaptureFixture, sent: bytes, status: bytes
) -> None:
    caplog.set_level(logging.INFO)

    assert (await answer(address, sent)).startswith(b"HTTP/1.1 " + status)
    assert not complaints(caplog)


HALF = {
    "nothing": b"",
    "half a header": b"GET /healthz HTTP/1.1\r\nHo",
    "half a body": b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
}


IMPATIENT = Limits(headers=0.2, body=0.2)


async def read_all(request: Request) -> Response:
    await request.body()
    return Response()


@pytest.mark.parametrize("sent", HALF.values(), ids=HALF)
async def test_a_client_that_stops_sending_is_disconnected(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[Route("/slow", read_all, methods=["POST"])])
    async with served(app, "127.0.0.1", 0, limits=IMPATIENT) as address:
        assert not await answer(URL(address), sent)
    assert not complaints(caplog)


async def test_a_client_that_sends_letter_by_letter_is_disconnected(fresh: App) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with served(web_app(fresh), "127.0.0.1", 0, limits=IMPATIENT) as address:
        _, writer = await asyncio.open_connection(URL(address).host, URL(address).port)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(trickle(writer), HANG)


async def test_idle_connections_keep_nobody_out(fresh: App) -> None:
    async with served(web_app(fresh), "127.0.0.1", 0, limits=Limits(connections=20)) as address:
        host, port = URL(address).host, URL(address).port
        idle = [await asyncio.open_connection(host, port) for _ in range(30)]
        async with aiohttp.ClientSession() as web, web.get(f"{address}/healthz") as said:
            assert said.status == 200

        async with asyncio.timeout(HANG):
            for reader, _ in idle[:10]:  # those that waited longest
                with contextlib.suppress(ConnectionError):
                    await reader.read()
        assert not any(reader.at_eof() for reader, _ in idle[11:])
        for _, writer in idle:
            writer.close()
