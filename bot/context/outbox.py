"""The outbox: what a platform does unasked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.context.identity import Location
from bot.replies import Reply


class PostError(Exception):
    """A platform refused a post; the text says in words what is missing. `retry` where time may mend it."""

    def __init__(self, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.retry = retry


@dataclass(frozen=True, slots=True)
class PostExtras:
    """What a daily question asks of its channel besides being posted there."""

    thread: bool = False
    pin: bool = False
    role: str = ""


class Outbox(Protocol):
    """What a platform does unasked. `key` is unique: the same key posted again is the same message.

    `offers` names what of `Wants` there is on the platform. Raises CannotPost.
    """

    capabilities: frozenset[str] = frozenset()

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        """What stands in the way of such posts there, in words; empty where nothing does."""
        return ""

    @abstractmethod
    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        """Post in a channel, calling a role where one is named; the result finds the message again.

        `again`: an earlier try under this key may have got through, so it is looked for first.
        """

    @abstractmethod
    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        """Put `reply` in the place of a message posted earlier."""

    @abstractmethod
    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        """Write to one member alone; `place` is where they belong, `member` their id on the platform."""

    async def open_thread(self, location: Location, ref: str, name: str, *, again: bool = False) -> str:
        """A thread under a message posted earlier, the one that is there already if so; the result finds it again.

        `again` as for `post`.
        """
        raise PostError("There are no threads here.")

    async def pin(self, location: Location, ref: str, instead: str = "") -> None:
        """Pin a message posted earlier, and take down the pin of another."""
        raise PostError("There are no pins here.")

    async def owners(self, location: Location) -> Sequence[str]:
        """Who to turn to where nobody else is known: ids of members."""
        return ()
