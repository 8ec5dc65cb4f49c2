"""What a member did, and what became of it: acknowledged in time, answered, edited, followed up."""

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
    """One interaction from its start to its last edit. Moments are in seconds of the clock of this Discord."""

    id: int
    kind: int
    user: User
    channel: Channel
    data: Payload
    at: float
    discord: Discord
    source: Message | None = None
    """The message whose button was pressed."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    expired: bool = False
    callback: Payload | None = None
    acknowledged_at: float | None = None
    answered_at: float | None = None
    message: Message | None = None
    followups: list[Message] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """It has its answer: a message that is more than "thinking", a form, or suggestions."""

    @property
    def modal(self) -> Payload:
        """The form that was opened."""
        assert self.callback is not None
        assert self.callback["type"] == 9, f"no form but {self.callback}"
        form: Payload = self.callback["data"]
        return form

    @property
    def choices(self) -> list[Payload]:
        """The suggestions that were given."""
        assert self.callback is not None
        found: list[Payload] = self.callback["data"]["choices"]
        return found

    @property
    def text(self) -> str:
        """Everything that was said in answer to it."""
        assert self.message is not None, f"no message but {self.callback}"
        return "\n".join(message.text for message in (self.message, *self.followups))

    @property
    def private(self) -> bool:
        assert self.message is not None
        return bool(self.message.flags & 64)

    async def answered(self, within: float = HANG) -> Interaction:
        """Wait for its answer."""
        async with asyncio.timeout(within):
            await self.done.wait()
        return self

    async def until(self, holds: Callable[[Interaction], bool], within: float = HANG) -> Interaction:
        """Wait until something is true of it, which is looked at after every request."""
        await self.discord.until(lambda: holds(self), within)
        return self

    def settled(self) -> None:
        if self.callback is not None and not (self.message and self.message.flags & LOADING):
            self.answered_at = self.answered_at or self.discord.clock.now()
            self.done.set()

    @property
    def metadata(self) -> Payload:
        """What the message made by it says of it."""
        owners = {"0": str(self.channel.guild.id)} if self.channel.guild else {"1": str(self.user.id)}
        return {
            "id": str(self.id),
            "type": self.kind,
            "user": self.user.payload,
            "authorizing_integration_owners": owners,
        }

    @property
    def payload(self) -> Payload:
        """As the gateway delivers it."""
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
