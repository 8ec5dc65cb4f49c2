"""A Web API client for each workspace, by its own token."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Install, Installs
from bot.errors import SetupError
from bot.platforms.slack.refusals import why

log = structlog.get_logger()

KEPT = 5_000
FRESH = 60.0
"""Seconds after which an installation is looked up again: another process may have seen it end."""
TIMEOUT = 20
"""Seconds for one call of the Web API."""


@dataclass(frozen=True, slots=True)
class Client:
    """A workspace's installation with the client that speaks for it."""

    install: Install
    web: AsyncWebClient


class Clients:
    """Of one workspace, whose token comes from the environment; or of all that installed the app."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api: str,
        installs: Installs | None = None,
        *,
        client_id: str = "",
        client_secret: str = "",
    ) -> None:
        self._session = session
        self._api = api
        self._installs = installs
        self._client_id, self._client_secret = client_id, client_secret
        self._only: Client | None = None
        self._known: OrderedDict[str, tuple[float, Client]] = OrderedDict()

    async def only(self, token: str) -> Client:
        """From now on the one workspace that the token belongs to. Raises SetupError where Slack does not know it."""
        web = self.web(token)
        try:
            it = await web.auth_test()
        except SlackApiError as refusal:
            raise SetupError(f"Slack does not take SLACK_BOT_TOKEN ({why(refusal)}).") from refusal
        except (OSError, TimeoutError, aiohttp.ClientError) as problem:
            raise SetupError(f"Slack cannot be reached ({type(problem).__name__}).") from problem
        install = Install(
            it["team_id"],
            it.get("team") or "",
            it["user_id"],
            it.get("bot_id") or "",
            scopes="",
            installer="",
            token=token,
        )
        self._only = Client(install, web)
        return self._only

    async def of(self, team: str) -> Client | None:
        """The workspace's; None where the app is not installed there, or its token has ended."""
        if self._only is not None:
            return self._only if self._only.install.team == team else None
        until, known = self._known.get(team, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        install = await self._installs.fresh(team, self._renew) if self._installs else None
        if install is None:
            self.forget(team)
            return None
        client = known if known and known.install.token == install.token else Client(install, self.web(install.token))
        self._known[team] = (time.monotonic() + FRESH, client)
        self._known.move_to_end(team)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return client

    def forget(self, team: str) -> None:
        self._known.pop(team, None)

    async def end(self, team: str) -> None:
        """The workspace has put the app out, or revoked its token."""
        self.forget(team)
        if self._installs is not None:
            await self._installs.remove(team)

    def web(self, token: str = "") -> AsyncWebClient:
        client = AsyncWebClient(token=token or None, base_url=self._api, session=self._session, timeout=TIMEOUT)
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        return client

    async def _renew(self, ending: Install) -> Install:
        got = await self.web().oauth_v2_access(
            client_id=self._client_id,
            client_secret=self._client_secret,
            grant_type="refresh_token",
            refresh_token=ending.refresh,
        )
        log.info("token renewed", team=ending.team)
        return replace(
            ending,
            token=got["access_token"],
            refresh=got["refresh_token"],
            expires_at=datetime.now(UTC) + timedelta(seconds=int(got["expires_in"])),
        )
