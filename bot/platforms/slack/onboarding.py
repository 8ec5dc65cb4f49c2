"""The greeting: one direct message to whoever installed the app, or opened it first."""

from __future__ import annotations

import structlog

from bot.app import App, Installation
from bot.context.identity import Location
from bot.context.outbox import PostError
from bot.errors import DatabaseError
from bot.platforms.slack.outbox import SlackOutbox
from bot.replies import Button, Buttons, Reply

log = structlog.get_logger()

SET_UP = Buttons((Button("A question in a channel every weekday at 09:00", "schedule setup", "primary"),))


async def greet(app: App, outbox: SlackOutbox, install: Installation) -> None:
    """Greet a workspace once, and again when the app is reinstalled."""
    location = Location("slack", install.team, "", install.name)
    greeting = await app.workspace_joined(location)
    if greeting is None or not install.installer:
        return
    await _send(outbox, location, install.installer, greeting.direct)


class FirstGreeting:
    """Greets whoever opens the app first in a single workspace, whose token comes from the settings."""

    def __init__(self, app: App, outbox: SlackOutbox, install: Installation) -> None:
        self._app, self._outbox = app, outbox
        self._location = Location("slack", install.team, "", install.name)
        self._is_done = False

    async def greet(self, user: str) -> None:
        """Greet the member, unless somebody was greeted before; if Slack refuses that, the next one is."""
        if self._is_done:
            return
        self._is_done = True
        try:
            greeting = await self._app.claim_first_greeting(self._location)
            if greeting is not None and not await _send(self._outbox, self._location, user, greeting):
                await self._app.release_first_greeting(self._location)
                self._is_done = False
        except DatabaseError as problem:
            log.error("nobody greeted", problem=str(problem))
            self._is_done = False


async def _send(outbox: SlackOutbox, location: Location, member: str, greeting: Reply) -> bool:
    """Send the greeting; False if Slack refuses it."""
    reply = Reply((*greeting.blocks, SET_UP))
    try:
        await outbox.send_direct(location, member, reply, f"hello-{location.workspace}")
    except PostError as problem:
        log.info("greeting not sent", team=location.workspace, reason=str(problem))
        return False
    return True
