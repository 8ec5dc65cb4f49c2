"""Who a Slack user is: the name others see, and whether the workspace makes them a manager."""

from __future__ import annotations

import asyncio
import time

import structlog
from cachetools import LRUCache, TTLCache

from bot.commands import Actor
from bot.platforms.slack.clients import Client
from bot.platforms.slack.refusals import TROUBLE, why

log = structlog.get_logger()

KEPT = 10_000
MOST = 999
FRESH = 600.0
"""Seconds for which an answer is taken as still right: Slack allows about 100 of these questions a minute."""
PATIENCE = 3.0
"""Seconds for the question; whoever is waiting for an answer should not wait for a name."""


class Members:
    """Asks Slack once in ten minutes. Managers are owners and admins there, and whoever installed the app."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str], tuple[float, Actor]] = LRUCache(KEPT)
        self._channels: TTLCache[tuple[str, str], tuple[str, ...]] = TTLCache(KEPT, FRESH)

    async def channels(self, client: Client, user: str) -> tuple[str, ...]:
        """The channels that both they and the app are in, of which Slack tells a thousand; none while it is silent."""
        key = client.install.team, user
        known = self._channels.get(key)
        if known is not None:
            return known
        kinds = "public_channel,private_channel"
        try:
            async with asyncio.timeout(PATIENCE):
                told = await client.web.users_conversations(user=user, types=kinds, exclude_archived=True, limit=MOST)
        except TROUBLE as problem:
            log.warning("channels not looked up", reason=why(problem))
            return ()
        self._channels[key] = found = tuple(channel["id"] for channel in told["channels"])
        return found

    async def actor(self, client: Client, user: str, name: str) -> Actor:
        """The member; where Slack does not answer, as they were, or by the `name` of the request and without rights."""
        key = client.install.team, user
        until, known = self._known.get(key, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        try:
            async with asyncio.timeout(PATIENCE):
                found = (await client.web.users_info(user=user))["user"]
        except TROUBLE as problem:
            log.warning("member not looked up", reason=why(problem))
            return known or Actor(user, name, manager=user == client.install.installer)
        profile = found.get("profile") or {}
        shown = profile.get("display_name") or profile.get("real_name") or found.get("name") or name
        home = found.get("team_id") or client.install.team  # in shared channels there are members of other companies
        admin = home == client.install.team and bool(found.get("is_admin") or found.get("is_owner"))
        manages = admin or user == client.install.installer
        actor = Actor(user, shown, manager=manages, zone=found.get("tz") or "")
        self._known[key] = (time.monotonic() + FRESH, actor)
        return actor
