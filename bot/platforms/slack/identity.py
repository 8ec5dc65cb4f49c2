"""Who a Slack user is: the name others see, whether they're a manager, and the channels they share with the app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import structlog
from cachetools import LRUCache

from bot.context.identity import Actor
from bot.platforms.slack.clients import Client
from bot.platforms.slack.errors import API_ERRORS, error_code

log = structlog.get_logger()
T = TypeVar("T")
Cache = LRUCache[tuple[str, str], tuple[float, T]]
"""By workspace and user: the time until which the value is fresh, and the value."""

CACHE_SIZE = 10_000
MAX_CHANNELS = 999
"""The most that Slack lists in one call."""
FRESH_FOR = 600.0
"""Seconds for which an answer is considered fresh: Slack allows 50 to 100 of these calls a minute."""
LOOKUP_TIMEOUT = 3.0
"""Seconds: nobody should wait for an answer just because their name isn't known."""


class MemberLookup:
    """Asks Slack at most once every ten minutes. Managers are its owners and admins, and whoever installed the app."""

    def __init__(self) -> None:
        self._actors: Cache[Actor] = LRUCache(CACHE_SIZE)
        self._channels: Cache[tuple[str, ...]] = LRUCache(CACHE_SIZE)

    async def actor(self, client: Client, user: str, name: str) -> Actor:
        """Return the member as Slack knows them.

        If Slack doesn't answer, return the last answer about them, or else the request's `name` without manager rights.
        """

        async def ask() -> Actor | None:
            info = (await client.web.users_info(user=user)).get("user")
            if not info:
                return None
            shown = shown_name(info) or name
            admin = is_member(info, client.install.team) and bool(info.get("is_admin") or info.get("is_owner"))
            return Actor(user, shown, manager=admin or user == client.install.installer, zone=info.get("tz") or "")

        unknown = Actor(user, name, manager=user == client.install.installer)
        return await _cached(self._actors, (client.install.team, user), ask, unknown)

    async def channels(self, client: Client, user: str) -> tuple[str, ...]:
        """Return up to MAX_CHANNELS channels that both the member and the app are in; else the last ones known."""

        async def ask() -> tuple[str, ...] | None:
            kinds = "public_channel,private_channel"
            listed = await client.web.users_conversations(
                user=user, types=kinds, exclude_archived=True, limit=MAX_CHANNELS
            )
            channels = listed.get("channels")
            return None if channels is None else tuple(channel["id"] for channel in channels)

        return await _cached(self._channels, (client.install.team, user), ask, ())


def shown_name(info: Mapping[str, Any]) -> str:
    """Return what a user is called; empty if Slack doesn't say."""
    profile = info.get("profile") or {}
    return str(profile.get("display_name") or profile.get("real_name") or info.get("name") or "")


def is_member(info: Mapping[str, Any], team: str) -> bool:
    """Return whether a user belongs to the workspace: only then `is_admin` and `is_owner` are about it.

    Shared channels have members of other companies. In an organization, a member's home may be another one of its
    workspaces.
    """
    home = info.get("team_id") or team
    return home == team or team in ((info.get("enterprise_user") or {}).get("teams") or ())


async def _cached(cache: Cache[T], key: tuple[str, str], ask: Callable[[], Awaitable[T | None]], default: T) -> T:
    """Return a fresh answer, or the last one known if Slack doesn't answer or says nothing (None)."""
    fresh_until, value = cache.get(key, (0.0, default))
    if time.monotonic() < fresh_until:
        return value
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT):
            answer = await ask()
    except API_ERRORS as problem:
        log.warning("member not looked up", reason=error_code(problem))
        return value
    if answer is None:
        log.warning("member not looked up", reason="an empty answer")
        return value
    cache[key] = time.monotonic() + FRESH_FOR, answer
    return answer
