"""The Slack app: a Bolt app with one `/study` command, buttons, menus, forms, shortcuts, a home, and posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from starlette.routing import Route
from typing_extensions import override

from bot import metrics
from bot.app import App, Installation
from bot.errors import SetupError
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.platforms.slack.clients import Clients
from bot.platforms.slack.dispatch import Dispatcher
from bot.platforms.slack.listeners import Listeners
from bot.platforms.slack.manifest import SCOPES
from bot.platforms.slack.oauth import install_flow
from bot.platforms.slack.onboarding import FirstGreeting, greet
from bot.platforms.slack.outbox import SlackOutbox
from bot.platforms.slack.server import routes
from bot.platforms.slack.throttle import Throttle
from bot.platforms.slack.uninstall import Uninstall

API_URL = "https://slack.com/api/"
CALL_TIMEOUT = aiohttp.ClientTimeout(total=20)
"""Seconds for one Web API call; the client leaves timeouts to the session."""
SHUTDOWN_TIMEOUT = 10.0
"""Seconds that replies in progress get at the end."""
CONNECT_TIMEOUT = 30.0
"""Seconds for the first connection in Socket Mode; the SDK would try forever."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The app's secrets.

    `bot_token` for one workspace or the client's for many; `signing_secret` over HTTP or `app_token` in Socket Mode.
    """

    signing_secret: str = field(default="", repr=False)
    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


@asynccontextmanager
async def slack(app: App, credentials: Credentials, *, api: str = API_URL) -> AsyncIterator[list[Route]]:
    """Serve Slack while the block runs: in Socket Mode if there's an app token, else over HTTP by the routes it yields.

    `api` is the Web API's base address. Raises SetupError.
    """
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)  # or a hundred posts that hang would hold up everything else
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=CALL_TIMEOUT))
        clients = Clients(
            session,
            api,
            app.slack_installations,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
        )
        uninstall = Uninstall(app, clients)
        background_tasks = BackgroundTasks()
        throttle = Throttle()
        dispatcher = Dispatcher(
            app,
            clients,
            session,
            app.renderer,
            uninstall.token_rejected,
            background_tasks=background_tasks,
            throttle=throttle,
            secret=credentials.signing_secret or credentials.app_token,
        )
        outbox = SlackOutbox(clients, throttle, uninstall.token_rejected)
        first_greeting = None
        if credentials.bot_token:
            install = (await clients.use_only(credentials.bot_token)).install
            await greet(app, outbox, install)
            first_greeting = FirstGreeting(app, outbox, install)
        listeners = Listeners(app, dispatcher, uninstall, background_tasks, first_greeting=first_greeting)
        bolt = AsyncApp(
            name="studyhall",
            client=clients.web(),
            signing_secret=credentials.signing_secret or "none: nothing comes over HTTP",
            authorize=_authorize,
            # Otherwise Bolt looks for an acknowledgement every 10 ms; this way it sends it at once.
            process_before_response=True,
        )
        listeners.listen(bolt)
        stack.push_async_callback(background_tasks.finish, SHUTDOWN_TIMEOUT)
        app.attach("slack", outbox)
        await stack.enter_async_context(dispatcher.resuming())
        if credentials.app_token:
            # If the handler asked for the address itself, it would retry a rejected token forever.
            address = await clients.socket_url(credentials.app_token)
            handler = _SocketModeHandler(bolt, credentials.app_token, web_client=clients.web())
            handler.client.wss_uri = address
            stack.push_async_callback(handler.close_async)
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await handler.connect_async()  # type: ignore[no-untyped-call]
            except TimeoutError:
                raise SetupError(
                    "Can't open a WebSocket to Slack. Does a firewall or a proxy block addresses with wss://?"
                ) from None
            yield []
            return

        async def on_installed(install: Installation) -> None:
            clients.forget(install.team)
            background_tasks.start(greet(app, outbox, install))

        pages = None
        if credentials.client_id and app.slack_installations is not None and not credentials.bot_token:
            pages = install_flow(
                clients.web(),
                api,
                app.slack_installations,
                on_installed,
                client_id=credentials.client_id,
                client_secret=credentials.client_secret,
                scopes=SCOPES,
            )
        yield routes(bolt, credentials.signing_secret, pages)


class _SocketModeHandler(AsyncSocketModeHandler):
    """Measures how long an envelope waits for its acknowledgment."""

    @override
    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        with metrics.ACKNOWLEDGMENT_TIME.labels("slack").time():
            await super().handle(client, req)


async def _authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
    """Don't look anything up before the acknowledgement: the dispatcher gets the workspace's token."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)
