"""Serve the web application with uvicorn, behind any proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial

import uvicorn
from starlette.applications import Starlette

from bot.errors import SetupError
from bot.web.protocol import LIMITS, Limits, Protocol

SHUTDOWN_TIMEOUT = 10
"""Seconds that running requests get to finish."""
KEEP_ALIVE = 75
"""Seconds to keep idle connections: longer than proxies do, or one would send on a closed connection."""


class ListenError(SetupError):
    """The address is taken, or can't be used."""


class _Server(uvicorn.Server):
    """Leave signals to the program, in which the server is one of several parts."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(
    app: Starlette, host: str, port: int, *, setting: str = "[web], or with --port", limits: Limits = LIMITS
) -> AsyncIterator[str]:
    """Serve while the block runs; yields the address. `port` 0 takes any free one.

    Raises ListenError, which says that `setting` is where to choose another one.
    """
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as problem:
        raise ListenError(
            f"Can't listen on {host}, port {port}: {problem.strerror}. Choose another one in {setting}."
        ) from None
    # Connections inherit this. asyncio sets it only on sockets made with a protocol number, and `create_server` gives
    # none. Without it, a body that follows its header waits some 40 ms for the client's acknowledgment.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        http=partial(Protocol, limits=limits),  # type: ignore[arg-type]  # uvicorn calls it
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():
            await asyncio.wait({task}, timeout=0.01)
        shown_host = f"[{host}]" if ":" in host else host
        yield f"http://{shown_host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
