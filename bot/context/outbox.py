"""The outbox: how use cases post on a platform when no member has asked."""

# ruff: noqa: ARG002 (what a platform can't do has a default here, which needs no arguments)

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.context.identity import Location
from bot.replies import Reply


class PostError(Exception):
    """A platform refused a post; the text says why. `retry` means that it might accept it later."""

    def __init__(self, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.retry = retry


class UnavailableError(PostError):
    """A platform refused nothing, but can't be reached, or asks us to wait.

    `retry_after` is how many seconds it asks for; None if it doesn't say.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason, retry=True)
        self.retry_after = retry_after


class LeaseExpiredError(Exception):
    """An attempt took so long that another process may have started one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at posting something.

    `since` is when the first attempt began, if there was one: it may have succeeded, so the outbox looks for its result
    among everything that was posted from then on.
    """

    since: datetime | None = None

    def check(self) -> None:
        """Call this right before each request that changes something. Raises LeaseExpiredError."""


FIRST_ATTEMPT = Attempt()


@dataclass(frozen=True, slots=True)
class PostExtras:
    """What a schedule wants besides the posts themselves.

    `role` is the role to mention, and `silent` posts the answer without a notification.
    """

    thread: bool = False
    pin: bool = False
    role: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class PostOptions:
    """How to post, as far as the platform can: mention a `role`, reply to the message `reply_to`, notify nobody."""

    role: str = ""
    reply_to: str = ""
    silent: bool = False


PLAIN = PostOptions()


class Outbox(Protocol):
    """How to post on a platform. Posting the same `key` again results in the same message. Methods raise PostError.

    `ref` is what `post` or `open_thread` returned for a message or a thread.
    """

    capabilities: frozenset[str] = frozenset()
    """The fields of PostExtras that the platform supports."""

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        """Return the permissions we'd be missing for such a post, as text; empty if none."""
        return ""

    @abstractmethod
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        """Post in a channel, and return the message's ref.

        If that isn't allowed, the PostError says which permission is missing.
        """

    @abstractmethod
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        """Replace a message."""

    @abstractmethod
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        """Send a direct message; `location` is in the member's workspace, `member` their id on the platform."""

    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        """Open a thread under a message, unless it has one, and return the thread's ref."""
        raise PostError("This platform has no threads.")

    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        """Pin a message in place of the message `instead`, which is unpinned."""
        raise PostError("This platform has no pins.")

    async def member_name(self, location: Location, member: str) -> str:
        """Return what a member is called there, given by the platform's id; empty if they aren't one."""
        return ""

    async def owners(self, location: Location) -> Sequence[str]:
        """Return the ids of members to contact if no manager is known."""
        return ()
