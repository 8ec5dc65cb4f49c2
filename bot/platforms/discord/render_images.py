"""Render a reply with its pictures."""

from __future__ import annotations

from bot.drawing.renderer import Renderer
from bot.platforms.discord.layout import RenderedMessage
from bot.platforms.discord.render import draw
from bot.platforms.shared.images import draw_pictures
from bot.replies import Reply


async def render_images(
    renderer: Renderer, reply: Reply, *, key: str = "", role: str = "", workspace: str = ""
) -> list[RenderedMessage]:
    """Return the reply's messages, with its pictures."""
    return draw(reply, await draw_pictures(renderer, reply), key=key, role=role, workspace=workspace)
