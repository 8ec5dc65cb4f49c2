"""The first minute in a workspace: one message to whoever installed the app."""

from __future__ import annotations

import structlog

from bot.app import App, Install
from bot.dispatch.handler import CannotPost, Place
from bot.platforms.slack.outbox import SlackOutbox
from bot.replies import Action, Choices, Reply

log = structlog.get_logger()

SET_UP = Choices((Action("A question in a channel every weekday at 09:00", "schedule setup", "primary"),))


async def greet(app: App, outbox: SlackOutbox, install: Install) -> None:
    """Once in each workspace, and once more when it comes back."""
    place = Place("slack", install.team, "", install.name)
    greeting = await app.joined(place)
    if greeting is None or not install.installer:
        return
    reply = Reply((*greeting.alone.blocks, SET_UP))
    try:
        await outbox.tell(place, install.installer, reply, f"hello-{install.team}")
    except CannotPost as refusal:
        log.info("not greeted", team=install.team, reason=str(refusal))
