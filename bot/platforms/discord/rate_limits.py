"""Count how often Discord says that requests come too fast, and keep what discord.py knows about limits cheap.

discord.py repeats most refused requests by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
from discord.http import HTTPClient

from bot import metrics

TOO_MANY_REQUESTS = 429
CLEARING_INTERVAL = 60.0
"""Seconds between two looks for limits that nothing used lately."""


def counted() -> aiohttp.TraceConfig:
    """Return a trace for discord.py's session that counts the refusals."""
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(_count)
    return trace


async def _count(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, ended: aiohttp.TraceRequestEndParams
) -> None:
    if ended.response.status == TOO_MANY_REQUESTS:
        metrics.RATE_LIMITS.labels("discord", _purpose(ended.method, ended.url.path)).inc()


def _purpose(method: str, path: str) -> str:
    if "/interactions/" in path or "/webhooks/" in path:
        return "answer"
    if method == "GET":
        return "read"
    if "/messages" in path:
        return {"POST": "post", "PATCH": "edit"}.get(method, "other")
    return "other"


def clear_seldom(http: HTTPClient, clock: Callable[[], float] = time.monotonic) -> None:
    """Let discord.py look for limits to forget now and then, rather than through all of them for each new channel.

    Posting in thousands of channels at once would take a time that grows with their square.
    """
    clear = http._try_clear_expired_ratelimits  # noqa: SLF001 (there's no public way)
    next_at = clock()

    def clear_if_due() -> None:
        nonlocal next_at
        if (now := clock()) >= next_at:
            next_at = now + CLEARING_INTERVAL
            clear()

    http._try_clear_expired_ratelimits = clear_if_due  # type: ignore[method-assign]  # noqa: SLF001
