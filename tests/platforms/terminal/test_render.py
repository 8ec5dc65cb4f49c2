"""Replies as the terminal shows them."""

from __future__ import annotations

from hypothesis import given

from bot.replies import File, Menu, MenuOption, Picture, Reply
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
