"""The way in over HTTP: Starlette under uvicorn, behind any proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import uvicorn
from slack_bolt.adapter.starlette.async_handler import (
    AsyncSlackRequestHandler,
    to_async_bolt_request,
    to_starlette_response,
)
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import SetupError
from bot.platforms.slack.oauth import INSTALL, REDIRECT

EVENTS = "/slack/events"
LARGEST = 1_000_000
"""Bytes of a request; Slack's own are far smaller."""

Ready = Callable[[], Awaitable[str]]
"""What stands in the way of answering, in words; empty where nothing does."""


def web_app(bolt: AsyncApp, ready: Ready, flow: AsyncOAuthFlow | None = None) -> Starlette:
    """The routes. `/healthz` says that the program runs, `/readyz` that it can answer."""
    handler = AsyncSlackRequestHandler(bolt)

    async def events(request: Request) -> Response:
        if int(request.headers.get("content-length") or 0) > LARGEST:
            return PlainTextResponse("too large\n", 413)
        return await handler.handle(request)

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
