"""The way in over HTTP: Starlette under uvicorn, behind any proxy."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import uvicorn
from slack_bolt.adapter.starlette.async_handler import (
    to_async_bolt_request,
    to_starlette_response,
)
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import SetupError
from bot.platforms.slack.oauth import INSTALL, REDIRECT

EVENTS = "/slack/events"
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than proxies keep theirs, or one would send on a closed one."""
LARGEST = 1_000_000
"""Bytes of a request; Slack's own are far smaller."""

STAMP = re.compile(r"[0-9]{1,12}")

Ready = Callable[[], Awaitable[str]]
"""What stands in the way of answering, in words; empty where nothing does."""


def web_app(bolt: AsyncApp, ready: Ready, flow: AsyncOAuthFlow | None = None) -> Starlette:
    """The routes. `/healthz` says that the program runs, `/readyz` that it can answer."""

    async def events(request: Request) -> Response:
        if not _may_be_signed(request):
            return PlainTextResponse("not signed by Slack\n", 401)
        if (body := await _body(request)) is None:
            return PlainTextResponse("too large\n", 413)
        if (asked := _understood(request, body)) is None:
            return PlainTextResponse("not understood\n", 400)
        return to_starlette_response(await bolt.async_dispatch(asked))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        lack = await ready()
        return PlainTextResponse(f"{lack or 'ok'}\n", 503 if lack else 200)

    async def install(request: Request) -> Response:
        assert flow is not None  # noqa: S101
        return to_starlette_response(await flow.handle_installation(to_async_bolt_request(request, b"")))

    async def redirect(request: Request) -> Response:
        assert flow is not None  # noqa: S101
        return to_starlette_response(await flow.handle_callback(to_async_bolt_request(request, b"")))

    routes = [Route(EVENTS, events, methods=["POST"]), Route("/healthz", healthz), Route("/readyz", readyz)]
    if flow is not None:
        routes += [Route(INSTALL, install), Route(REDIRECT, redirect)]
    return Starlette(routes=routes)


def _may_be_signed(request: Request) -> bool:
    """Whether the signature looks like one: Bolt checks it, and fails at what does not."""
    stamp, signature = (request.headers.get(f"x-slack-{name}", "0") for name in ("request-timestamp", "signature"))
    return STAMP.fullmatch(stamp) is not None and signature.isascii()


async def _body(request: Request) -> bytes | None:
    """None where it is too large, whatever its headers say."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _understood(request: Request, body: bytes) -> AsyncBoltRequest | None:
    """None for what is no text, or no JSON where JSON belongs."""
    try:
        asked = to_async_bolt_request(request, body)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return asked if isinstance(asked.body, dict) else None


class _Server(uvicorn.Server):
    """One of several things in a program, which has its own way with signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Starlette, host: str, port: int, grace: float) -> AsyncIterator[str]:
    """Listening for as long as it is open; gives the address. At the end, requests in hand have `grace` seconds.

    `port` 0 takes any that is free. Raises SetupError where it cannot listen there.
    """
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as problem:
        raise SetupError(
            f"Cannot listen at {host}, port {port}: {problem.strerror}. Take another with --port."
        ) from None
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(grace),
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise SetupError(f"Cannot listen at {host}, port {port}.")
            await asyncio.sleep(0.01)
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
