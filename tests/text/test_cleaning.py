"""Names that members choose, where they stand in Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.text.cleaning import MAX_NAME, clean, named
from bot.text.maths import readable

signs = st.lists(st.sampled_from([*"[]()<>*_~|`#@\\$!&-+=.1: \n/", "http", "://", "a", "```", "\u200b"])).map("".join)


@pytest.mark.parametrize(
    "name",
    ["Jean-Luc", "O'Neil", "ada_l", "李雷", "J.R.", "Ada (she/her)", "Zoë & Max", "C#", "2.5", "👩\u200d🚀 Sally"],
)
def test_an_ordinary_name_does_not_change(name: str) -> None:
    assert named(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[a](https://evil.gg/x)", "(a)(evil.gg/x)"),
        ("https://evil.gg/nitro", "evil.gg/nitro"),
        ("hthttp://tp://evil.gg", "evil.gg"),
        ("http:x:////evil.gg", "http:evil.gg"),
        ("**bold** `me`", "∗∗bold∗∗ ˋmeˋ"),
        ("<@123456789012345678>", "‹＠123456789012345678›"),
        ("_ada_ l__x", "＿ada＿ l＿＿x"),
        ("||who||", "¦¦who¦¦"),
        ("Ke$ha", "Ke＄ha"),
        ("# Boss", "＃ Boss"),
        ("-# small", "–# small"),
        ("1. first", "1․ first"),
        ("a\nb", "a b"),
        ("a :// b", "a b"),
        ("", "somebody"),
        ("https://", "somebody"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_special_characters_in_a_name_mean_nothing(name: str, shown: str) -> None:
    assert named(name) == shown


@given(st.one_of(st.text(), signs))
@example("_" * 81)
def test_any_name_is_plain_text_in_markdown(name: str) -> None:
    shown = named(name)
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(readable(shown))

    assert 1 <= len(shown) <= MAX_NAME
    assert "://" not in shown
    assert not re.search(r"[\[\]<>*~|`\\@$]|^[#+=-]|\n", shown)
    assert shown == clean(shown) == named(shown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in _inside(tokens)} <= {"text", "text_special"}


@given(signs, signs)
def test_two_names_next_to_each_other_are_plain_text(one: str, other: str) -> None:
    said = f"On a streak: {named(one)}, {named(other)} and {named(one)}."
    tokens = MarkdownIt("commonmark").enable("strikethrough").parse(readable(said))

    assert {child.type for child in _inside(tokens)} <= {"text", "text_special"}


def _inside(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]
