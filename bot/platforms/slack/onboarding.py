"""The greeting: one direct message to whoever installed the app."""

from __future__ import annotations

import structlog

from bot.app import App, Installation
from bot.context.identity import Location
from bot.context.outbox import PostError
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
    reply = Reply((*greeting.direct.blocks, SET_UP))
    try:
        await outbox.send_direct(location, install.installer, reply, f"hello-{install.team}")
    except PostError as problem:
        log.info("greeting not sent", team=install.team, reason=str(problem))
