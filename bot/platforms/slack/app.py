"""The Slack app: Bolt with one `/study` command, buttons, menus, forms, shortcuts, a home and posts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.routing import Route

from bot.app import App, Install
from bot.drawing.renderer import Renderer
from bot.platforms.slack.clients import Clients
from bot.platforms.slack.dispatch import Answering
from bot.platforms.slack.listeners import Dispatch
from bot.platforms.slack.manifest import SCOPES
from bot.platforms.slack.oauth import flow
from bot.platforms.slack.onboarding import greet
from bot.platforms.slack.outbox import SlackOutbox
from bot.platforms.slack.server import routes
from bot.platforms.slack.throttle import Pace
from bot.platforms.slack.uninstall import Leaving

API = "https://slack.com/api/"
CALL = aiohttp.ClientTimeout(total=20)
"""For one call of the Web API; its client leaves that to the session."""
GRACE = 10.0
"""Seconds that replies under way are given at the end."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Keys:
    """What the Slack app is known by: a token for one workspace, or a client for many; a secret or a socket's token."""

    signing_secret: str = field(default="", repr=False)
    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


@asynccontextmanager
async def slack(app: App, keys: Keys, *, api: str = API) -> AsyncIterator[list[Route]]:
    """Hear Slack, and post to it, for as long as it is open.

    By a socket where there is an app token; else over HTTP, by the routes that it gives. `api` is the Web API's base
    address. Raises SetupError.
    """
    async with AsyncExitStack() as running:
        session = await running.enter_async_context(aiohttp.ClientSession(timeout=CALL))
        easel = Renderer()
        clients = Clients(
            session, api, app.slack_installations, client_id=keys.client_id, client_secret=keys.client_secret
        )
        leaving = Leaving(app, clients)
        dispatch = Dispatch(app, Answering(app, clients, session, easel, leaving.ended), leaving)
        outbox = SlackOutbox(clients, Pace(), leaving.ended)
        if keys.bot_token:
            await greet(app, outbox, (await clients.only(keys.bot_token)).install)
        bolt = AsyncApp(
            name="studyhall",
            client=clients.web(),
            signing_secret=keys.signing_secret or "none: nothing is heard over HTTP",
            authorize=_authorized,
            # Bolt looks for an acknowledgement every 10 ms; told to process before it responds, it sends it at once.
            process_before_response=True,
        )
        dispatch.listen(bolt)
        running.push_async_callback(dispatch.errands.finish, GRACE)
        app.attach("slack", outbox)
        if keys.app_token:
            # Left to ask for itself, the handler would try a token that Slack does not take for ever.
            address = await clients.socket(keys.app_token)
            handler = AsyncSocketModeHandler(bolt, keys.app_token, web_client=clients.web())
            handler.client.wss_uri = address
            running.push_async_callback(handler.close_async)
            await handler.connect_async()  # type: ignore[no-untyped-call]
            yield []
            return

        async def installed(install: Install) -> None:
            clients.forget(install.team)
            dispatch.errands.start(greet(app, outbox, install))

        pages = None
        if keys.client_id and app.slack_installations is not None and not keys.bot_token:
            pages = flow(
                clients.web(),
                api,
                app.slack_installations,
                installed,
                client_id=keys.client_id,
                client_secret=keys.client_secret,
                scopes=SCOPES,
            )
        yield routes(bolt, pages)


async def _authorized(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult:
    """Nothing is looked up before a request is acknowledged: whoever carries it out asks for the workspace's token."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)
