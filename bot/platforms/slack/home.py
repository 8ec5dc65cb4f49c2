"""App Home: a member's overview on one page, published when they open it and after each of their actions."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog
from cachetools import LRUCache, TTLCache

from bot.app import App
from bot.context.identity import Location
from bot.dispatch.request import Request
from bot.platforms.slack.clients import Client
from bot.platforms.slack.errors import API_ERRORS, REFUSED_CONTENT, error_code
from bot.platforms.slack.identity import MemberLookup
from bot.platforms.slack.render import render_home
from bot.replies import Notice, Reply, Tone

log = structlog.get_logger()

NOT_SHOWN = Reply.of(
    Notice("Slack refused to show the rest of this page. `me` and `question` have most of it.", Tone.PROBLEM)
)
MAX_HOMES = 5_000
RECENT = 6 * 3600.0
"""Seconds for which an opened home is kept up to date; opening it updates it anyway."""


class Homes:
    """Publishes homes, and remembers which were opened recently in this process."""

    def __init__(self, app: App, members: MemberLookup) -> None:
        self._app, self._members = app, members
        self._opened: TTLCache[tuple[str, str], bool] = TTLCache(MAX_HOMES, RECENT)
        self._locks: LRUCache[tuple[str, str], asyncio.Lock] = LRUCache(MAX_HOMES)

    def recently_opened(self, team: str, user: str) -> bool:
        return (team, user) in self._opened

    async def publish(self, client: Client, user: str, result: Reply | None = None) -> None:
        """Publish a member's home as it is now, below the notices of `result`.

        `handle` turns problems into words, which are shown on the page.
        """
        key = client.install.team, user
        async with self._locks.setdefault(key, asyncio.Lock()):  # an older page must not replace a newer one
            await self._publish(client, user, result)

    async def _publish(self, client: Client, user: str, result: Reply | None) -> None:
        team = client.install.team
        actor = await self._members.actor(client, user, "")
        actor = replace(actor, channels=await self._members.channels(client, user))
        self._opened[team, actor.id] = True
        now = self._app.now()
        location = Location("slack", team, actor.id)
        request = Request(location, actor, f"home-{actor.id}-{now.timestamp()}", now, line="home")
        replies = [reply async for reply in self._app.handle(request)]
        notices = Reply(tuple(block for block in result.blocks if isinstance(block, Notice)) if result else ())
        for page in ([notices, *replies[-1:]], [notices, NOT_SHOWN], [NOT_SHOWN]):
            try:
                await client.web.views_publish(user_id=actor.id, view={"type": "home", "blocks": render_home(page)})
            except API_ERRORS as problem:
                log.warning("home not published", reason=error_code(problem))
                if error_code(problem) in REFUSED_CONTENT:
                    continue
            return
