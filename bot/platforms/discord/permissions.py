"""The permissions that the bot needs, as Discord's own settings call them, and why each.

Embed Links is not among them: a message of components shows its own pictures and no previews of links. Nor is Manage
Messages: since 2026 pins have a permission of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import discord


@dataclass(frozen=True, slots=True)
class Need:
    """`flag` is the permission's name in discord.py, `name` in the settings of a channel.

    `when`: always; for a post with a thread under it or a pin; or to call a role that not everybody may mention.
    """

    flag: str
    name: str
    why: str
    when: Literal["always", "thread", "pin", "role"] = "always"


NEEDS = (
    Need("view_channel", "View Channel", "to see the channel it posts in"),
    Need("send_messages", "Send Messages", "to post daily questions and their answers"),
    Need("attach_files", "Attach Files", "to show formulas and charts as pictures"),
    Need("read_message_history", "Read Message History", "to find its own post before sending it once more"),
    Need("send_messages_in_threads", "Send Messages in Threads", "to write in threads", "thread"),
    Need("create_public_threads", "Create Public Threads", "to open a thread under a daily question", "thread"),
    Need("pin_messages", "Pin Messages", "to pin a daily question, and take down the one before", "pin"),
    Need(
        "mention_everyone",
        "Mention @everyone, @here, and All Roles",
        "to call a role that not everybody may mention; better let everybody mention that role",
        "role",
    ),
)


def invite_permissions() -> discord.Permissions:
    """All of them but the one for roles, which would let the bot call everybody: a role can be opened instead."""
    return discord.Permissions(**{need.flag: True for need in NEEDS if need.when != "role"})


def missing(
    have: discord.Permissions, *, thread: bool = False, pin: bool = False, files: bool = True, inside: bool = False
) -> tuple[str, ...]:
    """What a post in a channel lacks, by its name in Discord's settings.

    `thread` and `pin` are what comes with the post, `files` whether it may have pictures, `inside` whether the channel
    is a thread itself: to write there is another permission.
    """
    needed = {
        "send_messages": not inside,
        "attach_files": files,
        "send_messages_in_threads": thread or inside,
        "create_public_threads": thread,
        "pin_messages": pin,
        "mention_everyone": False,
    }
    return tuple(need.name for need in NEEDS if needed.get(need.flag, True) and not getattr(have, need.flag))


def sentence(names: Sequence[str], channel: str) -> str:
    """What is missing in a channel and who can give it, as one that may be shown there."""
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    it = "them" if others else "it"
    return (
        f"In #{channel} I still need {listed}. A server admin gives {it} in the channel's settings under Permissions."
    )
