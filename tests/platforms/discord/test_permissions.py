"""What the bot asks for, and what it says where something is missing."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from bot.platforms.discord.permissions import REQUIRED, invite_permissions, missing, sentence


def test_the_invite_link_asks_for_what_is_needed_and_no_more() -> None:
    assert invite_permissions() == discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        attach_files=True,
        read_message_history=True,
        create_public_threads=True,
        pin_messages=True,
    )


def test_pinning_has_its_own_permission() -> None:
    assert discord.Permissions(pin_messages=True).value == 1 << 51
    assert not invite_permissions().manage_messages


def test_every_permission_says_why_it_is_needed() -> None:
    assert all(need.why and need.flag in discord.Permissions.VALID_FLAGS for need in REQUIRED)
    assert len({need.name for need in REQUIRED}) == len(REQUIRED)


def test_the_docs_list_each_permission_with_the_same_reason() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")

    assert [need.name for need in REQUIRED if need.when != "role" and f"| {need.name} | {need.why}" not in page] == []


def test_nothing_is_missing_with_the_invite_link() -> None:
    assert missing(invite_permissions(), thread=True, pin=True) == ()


@pytest.mark.parametrize(
    ("wants", "lacking"),
    [
        ({}, ("Send Messages", "Attach Files")),
        ({"thread": True}, ("Send Messages", "Attach Files", "Send Messages in Threads", "Create Public Threads")),
        ({"pin": True}, ("Send Messages", "Attach Files", "Pin Messages")),
        ({"inside": True}, ("Attach Files", "Send Messages in Threads")),
    ],
)
def test_only_permissions_that_a_post_needs_are_missing(wants: dict[str, bool], lacking: tuple[str, ...]) -> None:
    have = discord.Permissions(view_channel=True, read_message_history=True)

    assert missing(have, **wants) == lacking


def test_missing_permissions_are_listed_with_who_can_grant_them() -> None:
    one, two, three = (
        sentence(names, "papers")
        for names in (("Send Messages",), ("Send Messages", "Attach Files"), ("A", "B", "Pin Messages"))
    )

    assert one == (
        "I still need Send Messages in #papers. "
        "A server admin can grant it in the channel's settings, under Permissions."
    )
    assert two == (
        "I still need Send Messages and Attach Files in #papers. "
        "A server admin can grant them in the channel's settings, under Permissions."
    )
    assert "I still need A, B and Pin Messages in #papers." in three
