"""A reply's messages together with its pictures."""

from __future__ import annotations

from itertools import islice

from bot.drawing.renderer import Renderer
from bot.platforms.shared.formulas import formulas
from bot.platforms.shared.images import draw_pictures
from bot.platforms.slack.render import RenderedMessage, render
from bot.replies import Reply

MAX_FORMULAS = 3
"""Formulas drawn for one reply: each is a file below the message, and the text has them all."""


async def render_with_images(renderer: Renderer, reply: Reply) -> list[RenderedMessage]:
    """Render a reply, with its charts and first formulas as files."""
    first = islice(dict.fromkeys(formulas(reply)), MAX_FORMULAS)
    return render(reply, await draw_pictures(renderer, reply, first))
