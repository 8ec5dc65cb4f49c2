"""Whatever a reply holds, Slack takes the message made of it."""

from __future__ import annotations

import re

from hypothesis import given, settings

from bot.platforms.slack import limits
from bot.platforms.slack.render import draw
from bot.replies import Notice, Reply, Text
from tests.platforms.replies import any_reply
from tests.platforms.slack.workspace import checked, words


@given(any_reply)
@settings(max_examples=200, deadline=None)
def test_no_limit_is_broken(reply: Reply) -> None:
    drawing = draw(reply)
    blocks = checked(drawing.blocks)
    buttons = [button for block in blocks if block["type"] == "actions" for button in block["elements"]]

    assert len(blocks) <= limits.BLOCKS
    assert sum(map(len, words(blocks))) <= limits.TEXT
    assert all(word.strip() for word in words(blocks))
    assert all(1 <= len(button["text"]["text"]) <= limits.BUTTON for button in buttons)
    assert 1 <= len(drawing.text) <= limits.FALLBACK


@given(any_reply)
@settings(max_examples=100, deadline=None)
def test_nobody_is_addressed(reply: Reply) -> None:
    drawing = draw(reply)
    written = "\n".join([drawing.text, *words(drawing.blocks)])

    assert not re.search(r"<(?!!date\^)", written)


def test_what_does_not_fit_is_said_not_to_fit() -> None:
    long = "\n".join(words(draw(Reply.of(Text("```text\n" + "a line\n" * 4000 + "```"), Notice("The end."))).blocks))

    assert long.count("```") == 2
    assert "Shortened" in long


def test_an_escaped_character_is_not_cut_in_half() -> None:
    drawn = words(draw(Reply.of(Text("&" * 5000))).blocks)[0]

    assert drawn.removesuffix(" …").replace("&amp;", "") == ""
