"""Who asks, where, and what the use cases have at hand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Protocol

from cachetools import LRUCache

from bot.context.library import Library
from bot.inference.client import Inference
from bot.replies import Reply
from bot.store.engine import Store


@dataclass(frozen=True, slots=True)
class Place:
    """A channel as its platform names it. The names are for people, the ids for finding it again.

    `inside` is the channel that a thread is in, where the platform tells. `direct`: the member is alone with the bot.
    """

    platform: str
    workspace: str
    channel: str
    workspace_name: str = ""
    channel_name: str = ""
    inside: str = ""
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
class Asker:
    """A member in a channel, known to the store, at the moment of their request.

    `request_id` is unique on the platform: what a request writes is written under it, so that a second delivery of
    the same request changes nothing. `at` is the platform's own time of the request, aware and in UTC. `own_version` is
    that of the workspace's own questions, `channels` what the actor is known to be in.
    """

    place: Place
    workspace_id: int
    channel_id: int
    member_id: int
    manager: bool
    request_id: str
    at: datetime
    own_version: int = 0
    channels: tuple[str, ...] = ()


class CannotPost(Exception):
    """A platform refused a post; the text says in words what is missing. `retry` where time may mend it."""

    def __init__(self, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Wants:
    """What a daily question asks of its channel besides being posted there."""

    thread: bool = False
    pin: bool = False
    role: str = ""


class Outbox(Protocol):
    """What a platform does unasked. `key` is unique: the same key posted again is the same message.

    `offers` names what of `Wants` there is on the platform. Raises CannotPost.
    """

    offers: frozenset[str] = frozenset()

    async def lacking(self, place: Place, wants: Wants) -> str:
        """What stands in the way of such posts there, in words; empty where nothing does."""
        return ""

    @abstractmethod
    async def post(self, place: Place, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        """Post in a channel, calling a role where one is named; the result finds the message again.

        `again`: an earlier try under this key may have got through, so it is looked for first.
        """

    @abstractmethod
    async def edit(self, place: Place, ref: str, reply: Reply) -> None:
        """Put `reply` in the place of a message posted earlier."""

    @abstractmethod
    async def tell(self, place: Place, member: str, reply: Reply, key: str) -> None:
        """Write to one member alone; `place` is where they belong, `member` their id on the platform."""

    async def open_thread(self, place: Place, ref: str, name: str, *, again: bool = False) -> str:
        """A thread under a message posted earlier, the one that is there already if so; the result finds it again.

        `again` as for `post`.
        """
        raise CannotPost("There are no threads here.")

    async def pin(self, place: Place, ref: str, instead: str = "") -> None:
        """Pin a message posted earlier, and take down the pin of another."""
        raise CannotPost("There are no pins here.")

    async def owners(self, place: Place) -> Sequence[str]:
        """Who to turn to where nobody else is known: ids of members."""
        return ()


@dataclass(frozen=True, slots=True)
class StudyRules:
    """What an operator may set about studying."""

    zone: str = "UTC"
    reveal: time = time(17, 0)
    late_hours: int = 12


OWN_KEPT = 200
"""Workspaces whose own questions are kept in memory, the latest used."""


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a use case needs. `clock` gives the present, aware and in UTC."""

    store: Store
    library: Library
    clock: Callable[[], datetime]
    inference: Inference | None = None
    rules: StudyRules = field(default_factory=StudyRules)
    outboxes: dict[str, Outbox] = field(default_factory=dict)
    own: LRUCache[int, tuple[int, Library]] = field(default_factory=lambda: LRUCache(OWN_KEPT))
    """By workspace, the version and the library of those with questions of their own; `study.own` fills it."""
