"""Who a Slack user is: the name others see, and whether the workspace makes them a manager."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from cachetools import LRUCache

from bot.context.identity import Actor
from bot.platforms.slack.clients import Client
from bot.platforms.slack.errors import TROUBLE, why

log = structlog.get_logger()
T = TypeVar("T")
Kept = LRUCache[tuple[str, str], tuple[float, T]]
"""By workspace and user: until when it is taken as still right, and what it is."""

KEPT = 10_000
MOST = 999
FRESH = 600.0
"""Seconds for which an answer is taken as still right: Slack allows 50 to 100 of these questions a minute."""
PATIENCE = 3.0
"""Seconds for the question; whoever is waiting for an answer should not wait for a name."""


class Members:
    """Asks Slack once in ten minutes. Managers are owners and admins there, and whoever installed the app."""

    def __init__(self) -> None:
        self._actors: Kept[Actor] = LRUCache(KEPT)
        self._channels: Kept[tuple[str, ...]] = LRUCache(KEPT)

    async def actor(self, client: Client, user: str, name: str) -> Actor:
        """The member; where Slack does not answer, as they were, or by the `name` of the request and without rights."""

        async def asked() -> Actor:
            found = (await client.web.users_info(user=user))["user"]
            profile = found.get("profile") or {}
            shown = profile.get("display_name") or profile.get("real_name") or found.get("name") or name
            home = found.get("team_id") or client.install.team  # shared channels have members of other companies
            admin = home == client.install.team and bool(found.get("is_admin") or found.get("is_owner"))
            return Actor(user, shown, manager=admin or user == client.install.installer, zone=found.get("tz") or "")

        otherwise = Actor(user, name, manager=user == client.install.installer)
        return await _known(self._actors, (client.install.team, user), asked, otherwise)

    async def channels(self, client: Client, user: str) -> tuple[str, ...]:
        """The channels that both they and the app are in, of which Slack tells a thousand; else what it told last."""

        async def asked() -> tuple[str, ...]:
            kinds = "public_channel,private_channel"
            told = await client.web.users_conversations(user=user, types=kinds, exclude_archived=True, limit=MOST)
            return tuple(channel["id"] for channel in told["channels"])

        return await _known(self._channels, (client.install.team, user), asked, ())


async def _known(kept: Kept[T], key: tuple[str, str], ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
    until, known = kept.get(key, (0.0, otherwise))
    if time.monotonic() < until:
        return known
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await ask()
    except TROUBLE as problem:
        log.warning("member not looked up", reason=why(problem))
        return known
    kept[key] = time.monotonic() + FRESH, answer
    return answer
