"""Count how often Discord says that requests come too fast; discord.py repeats most of them by itself."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp

from bot import metrics

TOO_MANY_REQUESTS = 429


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
