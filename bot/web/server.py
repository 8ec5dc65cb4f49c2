"""Serving the web application with uvicorn, behind any proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

from bot.errors import SetupError

GRACE = 10
"""Seconds that requests in hand are given at the end."""
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than proxies keep theirs, or one would send on a closed one."""


class CannotListen(SetupError):
    """The address is taken, or not ours to have."""


class _Server(uvicorn.Server):
    """One of several things in a program, which has its own way with signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Starlette, host: str, port: int) -> AsyncIterator[str]:
    """Listen for as long as it is open; gives the address. `port` 0 takes any that is free. Raises CannotListen."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as problem:
        raise CannotListen(
            f"Cannot listen at {host}, port {port}: {problem.strerror}. Set another in [web], or with --port."
        ) from None
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise CannotListen(f"Cannot listen at {host}, port {port}.")
            await asyncio.sleep(0.01)
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
