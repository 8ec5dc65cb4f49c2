"""The fake's world: users, guilds, channels and roles, and methods to create them."""

from __future__ import annotations

import copy
from typing import Any

from discord import Permissions

from tests.platforms.discord.fake.clock import Clock
from tests.platforms.discord.fake.interactions import Interaction
from tests.platforms.discord.fake.model import (
    DM,
    EVERYBODY,
    TEXT,
    THREAD,
    Channel,
    Guild,
    Membership,
    Message,
    Payload,
    Role,
    User,
)

STATE = ("me", "users", "guilds", "channels", "commands", "interactions", "nonces", "blobs")
"""The attributes of a world that change, except its clock."""


class World:
    """Everything that Discord stores."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.me = User(self.clock.id(), "studyhall", bot=True)
        self.application = self.me.id
        self.users: dict[int, User] = {self.me.id: self.me}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.commands: dict[int, list[Payload]] = {0: []}
        """Registered commands by guild id; 0 has the global ones."""
        self.interactions: dict[str, Interaction] = {}
        self.nonces: dict[tuple[int, str], Message] = {}
        self.blobs: dict[str, bytes] = {}

    def saved(self) -> dict[str, Any]:
        """Return a copy of everything, for `restore`."""
        kept = {name: getattr(self, name) for name in STATE}
        return copy.deepcopy(kept, {id(self): self, id(self.clock): self.clock}) | {"ahead": self.clock.ahead}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go back to how everything was, the time included."""
        self.clock.ahead = saved["ahead"]
        for name, value in copy.deepcopy({name: saved[name] for name in STATE}, {id(self): self}).items():
            setattr(self, name, value)

    def guild(self, name: str = "Readers") -> Guild:
        """Create a guild with only its owner and the bot in it, which has its own role."""
        own = Role(self.clock.id(), self.me.name, Permissions.none(), bot=self.me.id)
        owner, me = self.user("owner"), Membership(self.me, [own.id])
        made = Guild(self.clock.spread_id(), name, owner, me)
        made.roles = {made.id: Role(made.id, "@everyone", EVERYBODY), own.id: own}
        made.members = {owner.id: Membership(owner), self.me.id: me}
        self.guilds[made.id] = made
        return made

    def role(self, guild: Guild, name: str, *, mentionable: bool = False, **permissions: bool) -> Role:
        made = Role(self.clock.id(), name, Permissions(**permissions), mentionable)
        guild.roles[made.id] = made
        return made

    def user(self, name: str) -> User:
        made = User(self.clock.id(), name)
        self.users[made.id] = made
        return made

    def channel(self, guild: Guild, name: str = "papers", kind: int = TEXT) -> Channel:
        made = Channel(self.clock.id(), name, guild, kind)
        guild.channels[made.id] = self.channels[made.id] = made
        return made

    def thread(self, message: Message, name: str) -> Channel:
        """Create a thread under a message; as on Discord, it has the message's id."""
        parent = message.channel
        assert parent.guild is not None
        made = Channel(message.id, name, parent.guild, THREAD, parent=parent)
        parent.guild.channels[made.id] = self.channels[made.id] = made
        return made

    def record(self, guild: Guild, action: int, by: User, target: User) -> None:
        """Add an entry to the guild's audit log."""
        entry = {"id": self.clock.id(), "action_type": action, "user_id": by.id, "target_id": target.id}
        guild.audit_log.append({name: value if name == "action_type" else str(value) for name, value in entry.items()})

    def conversation(self, user: User) -> Channel:
        """Return the DM channel with a user, creating it if needed."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        made = Channel(self.clock.id(), "", None, DM, recipient=user)
        self.channels[made.id] = made
        return made
