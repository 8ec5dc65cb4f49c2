"""Text in pictures: what is left of a name, and how much of it fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drawing.font import font
from bot.drawing.labels import label, legible, shortened, text_width, wrapped
from bot.drawing.svg import render_png

BLANK = render_png("", 60, 20, zoom=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ada  lovelace\n", "ada lovelace"),
        ("a\0b\x1b\u202ec\ud800\ue000", "abc"),
        ("Łukasz Ζήνων محمد", "Łukasz Ζήνων محمد"),
        ("e\u0301", "é"),
        ("Z" + "\u0335" * 9, "Z\u0335\u0335"),
    ],
)
def test_a_name_keeps_only_its_visible_characters(name: str, shown: str) -> None:
    assert legible(name) == shown


@pytest.mark.parametrize("character", ["\U0010fffd", "\ue000", "\U000e0041", "\u0378"])
def test_a_character_without_a_font_leaves_no_box(character: str) -> None:
    """Neither in a line, where it is left out, nor in what is drawn as it is."""
    unfiltered = f'<text x="2" y="15" font-size="15">{character}</text>'

    assert render_png(label(2, 15, character, 15), 60, 20, zoom=1) == BLANK
    assert render_png(unfiltered, 60, 20, zoom=1) == BLANK


def test_a_character_of_the_font_is_drawn() -> None:
    assert render_png(label(2, 15, "ada", 15), 60, 20, zoom=1) != BLANK


def test_a_name_that_fits_is_not_shortened() -> None:
    assert shortened("ada", 15, 200) == "ada"


def test_a_long_name_ends_in_an_ellipsis() -> None:
    shown = shortened("ada lovelace, countess", 15, 100)

    assert shown.startswith("ada love")
    assert shown.endswith("…")


def test_a_right_to_left_name_has_its_ellipsis_on_the_left() -> None:
    assert shortened("محمد بن موسى الخوارزمي", 15, 100).endswith("…\u200f")


@given(st.text(max_size=60), st.floats(20, 200))
def test_no_shortened_name_exceeds_its_width(name: str, max_width: float) -> None:
    assert font().width(shortened(name, 15, max_width), 15) <= max_width


def test_words_are_wrapped_and_the_last_line_is_shortened() -> None:
    lines = list(wrapped("one two three four five six seven", 12, 90, lines=2))

    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert all(text_width(text, 12) <= 90 for text in lines)


def test_blank_text_wraps_to_no_lines() -> None:
    assert list(wrapped(" ", 12, 90, lines=2)) == []
