"""Replies as the terminal shows them."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from rich.cells import cell_len
from rich.console import Console

from bot.platforms.terminal.render import draw
from bot.replies import (
    Button,
    Buttons,
    File,
    Menu,
    MenuOption,
    Notice,
    Picture,
    Point,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Verdict,
)
from tests.chat import plain
from tests.platforms.replies import any_reply


@given(any_reply)
def test_any_reply_can_be_shown(reply: Reply) -> None:
    assert "\x1b" not in plain(reply)


def test_a_file_is_printed_and_a_picture_described() -> None:
    shown = plain(Reply.of(Picture(b"png", "a chart"), File("export.json", "{}")))

    assert shown.splitlines() == ["[picture: a chart]", "--- export.json ---", "{}"]


def test_a_menu_shows_its_selection_and_the_command_that_changes_it() -> None:
    days = (MenuOption("Monday", "mon", chosen=True), MenuOption("Friday", "fri"))

    assert plain(Reply.of(Menu("Days", "schedule change s1", "days", days))) == (
        "Days: Monday   `schedule change s1 days=…`\n"
    )


BLOCKS = (
    Notice("Saved.", when=datetime(2026, 11, 18, tzinfo=UTC)),
    Text("- a list\n\n```py\nx = 1\n```\n\na | b\n-|-\n1 | 2\n\n# Heading\n\n> a quote", "A title"),
    Table(("Name", "Value"), (("a", "b"),), title="A table"),
    Verdict(False, "No.", "Which one?", "A. This", "- because", "B. That", reference="- all of it", score="+0"),
    Notice("Streak: 3 days."),
    Buttons((Button("Next", "question"),), prompt="What now?"),
)


def colored(reply: Reply, width: int = 80) -> str:
    page = io.StringIO()
    Console(file=page, width=width, force_terminal=True, color_system="standard").print(draw(reply))
    return page.getvalue()


def test_parts_are_one_empty_line_apart() -> None:
    shown = plain(Reply(BLOCKS))

    assert not re.search(r"\A\n|\n\n\n|\n\n\Z", shown)
    assert "\n\nA title\n\n • a list\n" in shown
    assert "\n\nA table\nName" in shown
    assert "\n· Streak: 3 days.\n\nWhat now?\n[1] Next\n" in shown


def test_nothing_has_a_background_that_only_suits_a_dark_terminal() -> None:
    codes = re.findall(r"\x1b\[([\d;]*)m", colored(Reply.of(*BLOCKS, Text("`code` in **text**"))))

    assert codes
    assert not [code for code in codes if re.search(r"\b(4[0-8]|9\d|10\d)\b", code)]


def test_code_in_a_line_is_marked_without_colors_too() -> None:
    assert plain(Reply.of(Text("Try `ask x` or $E=mc^2$."))) == "Try `ask x` or E = mc².\n"


@pytest.mark.parametrize("width", [40, 80])
def test_a_button_is_on_one_line_with_its_key(width: int) -> None:
    labels = [f"A long label {number}" for number in range(9)]
    page = io.StringIO()
    buttons = Buttons(tuple(Button(label, label) for label in labels))
    Console(file=page, width=width, color_system=None).print(draw(Reply.of(buttons)))

    lines = page.getvalue().splitlines()
    assert len(lines) > 1
    for number, label in enumerate(labels, 1):
        assert any(f"[{number}] {label}" in line for line in lines)


def test_no_word_in_a_table_is_cut() -> None:
    long = "America/Argentina/ComodRivadavia" * 4
    shown = plain(Reply.of(Table(("Zone",), ((long,),))))

    assert "".join(shown.split("\n")[2:]) == long


def test_names_written_right_to_left_keep_their_columns_and_bring_no_invisible_characters() -> None:
    names = ("ada", "דוד לוי", "محمد علي", "山田太郎", "\u2068דוד\u2069")
    rows = tuple(Rank(number, name, "10", "1 answer") for number, name in enumerate(names, 1))
    shown = plain(Reply.of(Standings("This week", rows), Buttons((Button("של \u2068דוד\u2069", "x"),))))

    lines = [line for line in shown.splitlines() if "answer" in line]
    assert len({cell_len(line[: line.index("10   1 answer")]) for line in lines}) == 1
    assert not re.search(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


def test_a_sentence_stands_below_its_point_and_is_not_repeated() -> None:
    points = (
        Point("One", "mentioned", "I said this."),
        Point("Two", "perhaps", "I said this."),
        Point("Three", "missing"),
    )

    assert plain(Reply.of(Verdict(None, "2 of 3.", points=points))) == (
        "· 2 of 3.\n✓ One\n    “I said this.”\n~ Two\n○ Three\n"
    )
