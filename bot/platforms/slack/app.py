"""The Slack app: Bolt over HTTP, one `/study` command, buttons, forms and posts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import App
from bot.platforms.slack.dispatch import Dispatch
from bot.platforms.slack.outbox import SlackOutbox

API = "https://slack.com/api/"
PATH = "/slack/events"
GRACE = 10.0
"""Seconds that replies under way are given at the end."""


@asynccontextmanager
async def slack(
    app: App, *, token: str, signing_secret: str, host: str = "127.0.0.1", port: int = 3000, api: str = API
) -> AsyncIterator[str]:
    """Listen for Slack, and post to it, for as long as it is open; gives the address it listens at.

    `port` 0 takes any that is free. `api` is the Web API's base address.
    """
    client = AsyncWebClient(token=token, base_url=api)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    # Bolt looks for an acknowledgement every 10 ms; told to process before it responds, it sends it at once.
    bolt = AsyncApp(name="studyhall", client=client, signing_secret=signing_secret, process_before_response=True)
    dispatch = Dispatch(app, client)
    dispatch.listen(bolt)
    runner = web.AppRunner(bolt.web_app(path=PATH))
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        app.attach("slack", SlackOutbox(client))
        yield f"http://{host}:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()
        await dispatch.errands.finish(GRACE)
