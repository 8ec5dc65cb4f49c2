"""Send a message in a form that Slack accepts: with its blocks, else as text, else a sentence that says so."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError

from bot import metrics
from bot.platforms.slack.clients import TOO_MANY_REQUESTS
from bot.platforms.slack.errors import REFUSED_CONTENT, UNREACHABLE, error_code
from bot.platforms.slack.layout import NO_TEXT, BlockKit, RenderedMessage

log = structlog.get_logger()

NOT_SHOWN = "That's done, but Slack refused to show my answer."
RESPONSE_URL_TIMEOUT = aiohttp.ClientTimeout(total=5)
"""Short, because there are other ways to deliver a message."""
BAD_REQUEST = 400


def forms(message: RenderedMessage) -> Iterator[tuple[str, list[BlockKit]]]:
    """Yield text and blocks of each form to try. No blocks are an empty list, or an edit would keep the old ones."""
    yield message.text, message.blocks
    if message.whole_text:
        yield message.whole_text, []
    if message.text != NO_TEXT:
        yield message.text, []
    yield NOT_SHOWN, []


async def send(message: RenderedMessage, call: Callable[..., Awaitable[Any]]) -> Any:
    """Call a method of the Web API with the message's `text` and `blocks`, and return its answer. Raises API_ERRORS."""
    refusal: SlackApiError | None = None
    for text, blocks in forms(message):
        try:
            return await call(text=text, blocks=blocks)
        except SlackApiError as problem:
            if error_code(problem) not in REFUSED_CONTENT:
                raise
            log.error("content refused", reason=error_code(problem), blocks=[block["type"] for block in blocks])
            refusal = problem
    assert refusal is not None  # noqa: S101
    raise refusal


async def post_to_response_url(
    session: aiohttp.ClientSession, url: str, message: RenderedMessage, **fields: Any
) -> bool:
    """Post a message; False if Slack refuses it, which it does after 5 messages or 30 minutes."""
    for text, blocks in forms(message):
        try:
            async with session.post(
                url, json={"text": text, "blocks": blocks, **fields}, timeout=RESPONSE_URL_TIMEOUT
            ) as response:
                status, error = response.status, _error(await response.text())
        except UNREACHABLE as problem:
            log.warning("response_url doesn't answer", reason=error_code(problem))
            return False
        if status == 200 and not error:
            return True
        if status == TOO_MANY_REQUESTS:
            metrics.RATE_LIMITS.labels("slack", "answer").inc()
        log.info("response_url refuses messages", status=status, reason=error)
        if status != BAD_REQUEST and error not in REFUSED_CONTENT:
            return False
    return False


def _error(body: str) -> str:
    """Return the code in what a response_url says; it isn't always JSON. "" if the message was accepted."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "" if body.strip().lower() == "ok" else body.strip()[:100]
    return str(answer.get("error") or "") if isinstance(answer, dict) else ""
