"""What a workspace holds: people, channels, messages, views, files and tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from tests.platforms.slack.fake.shown import Payload, Shown, words

T = TypeVar("T")


class Feed(asyncio.Queue[T]):
    """Items as they come; `seen` has all of them, fetched or not."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[T] = []

    def put_nowait(self, item: T) -> None:
        self.seen.append(item)
        super().put_nowait(item)


@dataclass(slots=True)
class User:
    id: str
    name: str
    team: str
    display_name: str = ""
    real_name: str = ""
    admin: bool = False
    owner: bool = False
    bot: bool = False
    deleted: bool = False
    tz: str = "Europe/Amsterdam"
    tz_offset: int = 3600
    """In seconds; it isn't computed from the zone."""
    locale: str = "en-US"
    app: Payload = field(default_factory=dict)
    """The ids of the app and its bot, for another app's bot."""
    organization: Payload | None = None
    """What `enterprise_user` says, for a member of an organization: its `teams`, and their rank in all of it."""
    ranks: dict[str, str] = field(default_factory=dict)
    """Their rank ("member", "admin" or "owner") in workspaces of their organization other than `team`, by its id."""

    def seen_from(self, team: str) -> Payload:
        """Return what users.info says with that workspace's token: `is_admin` and `is_owner` are about it.

        In an organization, `team_id` may be the member's home, wherever they are; `enterprise_user.teams` lists the
        workspaces that they're in.
        """
        if self.organization is None:
            return self.payload
        rank = self.ranks.get(team, "member")
        local = {} if team == self.team else {"is_admin": rank != "member", "is_owner": rank == "owner"}
        return self.payload | local | {"enterprise_user": self.organization}

    @property
    def payload(self) -> Payload:
        profile = {"real_name": self.real_name, "display_name": self.display_name, "team": self.team}
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": self.tz_offset,
            "profile": profile | {"image_48": "https://avatars.example/48.png", "status_text": ""},
            "is_admin": self.admin or self.owner,
            "is_owner": self.owner,
            "is_primary_owner": self.owner,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.bot,
            "is_app_user": False,
            "updated": 1_750_000_000,
        }


@dataclass(frozen=True, slots=True)
class File:
    """`channel` is empty until the file is shared."""

    id: str
    team: str
    name: str
    title: str
    length: int
    alt: str = ""
    content: bytes | None = None
    channel: str = ""

    @property
    def payload(self) -> Payload:
        kind = self.name.rpartition(".")[2]
        made = {"id": self.id, "name": self.name, "title": self.title, "filetype": kind, "size": self.length}
        return made | {
            "mimetype": {"png": "image/png", "json": "application/json"}.get(kind, "text/plain"),
            "mode": "hosted",
            "is_external": False,
            "permalink": f"https://files.example/{self.id}/{self.name}",
            "url_private": f"https://files.example/private/{self.id}/{self.name}",
            "channels": [self.channel] if self.channel else [],
        }


@dataclass(frozen=True, slots=True)
class Message(Shown):
    """A message as one call left it. If `reader` is set, only they see it."""

    team: str
    channel: str
    text: str
    blocks: list[Payload]
    ts: str
    user: str
    app: Payload = field(default_factory=dict)
    """The ids of the app and its bot, for an app's message."""
    reader: str = ""
    metadata: Payload | None = None
    thread_ts: str = ""
    edited: str = ""
    """The time stamp of the last edit."""
    broadcast: bool = False
    files: tuple[File, ...] = ()

    @property
    def words(self) -> str:
        """All the text of its blocks, or its text if it has none."""
        return "\n".join(words(self.blocks)) if self.blocks else self.text

    @property
    def key(self) -> str:
        return f"{self.channel} {self.ts}"

    def payload(self, *, metadata: bool = False) -> Payload:
        made = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": self.team, **self.app}
        if self.blocks:
            made["blocks"] = self.blocks
        if self.thread_ts:
            made["thread_ts"] = self.thread_ts
        if self.broadcast:
            made["subtype"] = "thread_broadcast"
        if self.edited:
            made["edited"] = {"user": self.user, "ts": self.edited}
        if self.files:
            made["files"] = [file.payload for file in self.files]
        if metadata and self.metadata:
            made["metadata"] = self.metadata
        return made


@dataclass(slots=True)
class Channel:
    """`joined`: the app is in it. `direct`: the user whose conversation with the app it is."""

    id: str
    name: str
    team: str
    private: bool = False
    archived: bool = False
    joined: bool = True
    direct: str = ""
    group: bool = False
    """Whether it's a conversation of several members without a channel (mpim)."""
    members: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    """Other workspaces that share it (Slack Connect)."""
    messages: dict[str, Message] = field(default_factory=dict)
    """By time stamp, oldest first, without ephemeral messages."""

    @property
    def kind(self) -> str:
        """The prefix of the scopes for it."""
        return "im" if self.direct else "mpim" if self.group else "groups" if self.private else "channels"

    @property
    def last(self) -> Message:
        return list(self.messages.values())[-1]

    @property
    def called(self) -> str:
        """The name that's in payloads."""
        return (
            "directmessage"
            if self.direct
            else self.name
            if self.group
            else "privategroup"
            if self.private
            else self.name
        )

    def thread(self, ts: str) -> list[Message]:
        """Return the replies to a message."""
        return [m for m in self.messages.values() if m.thread_ts == ts and m.ts != ts]

    @property
    def payload(self) -> Payload:
        common = {"id": self.id, "created": 1_750_000_000, "is_archived": self.archived, "is_im": bool(self.direct)}
        common |= {"is_mpim": self.group, "context_team_id": self.team, "is_org_shared": False}
        common |= {"is_shared": bool(self.shared), "is_ext_shared": bool(self.shared)}
        if self.shared:
            common |= {"conversation_host_id": self.team, "shared_team_ids": [self.team, *sorted(self.shared)]}
        if self.direct:
            return common | {"user": self.direct, "is_open": True, "is_channel": False, "is_group": False}
        return common | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": False,
            "is_private": self.private,
            "is_member": self.joined,
            "is_general": False,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members) + self.joined,
        }


@dataclass(slots=True)
class View(Shown):
    """A modal or a home as it's shown now; `state` has what was picked and typed so far."""

    id: str
    team: str
    user: str
    body: Payload
    hash: str
    app: Payload
    root: str = ""
    previous: str = ""
    home: str = ""
    """The viewer's workspace; empty for `team`."""
    state: dict[str, Payload] = field(default_factory=dict)
    suggested: dict[str, list[Payload]] = field(default_factory=dict)
    """The options the app suggested so far, by action id."""

    @property
    def blocks(self) -> list[Payload]:
        found: list[Payload] = self.body["blocks"]
        return found

    @property
    def title(self) -> str:
        return str(self.body["title"]["text"])

    @property
    def payload(self) -> Payload:
        nothing: Payload = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None, "close": None}
        nothing |= {"submit": None, "clear_on_close": False, "notify_on_close": False}
        ids = {"id": self.id, "team_id": self.home or self.team, "app_installed_team_id": self.team, **self.app}
        rest = {"hash": self.hash, "root_view_id": self.root or self.id, "previous_view_id": self.previous or None}
        return nothing | self.body | ids | rest | {"state": {"values": self.state}}


@dataclass(slots=True)
class Token:
    value: str
    team: str
    scopes: set[str]
    expires: float | None = None
    gone: str = ""
    """Slack's error code if the token no longer works."""
    refresh: str = ""
    org_wide: bool = False
    """Whether it was granted for a whole organization."""


@dataclass(slots=True)
class Team:
    id: str
    domain: str
    name: str
    me: User
    """The app's bot user."""
    bot_id: str
    app_id: str
    enterprise: Payload | None = None
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    edit_window: float | None = None
    """Seconds for which messages can be edited."""

    @property
    def token(self) -> str:
        """The newest of the app's tokens."""
        return self.tokens[-1].value

    @property
    def main(self) -> Channel:
        """The first channel."""
        return next(channel for channel in self.channels.values() if not channel.direct)

    @property
    def app(self) -> Payload:
        """The ids that the app's messages and views carry."""
        return {"bot_id": self.bot_id, "app_id": self.app_id}

    @property
    def short(self) -> Payload:
        return {"id": self.id, "domain": self.domain}
