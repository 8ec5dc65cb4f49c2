"""How much Slack takes in how much time, and the faults that a test asks for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.clocks import HANG
from tests.platforms.slack.fake.refusals import Refusal, limited

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls of one method a minute in one workspace."""
HISTORY = ("conversations.history", "conversations.replies")


class Rates:
    """The rates, which are off until they are switched on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.on = False
        self.distributed = False
        """Apps given to others outside the Marketplace read history once a minute."""
        self._clock = clock
        self._windows: dict[tuple[str, ...], deque[float]] = {}

    def admit(self, team: str, method: str, tier: int, channel: str) -> None:
        """Raises Refusal with when to come again."""
        if not self.on:
            return
        if method == "chat.postMessage":
            self._window((team, method, channel), 1, 1.0)
        elif self.distributed and method in HISTORY:
            self._window((team, method), 1, 60.0)
        elif tier:
            self._window((team, method), TIERS[tier], 60.0)

    def _window(self, key: tuple[str, ...], most: int, seconds: float) -> None:
        now, window = self._clock(), self._windows.setdefault(key, deque())
        while window and window[0] <= now - seconds:
            window.popleft()
        if len(window) >= most:
            raise limited(max(1, math.ceil(window[0] + seconds - now)))
        window.append(now)


class Hold:
    """One call that waits until the test releases it."""

    def __init__(self) -> None:
        self._arrived, self._released = asyncio.Event(), asyncio.Event()

    async def arrived(self) -> None:
        """Wait until the call has come."""
        await asyncio.wait_for(self._arrived.wait(), HANG)

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
    refusal: Refusal | None = None
    times: int = 1
    done: bool = False
    """The call is carried out all the same."""
    cut: bool = False
    """The connection breaks."""
    hollow: bool = False
    """Slack says that it went well, and nothing else."""
    held: Hold | None = None


@dataclass(slots=True)
class Faults:
    """The faults that are still to come, in their order."""

    waiting: list[Fault] = field(default_factory=list)

    def next(self, method: str) -> Fault:
        for fault in self.waiting:
            if fault.method == method:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return Fault(method)
