"""Slack's rate limits, and the faults that a test asks for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.clocks import within_hang
from tests.platforms.slack.fake.refusals import RefusalError, limited

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls per minute of one method in one workspace, by tier."""
HISTORY = ("conversations.history", "conversations.replies")


class Rates:
    """Rate limits, which are off until a test switches them on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.on = False
        self.distributed = False
        """Whether it's an app for many workspaces outside the Marketplace: it may read history once a minute."""
        self._clock = clock
        self._windows: dict[tuple[str, ...], deque[float]] = {}

    def admit(self, team: str, method: str, tier: int, channel: str) -> None:
        """Count a call. Raises RefusalError with the seconds to wait."""
        if not self.on:
            return
        if method == "chat.postMessage":
            self._window((team, method, channel), 1, 1.0)
        elif self.distributed and method in HISTORY:
            self._window((team, method), 1, 60.0)
        elif tier:
            self._window((team, method), TIERS[tier], 60.0)

    def _window(self, key: tuple[str, ...], limit: int, seconds: float) -> None:
        now, window = self._clock(), self._windows.setdefault(key, deque())
        while window and window[0] <= now - seconds:
            window.popleft()
        if len(window) >= limit:
            raise limited(max(1, math.ceil(window[0] + seconds - now)))
        window.append(now)


class Hold:
    """One call that waits until the test releases it."""

    def __init__(self) -> None:
        self._arrived, self._released = asyncio.Event(), asyncio.Event()

    async def arrived(self) -> None:
        """Wait until the call has come."""
        await within_hang(self._arrived.wait())

    def release(self) -> None:
        self._released.set()

    async def pass_through(self) -> None:
        """Let the call wait here."""
        self._arrived.set()
        await self._released.wait()


@dataclass(slots=True)
class Fault:
    """What the next calls of a method get instead of an answer, or what they wait for (`held`)."""

    method: str
    refusal: RefusalError | None = None
    times: int = 1
    done: bool = False
    """Whether the call is carried out anyway."""
    cut: bool = False
    """Whether the connection breaks."""
    hollow: bool = False
    """Whether Slack only says that it went well, and nothing else."""
    held: Hold | None = None
    channel: str = ""
    """The only channel it's for; empty for all."""


@dataclass(slots=True)
class Faults:
    """The faults still to come, in order."""

    waiting: list[Fault] = field(default_factory=list)

    def next(self, method: str, channel: str = "") -> Fault:
        for fault in self.waiting:
            if fault.method == method and fault.channel in ("", channel):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return Fault(method)
