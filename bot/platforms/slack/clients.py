"""A Web API client for each workspace, with its own token."""

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
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot import metrics
from bot.app import Installation, Installations
from bot.errors import DatabaseError, SetupError
from bot.platforms.slack.errors import API_ERRORS, error_code, http_status

log = structlog.get_logger()

CACHE_SIZE = 5_000
FRESH_FOR = 60.0
"""Seconds after which an installation is looked up again: another process may have recorded its end."""
NOT_REPEATABLE = ("chat.postMessage", "chat.postEphemeral")
"""Methods that might post twice if they were called again after a broken connection."""
TOO_MANY_REQUESTS = 429
PURPOSES = {
    "chat.postMessage": "post",
    "chat.postEphemeral": "answer",
    "chat.update": "edit",
    "conversations": "read",
    "users": "read",
    "views": "answer",
}
"""What a method or its family is for, in metrics."""

TokenRejected = Callable[[Installation], Awaitable[bool]]
"""Called when a workspace's token no longer works; returns False if the app has a newer one."""


@dataclass(frozen=True, slots=True)
class Client:
    """A workspace's installation with the clients that use its token.

    `web` waits for rate limits, because somebody waits for the answer. `patient` doesn't: its callers try again later.
    """

    install: Installation
    web: AsyncWebClient
    patient: AsyncWebClient


class Clients:
    """The clients of one workspace, whose token is a setting; or of all that installed the app."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api: str,
        installs: Installations | None = None,
        *,
        client_id: str = "",
        client_secret: str = "",
        fresh_for: float = FRESH_FOR,
    ) -> None:
        self._session = session
        self._api = api
        self._installs = installs
        self._client_id, self._client_secret, self._fresh_for = client_id, client_secret, fresh_for
        self._only: Client | None = None
        self._cache: LRUCache[str, tuple[float, Client]] = LRUCache(CACHE_SIZE)

    async def use_only(self, token: str) -> Client:
        """Serve the one workspace that the token belongs to. Raises SetupError if Slack rejects the token."""
        web = self.web(token)
        try:
            identity = await web.auth_test()
        except API_ERRORS as problem:
            raise _rejected("SLACK_BOT_TOKEN", problem) from problem
        install = Installation(
            identity["team_id"],
            identity.get("team") or "",
            identity["user_id"],
            identity.get("bot_id") or "",
            scopes="",
            installer="",
            token=token,
        )
        self._only = Client(install, web, self.web(token, waits=False))
        return self._only

    async def socket_url(self, token: str) -> str:
        """Return an address to connect to in Socket Mode. Raises SetupError if Slack rejects the app's token."""
        try:
            return str((await self.web().apps_connections_open(app_token=token))["url"])
        except API_ERRORS as problem:
            raise _rejected("SLACK_APP_TOKEN", problem) from problem

    async def for_team(self, team: str) -> Client | None:
        """Return a workspace's client; None if the app isn't installed, or its token can't be renewed anymore.

        While the database can't be used, return the last one known. Raises DatabaseError if there's none, SetupError
        for a token that our key doesn't decrypt, and API_ERRORS if the token has expired and can't be renewed right
        now.
        """
        if self._only is not None:
            return self._only if self._only.install.team == team else None
        fresh_until, known = self._cache.get(team, (0.0, None))
        if known is not None and time.monotonic() < fresh_until:
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
        client = known if known and known.install == install else self._client(install)
        self._cache[team] = (time.monotonic() + self._fresh_for, client)
        return client

    def forget(self, team: str) -> None:
        """Drop a workspace's cached client."""
        self._cache.pop(team, None)

    async def remove(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """Delete a workspace's installation; False if it has another token, or was installed after `before`."""
        self.forget(team)
        return self._installs is None or await self._installs.remove(team, token=token, before=before)

    def _client(self, install: Installation) -> Client:
        return Client(install, self.web(install.token), self.web(install.token, waits=False))

    def web(self, token: str = "", *, waits: bool = True) -> AsyncWebClient:
        """Return a client. How long its calls may take is up to the session; it `waits` out rate limits, or doesn't."""
        rate_limits = [AsyncRateLimitErrorRetryHandler(max_retry_count=2)] if waits else []
        return AsyncWebClient(
            token=token or None,
            base_url=self._api,
            session=self._session,
            retry_handlers=[_RateLimitCounter(), _ReconnectHandler(), *rate_limits],
        )

    async def _renew(self, ending: Installation) -> Installation | None:
        try:
            renewed = await self.web().oauth_v2_access(
                client_id=self._client_id,
                client_secret=self._client_secret,
                grant_type="refresh_token",
                refresh_token=ending.refresh,
            )
        except SlackApiError as problem:
            if error_code(problem) == "invalid_refresh_token":
                return None
            raise
        assert self._installs is not None  # noqa: S101
        log.info("token renewed", team=ending.team)
        return replace(
            ending,
            token=renewed["access_token"],
            refresh=renewed["refresh_token"],
            expires_at=self._installs.clock() + timedelta(seconds=int(renewed["expires_in"])),
        )


def _rejected(setting: str, problem: Exception) -> SetupError:
    if isinstance(problem, SlackApiError) and http_status(problem) < 500:
        return SetupError(f"Slack rejects {setting} ({error_code(problem)}).")
    return SetupError(f"Can't reach Slack ({error_code(problem)}).")


class _ReconnectHandler(AsyncConnectionErrorRetryHandler):
    """Retries once if the connection broke, as long-idle connections tend to do."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.rpartition("/")[2] in NOT_REPEATABLE:
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)


class _RateLimitCounter(AsyncRetryHandler):
    """Counts how often Slack says that requests come too fast; retries nothing itself."""

    @override
    async def can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is not None and response.status_code == TOO_MANY_REQUESTS:
            metrics.RATE_LIMITS.labels("slack", _purpose(request.url.rpartition("/")[2])).inc()
        return False


def _purpose(method: str) -> str:
    return PURPOSES.get(method) or PURPOSES.get(method.partition(".")[0], "other")
