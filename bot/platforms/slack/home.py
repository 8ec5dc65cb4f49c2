"""App Home: everything about a member on one page, published when they look at it and after what they do."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from cachetools import LRUCache, TTLCache

from bot.app import App
from bot.context.identity import Location
from bot.dispatch.request import Request
from bot.platforms.slack.clients import Client
from bot.platforms.slack.errors import TROUBLE, why
from bot.platforms.slack.identity import Members
from bot.platforms.slack.render import home
from bot.replies import Notice, Reply

log = structlog.get_logger()

KEPT = 5_000
LATELY = 6 * 3600.0
"""Seconds for which a home that was looked at is kept up to date: looking at it again brings it up to date anyway."""


class Homes:
    """Whose home was looked at lately, in this process."""

    def __init__(self, app: App, members: Members) -> None:
        self._app, self._members = app, members
        self._looked: TTLCache[tuple[str, str], bool] = TTLCache(KEPT, LATELY)
        self._turns: LRUCache[tuple[str, str], asyncio.Lock] = LRUCache(KEPT)

    def looked_at(self, team: str, user: str) -> bool:
        return (team, user) in self._looked

    async def publish(self, client: Client, user: str, said: Reply | None = None) -> None:
        """As it is now, beneath the notices of what was `said`; problems are part of the page: `respond` has words."""
        key = client.install.team, user
        async with self._turns.setdefault(key, asyncio.Lock()):  # an older page may not take a newer one's place
            await self._publish(client, user, said)

    async def _publish(self, client: Client, user: str, said: Reply | None) -> None:
        team = client.install.team
        actor = await self._members.actor(client, user, "")
        actor = replace(actor, channels=await self._members.channels(client, user))
        self._looked[team, actor.id] = True
        now = self._app.now()
        place = Location("slack", team, actor.id)
        request = Request(place, actor, f"home-{actor.id}-{now.timestamp()}", now, line="home")
        replies = [reply async for reply in self._app.handle(request)]
        notices = Reply(tuple(block for block in said.blocks if isinstance(block, Notice)) if said else ())
        view = {"type": "home", "blocks": home([notices, *replies[-1:]])}
        try:
            await client.web.views_publish(user_id=actor.id, view=view)
        except TROUBLE as problem:
            log.warning("home not published", reason=why(problem))
