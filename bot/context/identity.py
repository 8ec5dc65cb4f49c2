"""Who asks, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Location:
    """A channel as its platform names it. The names are for people, the ids for finding it again.

    `inside` is the channel that a thread is in, where the platform tells. `direct`: the member is alone with the bot.
    """

    platform: str
    workspace: str
    channel: str
    workspace_name: str = ""
    channel_name: str = ""
    parent_channel: str = ""
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the platform names them; `manager` if the platform itself gives them that right.

    `zone` is the one they have set there, and `channels` those they are known to be in, where that was asked.
    """

    id: str
    name: str
    manager: bool = False
    zone: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A member in a channel, known to the store, at the moment of their request.

    `request_id` is unique on the platform: what a request writes is written under it, so that a second delivery of
    the same request changes nothing. `at` is the platform's own time of the request, aware and in UTC. `own_version` is
    that of the workspace's own questions, `channels` what the actor is known to be in.
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
