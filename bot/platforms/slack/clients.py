"""A Web API client for each workspace, by its own token."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import aiohttp
import structlog
from cachetools import LRUCache
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryState
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Installation, Installations
from bot.errors import DatabaseError, SetupError
from bot.platforms.slack.errors import TROUBLE, status, why

log = structlog.get_logger()

KEPT = 5_000
FRESH = 60.0
"""Seconds after which an installation is looked up again: another process may have seen it end."""
SAID = ("chat.postMessage", "chat.postEphemeral")
"""What would be said twice if it were called again after the connection broke."""


Ended = Callable[[Installation], Awaitable[bool]]
"""What is done when a workspace's token is worth nothing any more; False where the app is there by another one."""


@dataclass(frozen=True, slots=True)
class Client:
    """A workspace's installation with the client that speaks for it."""

    install: Installation
    web: AsyncWebClient


class Clients:
    """Of one workspace, whose token comes from the environment; or of all that installed the app."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api: str,
        installs: Installations | None = None,
        *,
        client_id: str = "",
        client_secret: str = "",
        fresh: float = FRESH,
    ) -> None:
        self._session = session
        self._api = api
        self._installs = installs
        self._client_id, self._client_secret, self._fresh = client_id, client_secret, fresh
        self._only: Client | None = None
        self._known: LRUCache[str, tuple[float, Client]] = LRUCache(KEPT)

    async def only(self, token: str) -> Client:
        """From now on the one workspace that the token belongs to. Raises SetupError where Slack does not know it."""
        web = self.web(token)
        try:
            it = await web.auth_test()
        except TROUBLE as problem:
            raise _not_taken("SLACK_BOT_TOKEN", problem) from problem
        install = Installation(
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

    async def socket(self, token: str) -> str:
        """The address of a connection for Socket Mode. Raises SetupError where Slack does not know the app's token."""
        try:
            return str((await self.web().apps_connections_open(app_token=token))["url"])
        except TROUBLE as problem:
            raise _not_taken("SLACK_APP_TOKEN", problem) from problem

    async def of(self, team: str) -> Client | None:
        """The workspace's; None where the app is not installed there, or its token has ended for good.

        While the database cannot be used, the one that was known last. Raises DatabaseError where there is none,
        SetupError for a token that our key does not open, and what the Web API raises where the token has to be renewed
        and cannot be just now.
        """
        if self._only is not None:
            return self._only if self._only.install.team == team else None
        until, known = self._known.get(team, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        try:
            install = await self._installs.with_valid_token(team, self._renew) if self._installs else None
        except DatabaseError as problem:
            if known is None:
                raise
            log.error("installation not looked up", team=team, problem=str(problem))
            return known
        if install is None:
            self.forget(team)
            return None
        client = known if known and known.install == install else Client(install, self.web(install.token))
        self._known[team] = (time.monotonic() + self._fresh, client)
        return client

    def forget(self, team: str) -> None:
        self._known.pop(team, None)

    async def end(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """The workspace has put the app out, or revoked that token; False where the app has come back since."""
        self.forget(team)
        return self._installs is None or await self._installs.remove(team, token=token, before=before)

    def web(self, token: str = "") -> AsyncWebClient:
        """What a call may take, the session says."""
        return AsyncWebClient(
            token=token or None,
            base_url=self._api,
            session=self._session,
            retry_handlers=[_Reconnecting(), AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
        )

    async def _renew(self, ending: Installation) -> Installation | None:
        try:
            got = await self.web().oauth_v2_access(
                client_id=self._client_id,
                client_secret=self._client_secret,
                grant_type="refresh_token",
                refresh_token=ending.refresh,
            )
        except SlackApiError as refusal:
            if why(refusal) == "invalid_refresh_token":
                return None
            raise
        assert self._installs is not None  # noqa: S101
        log.info("token renewed", team=ending.team)
        return replace(
            ending,
            token=got["access_token"],
            refresh=got["refresh_token"],
            expires_at=self._installs.clock() + timedelta(seconds=int(got["expires_in"])),
        )


def _not_taken(name: str, problem: Exception) -> SetupError:
    if isinstance(problem, SlackApiError) and status(problem) < 500:
        return SetupError(f"Slack does not take {name} ({why(problem)}).")
    return SetupError(f"Slack cannot be reached ({why(problem)}).")


class _Reconnecting(AsyncConnectionErrorRetryHandler):
    """Once more where the connection broke, which connections that were idle for long do."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.rpartition("/")[2] in SAID:
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)
