"""Who sends a request, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Location:
    """A channel, by the platform's ids; names are for display.

    `parent_channel` is the channel of a thread, if the platform says which, and `parent_name` its name. `direct` means
    a message written to the bot directly; it isn't set for commands, buttons, menus and forms, wherever they're used.
    """

    platform: str
    workspace: str
    channel: str
    workspace_name: str = ""
    channel_name: str = ""
    parent_channel: str = ""
    parent_name: str = ""
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sends the request, by the platform's id. `manager` means that the platform's own permissions make them one.

    `zone` is their time zone on the platform, and `channels` are the ones we know they're in, if we asked.
    """

    id: str
    name: str
    manager: bool = False
    zone: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A stored member in a stored channel, at the time of their request.

    `request_id` is unique on the platform, and what a request writes is stored under it: a second delivery of the same
    request changes nothing. `at` is the platform's time of the request, timezone-aware and in UTC.
    `channels` are the actor's. `picked` has the names, by id, of members picked from the platform's own list, who may
    never have used the bot; a bot has an empty one.
    """

    location: Location
    workspace_id: int
    channel_id: int
    member_id: int
    manager: bool
    request_id: str
    at: datetime
    custom_questions_version: int = 0
    channels: tuple[str, ...] = ()
    picked: Mapping[str, str] = field(default_factory=dict)
