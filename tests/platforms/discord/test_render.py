"""Whatever a reply holds, Discord takes the messages made of it, and nothing is lost without a word."""

from __future__ import annotations

import re
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simcord.components import validate_components, walk_components

from bot.platforms.discord import limits
from bot.platforms.discord.markup import markdown, plain, split
from bot.platforms.discord.render import draw, mark
from bot.platforms.discord.sheet import SHORTENED
from bot.replies import Action, Choices, Entry, Explanation, Menu, Notice, Rank, Reply, Standings, Text
from tests.platforms.replies import any_reply, texts


def messages(reply: Reply, **options: Any) -> list[list[dict[str, Any]]]:
    """The components of each message, as they are sent."""
    flags = discord.MessageFlags(components_v2=True).value
    drawn = (drawing.view.to_components() for drawing in draw(reply, **options))  # type: ignore[no-untyped-call]
    return [validate_components(found, flags=flags) for found in drawn]


def parts(reply: Reply, **options: Any) -> list[dict[str, Any]]:
    return [part for message in messages(reply, **options) for part in walk_components(message)]


def text(reply: Reply, **options: Any) -> str:
    return "\n".join(part["content"] for part in parts(reply, **options) if "content" in part)


@given(any_reply)
@settings(max_examples=200, deadline=None)
async def test_no_limit_is_broken(reply: Reply) -> None:
    drawn = messages(reply, key="delivery-1", role="123")

    assert 1 <= len(drawn) <= limits.PAGES
    for message in drawn:
        found = list(walk_components(message))
        words = "".join(part.get("content", "") for part in found)
        ids = [part["custom_id"] for part in found if "custom_id" in part]
        assert 1 <= len(found) <= limits.COMPONENTS + 1  # whom it calls stands before the frame
        assert len(words) <= limits.TEXT
        assert len(words.encode()) <= limits.TEXT_BYTES
        assert len(ids) == len(set(ids))
        assert all(part["content"].strip() for part in found if "content" in part)
        assert all(1 <= len(part["label"]) <= limits.LABEL for part in found if "label" in part)
        assert all(len(part["options"]) <= limits.ENTRIES for part in found if "options" in part)


@given(any_reply)
@settings(max_examples=100, deadline=None)
async def test_nobody_is_addressed_and_nothing_turns_the_text_around(reply: Reply) -> None:
    drawn = text(reply)

    assert not re.search(r"@everyone|@here|(?<!\\)<[@#][!&]?\d+>", drawn)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", drawn)


@given(st.lists(st.text("abcdefghij ", min_size=1, max_size=4000), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
async def test_every_word_is_on_one_of_the_messages_or_they_say_what_is_missing(bodies: list[str]) -> None:
    drawn = text(Reply.of(*map(Text, bodies)))

    if SHORTENED not in drawn:
        assert "".join(drawn.split()).replace("…", "") == "".join("".join(bodies).split())


@given(texts, st.integers(1, 4000), st.integers(1, 10_000))
@settings(deadline=None)
def test_a_split_loses_nothing_but_space(body: str, characters: int, size: int) -> None:
    now, later = split(body, characters, size)

    assert len(now) <= max(characters, 4)
    assert len(now.encode()) <= max(size, 4)
    if "```" not in body:
        assert "".join((now + later).split()) == "".join(body.split())


async def test_a_long_text_goes_on_in_further_messages_and_code_stays_code() -> None:
    reply = Reply.of(Text("Look:\n\n```python\n" + "x = 1  # a line of code\n" * 300 + "```"), Notice("The end."))
    drawn = ["\n".join(p["content"] for p in walk_components(m) if "content" in p) for m in messages(reply)]

    assert len(drawn) == 2
    assert all(page.count("```") == 2 for page in drawn)
    assert drawn[1].startswith("```python\n")
    assert drawn[1].endswith("The end.")
    assert sum(page.count("x = 1") for page in drawn) == 300


async def test_what_is_longer_than_all_messages_says_so() -> None:
    assert text(Reply.of(Text("word " * 8000))).endswith(SHORTENED)


async def test_a_tie_keeps_its_places() -> None:
    rows = (Rank(4, "a_b", "3"), Rank(4, "bob", "3"), Rank(6, "cy", "1"))
    drawn = text(Reply.of(Standings("Week", rows)))

    assert [line[:3] for line in drawn.splitlines()[1:]] == ["4\\.", "4\\.", "6\\."]
    assert "a\\_b" in drawn


async def test_two_buttons_that_do_the_same_are_one() -> None:
    reply = Reply.of(Choices((Action("One", "help"), Action("Two", "help"), Action("Three", "daily"))))

    assert [part["label"] for part in parts(reply) if "label" in part] == ["One", "Three"]


async def test_a_menu_shows_what_is_picked_and_says_in_its_id_what_is_missing() -> None:
    menu = Menu(
        "Days", "schedule change s1", "days", (Entry("Monday", "monday", True), Entry("Friday", "friday")), True
    )
    [found] = [part for part in parts(Reply.of(menu)) if "options" in part]

    assert found["custom_id"] == "schedule change s1 days="
    assert [option.get("default", False) for option in found["options"]] == [True, False]
    assert found["max_values"] == 2


async def test_a_post_carries_its_mark_and_calls_a_role_only_where_told_to() -> None:
    [frame] = messages(Reply.of(Text("Hello <@&5>")), key="delivery-7")[0]
    called = messages(Reply.of(Text("Hello")), key="delivery-7", role="5")[0]

    assert frame["id"] == mark("delivery-7")
    assert not re.search(r"(?<!\\)<@", text(Reply.of(Text("Hello <@&5>")), key="delivery-7"))
    assert called[0]["content"] == "<@&5>"


async def test_buttons_of_a_direct_message_say_where_they_belong() -> None:
    reply = Reply.of(Choices((Action("Now", "question"), Action("Long", "x" * 100))))

    assert [part["custom_id"] for part in parts(reply, home="42") if "custom_id" in part] == ["@42 question"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[a bank](https://evil.example/login)", "a bank (https://evil.example/login)"),
        ("[click](javascript:alert)", "click"),
        ("![pixel](https://evil.example/x.png)", "pixel"),
        ("<#123> and </ask:1> and <t:1> and <:e:1>", "\\<#123> and \\</ask:1> and \\<t:1> and \\<:e:1>"),
        ("`<#123>` stays", "`<#123>` stays"),
        ("#### Small print", "**Small print**"),
        ("a \u202eright-to-left\u202c b", "a right-to-left b"),
        ("| a | b |\n|---|---|\n| 1 | 22 |\n", "```text\na  b\n1  22\n```"),
    ],
)
def test_what_a_bank_says_hides_nothing(written: str, shown: str) -> None:
    assert markdown(written).strip() == shown


async def test_what_a_model_writes_cannot_pass_for_ours() -> None:
    written = "# Right!\n-# The bank's own text\nSee https://evil.example/x or [this](https://evil.example/y)"
    drawn = text(Reply.of(Explanation(written, "model")))

    assert "\n# " not in drawn
    assert "\n-# The bank" not in drawn
    assert "`https://evil.example/x`" in drawn
    assert "`https://evil.example/y`" in drawn


@pytest.mark.parametrize(
    "name", ["# Boss", "-# small", "> quote", "1. first", "[x](https://a.b)", "a\nb", "https://a.b"]
)
def test_a_name_is_nothing_but_a_name(name: str) -> None:
    drawn = plain(name)

    assert "\n" not in drawn
    assert not re.match(r"#|-#|>|\d+\.", drawn)
    assert "://" not in drawn
