"""A reply's messages with the pictures that it wants as their files."""

from __future__ import annotations

from itertools import islice

from bot.drawing.renderer import Renderer
from bot.platforms.shared.formulas import formulas
from bot.platforms.shared.images import draw_pictures
from bot.platforms.slack.render import Drawing, draw
from bot.replies import Reply

FORMULAS = 3
"""Formulas of one reply that are drawn: each is a file under the message, and the text has all of them."""


async def paint(easel: Renderer, reply: Reply) -> list[Drawing]:
    """The reply's messages, with pictures as files of theirs where it wants any."""
    first = islice(dict.fromkeys(formulas(reply)), FORMULAS)
    return draw(reply, await draw_pictures(easel, reply, first))
