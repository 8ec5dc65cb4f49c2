"""Time in proportion to the text: nobody can hold up the others with a text of 100 kB."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bot.text.cleaning import clean, named
from knowledge.format.commonmark import new_parser
from knowledge.importers import sanitize
from tests.text.dialects import DIALECTS

PIECES = (
    *("a", "."),
    *("![", "[", "[a](", "]( ", "[a](b)", "![a](b ", "[[]", "*", "**a ", "_a", "**_a", "~~a", "`", "`a``", "\\", "\\("),
    *("$", "$a ", "$$a ", "$$\n", "\\$", "\\(a ", "\\[\n", "\\[a\n", "<", "<b>", "<sub>", "<a ", "<!--", "<https://a "),
    *(
        "> ",
        "> a\n",
        ">",
        "- ",
        "- a\n",
        "1. a\n",
        "# ",
        "# a\n",
        "|",
        "|a",
        "|a|b|\n|-|-|\n",
        "a|",
        "-|",
        "```\n",
        "``` x",
    ),
    *(
        "~~~\n",
        "&amp",
        "&#x202e;",
        "a\n",
        "  a\n",
        "\t",
        "http://a.b",
        "http://a ",
        "://",
        "www.",
        "א",
        "א a ",
        "\u00ad",
    ),
    *("\u200d", "\ufe0f", "a\u0301", "@", "<@1>", "<t:1", "{", "^{", "\\frac", "\\left("),
)
SUSPECTS = (
    "![",
    "[a](",
    "[[]",
    "**a ",
    "`a``",
    "$a ",
    "$$a ",
    "\\[\n",
    "<b>",
    "> a\n",
    "|a|b|\n|-|-|\n",
    "~~a",
    "&amp",
    "a",
    ".",
)
"""What took time with the square of its number once, here or in other programs."""
SIZE = 2_000
FACTOR = 4
QUADRATIC = FACTOR**2
"""How much longer a text that's FACTOR times as long takes if the time grows with the square."""


def seconds(work: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    work(text)
    return time.thread_time() - started


def is_linear(work: Callable[[str], object], piece: str) -> bool:
    """Compare a text with a longer one, several times: whatever else the computer does could only spoil some."""
    for attempt in range(4):
        short, long = (f"http://{piece * (size // len(piece))}{attempt}" for size in (SIZE, SIZE * FACTOR))
        if seconds(work, long) < (QUADRATIC + FACTOR) / 2 * max(seconds(work, short), 0.002):
            return True
    return False


def everything(text: str) -> None:
    """Read and write a text in every way there is."""
    for write in DIALECTS.values():
        write(text, True)
    new_parser().disable(["link", "image"]).parse(text)
    named(clean(text))
    sanitize.text(text, lambda _line, _reason: None)


@pytest.mark.parametrize("pieces", [SUSPECTS, pytest.param(PIECES, marks=pytest.mark.soak)], ids=["suspects", "all"])
def test_reading_and_writing_take_time_in_proportion_to_the_text(pieces: tuple[str, ...]) -> None:
    assert [piece for piece in pieces if not is_linear(everything, piece)] == []
