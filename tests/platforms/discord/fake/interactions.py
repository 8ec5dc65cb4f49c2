"""Interactions: what a member did, and how the bot responded to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.clocks import HANG
from tests.platforms.discord.fake.model import LOADING, Channel, Message, Payload, User

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

COMMAND, COMPONENT, COMPLETE, FORM = 2, 3, 4, 5
ACKNOWLEDGE_WITHIN = 3.0
TOKEN_LIVES = 15 * 60.0
FILE_LIMIT = 10 * 1024 * 1024


@dataclass(slots=True)
class Interaction:
    """One interaction, updated as the bot responds. Times are in seconds of the fake's clock."""

    id: int
    kind: int
    user: User
    channel: Channel
    data: Payload
    at: float
    discord: Discord
    source: Message | None = None
    """The message with the button or menu that was used."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    expired: bool = False
    callback: Payload | None = None
    acknowledged_at: float | None = None
    answered_at: float | None = None
    message: Message | None = None
    followups: list[Message] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it's answered with a form, suggestions, or a message other than "thinking"."""

    @property
    def modal(self) -> Payload:
        """The form that the bot opened."""
        assert self.callback is not None
        assert self.callback["type"] == 9, f"no form but {self.callback}"
        form: Payload = self.callback["data"]
        return form

    @property
    def choices(self) -> list[Payload]:
        """The autocomplete suggestions that the bot returned."""
        assert self.callback is not None
        found: list[Payload] = self.callback["data"]["choices"]
        return found

    @property
    def text(self) -> str:
        """The text of the response and all follow-ups."""
        assert self.message is not None, f"no message but {self.callback}"
        return "\n".join(message.text for message in (self.message, *self.followups))

    @property
    def private(self) -> bool:
        assert self.message is not None
        return bool(self.message.flags & 64)

    async def answered(self, within: float = HANG) -> Interaction:
        """Wait until it's answered, and return it."""
        async with asyncio.timeout(within):
            await self.done.wait()
        return self

    async def until(self, holds: Callable[[Interaction], bool], within: float = HANG) -> Interaction:
        """Wait until `holds` is true of it, checking after every request and event."""
        await self.discord.until(lambda: holds(self), within)
        return self

    def settled(self) -> None:
        if self.callback is not None and not (self.message and self.message.flags & LOADING):
            self.answered_at = self.answered_at or self.discord.clock.now()
            self.done.set()

    @property
    def metadata(self) -> Payload:
        """The `interaction_metadata` of messages that respond to it."""
        owners = {"0": str(self.channel.guild.id)} if self.channel.guild else {"1": str(self.user.id)}
        return {
            "id": str(self.id),
            "type": self.kind,
            "user": self.user.payload,
            "authorizing_integration_owners": owners,
        }

    @property
    def payload(self) -> Payload:
        """The INTERACTION_CREATE payload."""
        guild, discord = self.channel.guild, self.discord
        common: Payload = {
            "id": str(self.id),
            "application_id": str(discord.application),
            "type": self.kind,
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(self.channel.id),
            "channel": self.channel.payload,
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": FILE_LIMIT,
            "authorizing_integration_owners": self.metadata["authorizing_integration_owners"],
            "context": 0 if guild else 1,
            **({"message": self.source.payload} if self.source else {}),
        }
        if guild is None:
            return common | {"user": self.user.payload, "app_permissions": "0"}
        mine = guild.permissions(self.user.id, self.channel)
        return common | {
            "guild_id": str(guild.id),
            "guild": guild.short,
            "guild_locale": "en-US",
            "member": guild.members[self.user.id].payload | {"permissions": str(mine.value)},
            "app_permissions": str(guild.permissions(discord.me.id, self.channel).value),
        }
