"""Names that members choose, where they stand in Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it.token import Token

from bot.text.cleaning import MAX_NAME, clean, invisible, isolated, named
from knowledge.format.commonmark import new_parser

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
    tokens = new_parser().parse(shown)

    assert 1 <= len(shown) <= MAX_NAME
    assert "://" not in shown
    assert not re.search(r"[\[\]<>*~|`\\@$]|^[#+=-]|\n", shown)
    assert shown == clean(shown) == named(shown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in _inside(tokens)} <= {"text", "text_special"}


@given(signs, signs)
def test_two_names_next_to_each_other_are_plain_text(one: str, other: str) -> None:
    said = f"On a streak: {named(one)}, {named(other)} and {named(one)}."
    tokens = new_parser().parse(said)

    assert {child.type for child in _inside(tokens)} <= {"text", "text_special"}


def _inside(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


@pytest.mark.parametrize(
    "hidden",
    [
        *("\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u200b", "\u2060", "\u3164", "\ufeff", "\uffa0"),
        *("\u202e", "\u2066", "\u2069", "\u061c", "\u200f", "\x07", "\x9b", "\ud800", "\u2028", "\U000e0001"),
        *("\U000e0041\U000e0042", "\ufe0f", "\u200d", "\U000e0100", "\ufe0f\ufe0f\ufe0f", "\U0001d173"),
    ],
)
def test_what_nobody_sees_is_removed_and_counted(hidden: str) -> None:
    assert clean(f"a{hidden}b {hidden} c") == "ab  c"
    assert invisible(f"a{hidden}b") == len(hidden)


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d🚀",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "क्\u200dष",
    ],
)
def test_emoji_and_scripts_keep_what_they_are_written_with(text: str) -> None:
    assert clean(text) == text
    assert invisible(text) == 0


def test_data_hidden_in_variation_selectors_is_removed() -> None:
    assert clean("😀" + "\ufe00\ufe01\ufe02\U000e0101" * 20) == "😀\ufe00"


def test_a_name_written_right_to_left_is_isolated() -> None:
    assert isolated("דנה") == "\u2068דנה\u2069"
    assert isolated("Zoë") == "Zoë"
