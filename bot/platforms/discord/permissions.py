"""The permissions that the bot needs, by the names in Discord's settings, and why it needs each.

Embed Links isn't needed: a message of components shows its own pictures and no link previews. Neither is Manage
Messages: since 2026, pins have a permission of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import discord


@dataclass(frozen=True, slots=True)
class RequiredPermission:
    """`flag` is the permission's name in discord.py, `name` its name in a channel's settings.

    `when`: always; for posts with a thread or a pin; or to mention a role that not everybody may mention.
    """

    flag: str
    name: str
    why: str
    when: Literal["always", "thread", "pin", "role"] = "always"


REQUIRED = (
    RequiredPermission("view_channel", "View Channel", "to see the channel it posts in"),
    RequiredPermission("send_messages", "Send Messages", "to post daily questions and their answers"),
    RequiredPermission("attach_files", "Attach Files", "to show formulas and charts as pictures"),
    RequiredPermission("read_message_history", "Read Message History", "to find its own post before posting it again"),
    RequiredPermission("send_messages_in_threads", "Send Messages in Threads", "to write in threads", "thread"),
    RequiredPermission(
        "create_public_threads", "Create Public Threads", "to open a thread under a daily question", "thread"
    ),
    RequiredPermission("pin_messages", "Pin Messages", "to pin a daily question and unpin the previous one", "pin"),
    RequiredPermission(
        "mention_everyone",
        "Mention @everyone, @here, and All Roles",
        "to mention a role that not everybody may mention; it's better to let everybody mention that role",
        "role",
    ),
)


def invite_permissions() -> discord.Permissions:
    """Return all but the one for mentioning roles, which also covers everyone: a role can be opened up instead."""
    return discord.Permissions(**{needed.flag: True for needed in REQUIRED if needed.when != "role"})


def missing(
    granted: discord.Permissions, *, thread: bool = False, pin: bool = False, inside: bool = False
) -> tuple[str, ...]:
    """Return the permissions that a post in a channel still needs, by their names in Discord's settings.

    `thread` and `pin`: whether the post gets one; `inside`: whether the channel is itself a thread, where writing is a
    different permission.
    """
    needed = {
        "send_messages": not inside,
        "send_messages_in_threads": thread or inside,
        "create_public_threads": thread,
        "pin_messages": pin,
        "mention_everyone": False,
    }
    return tuple(each.name for each in REQUIRED if needed.get(each.flag, True) and not getattr(granted, each.flag))


def sentence(names: Sequence[str], channel: str) -> str:
    """Say which permissions are missing in a channel and who can grant them."""
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    pronoun = "them" if others else "it"
    return (
        f"I still need {listed} in #{channel}. A server admin can grant {pronoun} in the channel's settings, "
        "under Permissions."
    )
