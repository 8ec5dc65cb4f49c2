"""The data model: guilds with roles, members and channels, and the messages in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from discord import Permissions

from tests.platforms.discord.fake.clock import made_at, stamp

TEXT, DM, FORUM, THREAD = 0, 1, 15, 11
REPLY = 19
"""The type of a message that replies to another one."""
BOT_ADD = 28
"""What an audit log calls it when a bot comes to a guild."""
EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15
EVERYBODY = Permissions(
    view_channel=True,
    send_messages=True,
    read_message_history=True,
    attach_files=True,
    embed_links=True,
    create_public_threads=True,
    send_messages_in_threads=True,
    use_application_commands=True,
)

Payload = dict[str, Any]


@dataclass(slots=True)
class User:
    id: int
    name: str
    bot: bool = False
    closed: bool = False
    """Takes no direct messages."""

    @property
    def payload(self) -> Payload:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.bot else self.name.capitalize(),
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "flags": 0,
            "public_flags": 0,
            "primary_guild": None,
        }


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: Permissions
    mentionable: bool = False
    bot: int = 0
    """The bot whose own role it is: Discord makes one when a bot is added with permissions, and manages it."""

    @property
    def payload(self) -> Payload:
        return {
            **({"tags": {"bot_id": str(self.bot)}} if self.bot else {}),
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions.value),
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 1,
            "managed": bool(self.bot),
            "mentionable": self.mentionable,
            "flags": 0,
        }


@dataclass(slots=True)
class Message:
    """A message; `files` has the contents of its attachments by name."""

    id: int
    channel: Channel
    author: User
    body: Payload
    type: int = 0
    flags: int = 0
    edited: float | None = None
    nonce: str | None = None
    reference: int | None = None
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    pinned: bool = False
    interaction: Payload | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Its content and the text of its components."""
        shown = [str(part["content"]) for part in parts(self.body.get("components")) if "content" in part]
        return "\n".join(filter(None, [self.body.get("content"), *shown]))

    @property
    def buttons(self) -> dict[str, str]:
        """The custom id of each button, by label."""
        return {p["label"]: p["custom_id"] for p in parts(self.body.get("components")) if p["type"] == 2}

    @property
    def payload(self) -> Payload:
        guild = self.channel.guild
        reference = {"message_id": str(self.reference), "channel_id": str(self.channel.id), "type": 0}
        return {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            **({"guild_id": str(guild.id)} if guild else {}),
            "author": self.author.payload,
            "content": self.body.get("content") or "",
            "timestamp": stamp(made_at(self.id)),
            "edited_timestamp": stamp(self.edited) if self.edited else None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [user.payload for user in self.mentions],
            "mention_roles": self.mention_roles,
            "attachments": self.body.get("attachments") or [],
            "embeds": self.body.get("embeds") or [],
            "components": self.body.get("components") or [],
            "pinned": self.pinned,
            "type": self.type,
            "flags": self.flags,
            **({"nonce": self.nonce} if self.nonce else {}),
            **({"message_reference": reference} if self.reference else {}),
            **({"interaction_metadata": self.interaction} if self.interaction else {}),
        }


def parts(components: Iterable[Payload] | None) -> Iterator[Payload]:
    """Yield every component, including nested ones."""
    for component in components or ():
        yield component
        yield from parts(component.get("components"))
        for name in ("accessory", "component"):
            if name in component:
                yield from parts((component[name],))


@dataclass(slots=True)
class Channel:
    """A text channel, forum, thread or DM."""

    id: int
    name: str
    guild: Guild | None = None
    type: int = TEXT
    recipient: User | None = None
    parent: Channel | None = None
    overwrites: dict[int, tuple[Permissions, Permissions]] = field(default_factory=dict)
    """Allowed and denied permissions, by role or member id."""
    messages: dict[int, Message] = field(default_factory=dict)

    @property
    def last(self) -> Message:
        return list(self.messages.values())[-1]

    def deny(self, who: int, **permissions: bool) -> None:
        """Deny permissions in this channel to a role or a member."""
        self.overwrites[who] = (Permissions.none(), Permissions(**permissions))

    @property
    def payload(self) -> Payload:
        common = {"id": str(self.id), "type": self.type, "last_message_id": None, "flags": 0}
        if self.recipient is not None:
            return common | {"recipients": [self.recipient.payload]}
        assert self.guild is not None
        common |= {"guild_id": str(self.guild.id), "name": self.name}
        if self.parent is not None:
            kept = {"archived": False, "auto_archive_duration": 1440, "locked": False}
            return common | {
                "parent_id": str(self.parent.id),
                "owner_id": str(self.guild.me.user.id),
                "message_count": len(self.messages),
                "member_count": 1,
                "thread_metadata": kept | {"archive_timestamp": stamp(made_at(self.id))},
            }
        return common | {
            "position": 0,
            "permission_overwrites": [
                {
                    "id": str(target_id),
                    "type": 0 if target_id in self.guild.roles else 1,
                    "allow": str(allow.value),
                    "deny": str(deny.value),
                }
                for target_id, (allow, deny) in self.overwrites.items()
            ],
            "nsfw": False,
            "topic": None,
            "parent_id": None,
            "rate_limit_per_user": 0,
        }


@dataclass(slots=True)
class Membership:
    user: User
    roles: list[int] = field(default_factory=list)
    nick: str | None = None

    @property
    def payload(self) -> Payload:
        return {
            "user": self.user.payload,
            "roles": [str(role) for role in self.roles],
            "nick": self.nick,
            "avatar": None,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
        }


@dataclass(slots=True)
class Guild:
    id: int
    name: str
    owner: User
    me: Membership
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Membership] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    system_channel: Channel | None = None
    """The channel for Discord's own system messages."""
    audit_log: list[Payload] = field(default_factory=list)
    """Oldest first."""
    unavailable: bool = False
    """Whether it's down in an outage: READY lists it, but no GUILD_CREATE follows."""

    def permissions(self, user: int, channel: Channel | None = None) -> Permissions:
        """Return permissions as Discord computes them: roles, then overwrites for @everyone, roles and the member."""
        if user == self.owner.id:
            return Permissions.all()
        member = self.members[user]
        mine = [self.id, *member.roles]
        value = 0
        for role in mine:
            value |= self.roles[role].permissions.value
        if value & Permissions(administrator=True).value:
            return Permissions.all()
        exceptions: Mapping[int, tuple[Permissions, Permissions]] = (
            ((channel.parent or channel).overwrites) if channel else {}
        )
        for group in ((self.id,), tuple(member.roles), (user,)):
            found = [exceptions[target_id] for target_id in group if target_id in exceptions]
            for _, deny in found:
                value &= ~deny.value
            for allow, _ in found:
                value |= allow.value
        return Permissions(value)

    @property
    def own_role(self) -> Role:
        """The bot's."""
        return next(role for role in self.roles.values() if role.bot == self.me.user.id)

    @property
    def short(self) -> Payload:
        return {"id": str(self.id), "features": [], "locale": "en-US"}

    @property
    def payload(self) -> Payload:
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "system_channel_id": str(self.system_channel.id) if self.system_channel else None,
            "system_channel_flags": 0,
            "icon": None,
            "roles": [role.payload for role in self.roles.values()],
            "emojis": [],
            "stickers": [],
            "features": [],
            "preferred_locale": "en-US",
            "verification_level": 0,
            "member_count": len(self.members),
            "members": [self.me.payload],
            "channels": [c.payload for c in self.channels.values() if c.parent is None],
            "threads": [c.payload for c in self.channels.values() if c.parent is not None],
            "voice_states": [],
            "presences": [],
            "unavailable": self.unavailable,
        }
