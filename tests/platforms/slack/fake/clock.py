"""The fake's time, time stamps that only ever grow, and ids."""

from __future__ import annotations

import asyncio
import itertools
import time


class Clock:
    """Seconds since 1970; follows the event loop's time, and tests can move it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._epoch = time.time() - self._loop.time()
        self._ahead = 0.0
        self._last = 0
        self._numbers = itertools.count(1)

    def now(self) -> float:
        return self._epoch + self._loop.time() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += seconds

    def ts(self) -> str:
        """Return a new time stamp, later than all before."""
        self._last = max(int(self.now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def id(self, kind: str) -> str:
        """Return a new id; `kind` is the letter it begins with."""
        return f"{kind}{next(self._numbers):09}"
