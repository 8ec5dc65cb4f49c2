"""Who a Slack user is: the name others see, and whether the workspace makes them a manager."""

from __future__ import annotations

import time
from collections import OrderedDict

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import Actor
from bot.platforms.slack.refusals import why

log = structlog.get_logger()

KEPT = 10_000
FRESH = 600.0
"""Seconds for which an answer is taken as still right: Slack allows about 100 of these questions a minute."""


class Members:
    """Asks Slack once in ten minutes. Owners and admins of the workspace are managers."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: OrderedDict[str, tuple[float, Actor]] = OrderedDict()

    async def actor(self, user: str, name: str) -> Actor:
        """The member; by the `name` of the request and without rights where Slack does not answer."""
        until, known = self._known.get(user, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        try:
            found = (await self._client.users_info(user=user))["user"]
        except SlackApiError as refusal:
            log.warning("member not looked up", reason=why(refusal))
            return Actor(user, name)
        except (OSError, TimeoutError) as problem:
            log.warning("member not looked up", reason=type(problem).__name__)
            return Actor(user, name)
        profile = found.get("profile") or {}
        shown = profile.get("display_name") or profile.get("real_name") or found.get("name") or name
        actor = Actor(user, shown, manager=bool(found.get("is_admin") or found.get("is_owner")))
        self._known[user] = (time.monotonic() + FRESH, actor)
        self._known.move_to_end(user)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return actor
