"""Render a reply with its pictures."""

from __future__ import annotations

from bot.drawing.renderer import Renderer
from bot.platforms.shared.images import draw_pictures
from bot.platforms.slack.render import RenderedMessage, render
from bot.replies import Reply


async def render_with_images(renderer: Renderer, reply: Reply) -> list[RenderedMessage]:
    """Return the reply's messages, with its pictures as files."""
    return render(reply, await draw_pictures(renderer, reply))
