"""Render a reply with its pictures."""

from __future__ import annotations

from bot.drawing.renderer import Renderer
from bot.platforms.shared.images import draw_pictures
from bot.platforms.slack.render import RenderedMessage, render, render_answer
from bot.replies import Reply


async def render_with_images(renderer: Renderer, reply: Reply, *, answer: bool = False) -> list[RenderedMessage]:
    """Return the reply's messages, with its pictures as files; `answer`: for an acknowledgment or a response_url."""
    pictures = await draw_pictures(renderer, reply)
    return render_answer(reply, pictures) if answer else render(reply, pictures)
