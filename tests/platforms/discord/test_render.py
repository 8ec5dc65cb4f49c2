"""Whatever a reply holds, Discord takes the message made of it."""

from __future__ import annotations

import re
from typing import Any

import discord
from hypothesis import given, settings
from simcord.components import validate_components, walk_components

from bot.platforms.discord import limits
from bot.platforms.discord.render import draw
from bot.replies import Notice, Rank, Reply, Standings, Text
from tests.platforms.replies import any_reply


def components(reply: Reply) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draw(reply).view.to_components()  # type: ignore[no-untyped-call]
    return validate_components(found, flags=discord.MessageFlags(components_v2=True).value)


def text(reply: Reply) -> str:
    return "\n".join(c["content"] for c in walk_components(components(reply)) if "content" in c)


@given(any_reply)
@settings(max_examples=200, deadline=None)
async def test_no_limit_is_broken(reply: Reply) -> None:
    parts = list(walk_components(components(reply)))
    words = "".join(c.get("content", "") for c in parts)
    ids = [c["custom_id"] for c in parts if "custom_id" in c]

    assert 1 <= len(parts) <= limits.COMPONENTS
    assert len(words) <= limits.TEXT
    assert len(words.encode()) <= limits.TEXT_BYTES
    assert len(ids) == len(set(ids))
    assert all(c["content"].strip() for c in parts if "content" in c)
    assert all(1 <= len(c["label"]) <= limits.LABEL for c in parts if "label" in c)


@given(any_reply)
@settings(max_examples=100, deadline=None)
async def test_nobody_is_addressed(reply: Reply) -> None:
    assert not re.search(r"@everyone|@here|<@[!&]?\d{17,20}>", text(reply))


async def test_what_does_not_fit_is_said_not_to_fit() -> None:
    long = text(Reply.of(Text("```text\n" + "a line\n" * 2000 + "```"), Notice("The end.")))

    assert long.count("```") == 2
    assert "Shortened" in long


async def test_a_tie_keeps_its_places() -> None:
    drawn = text(Reply.of(Standings("Week", (Rank(1, "a_b", "3"), Rank(1, "bob", "3"), Rank(3, "cy", "1")))))

    assert [line[:3] for line in drawn.splitlines()[1:]] == ["1\\.", "1\\.", "3\\."]
    assert "a\\_b" in drawn
