"""The metrics, on an address of their own, and the measurement of the event loop's lag.

They have their own address instead of a path of the web application, because that's often open to the world. Behind a
proxy on the same machine, everybody comes from 127.0.0.1, so the peer's address can't tell who may read them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.app import App
from bot.metrics import CONTENT_TYPE, EVENT_LOOP_LAG

PATH = "/metrics"
LAG_INTERVAL = 1.0
"""Seconds between two measurements of the event loop's lag."""


def metrics_app(app: App) -> Starlette:
    """Build the application that serves the metrics alone."""

    async def metrics(_: Request) -> Response:
        return Response(await app.metrics(), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route(PATH, metrics)])


@asynccontextmanager
async def event_loop_measured(interval: float = LAG_INTERVAL) -> AsyncIterator[None]:
    """Measure the event loop's lag while the block runs."""
    measuring = asyncio.create_task(_measure(interval))
    try:
        yield
    finally:
        measuring.cancel()
        with suppress(asyncio.CancelledError):
            await measuring


async def _measure(interval: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        EVENT_LOOP_LAG.observe(max(0.0, loop.time() - due))
