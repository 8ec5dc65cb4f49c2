"""Discord's rate limits, and the faults that a test asks for."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.platforms.discord.fake.refusals import RefusalError

BUCKETS = (
    ("post", re.compile(r"POST (/channels/\d+)/messages$"), 5, 5.0),
    ("edit", re.compile(r"PATCH (/channels/\d+)/messages/\d+$"), 3, 6.0),
    ("hook", re.compile(r"PATCH (/webhooks/\d+/[^/]+)/messages/"), 5, 2.0),
)
"""Name, request pattern (its group identifies the bucket), limit, and window in seconds."""
EVERYWHERE = 50
"""The bot's global limit per second; `EXEMPT` paths don't count."""
EXEMPT = ("/interactions/", "/webhooks/")


class Rates:
    """Rate limits, enforced while `on` is true. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.on = True
        self.clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._second: deque[float] = deque()

    def admit(self, method: str, path: str) -> dict[str, str]:
        """Count a request, and return its rate limit headers. Raises RefusalError with the seconds to wait."""
        if not self.on:
            return {}
        now = self.clock()
        if not path.startswith(EXEMPT):
            self._globally(now)
        for name, pattern, most, seconds in BUCKETS:
            if found := pattern.match(f"{method} {path}"):
                return self._window(name, found[1], most, seconds, now)
        return {}

    def _globally(self, now: float) -> None:
        while self._second and self._second[0] <= now - 1:
            self._second.popleft()
        if len(self._second) >= EVERYWHERE:
            refusal = RefusalError(429, after=round(self._second[0] + 1 - now, 3))
            refusal.everywhere = True
            raise refusal
        self._second.append(now)

    def _window(self, name: str, major: str, most: int, seconds: float, now: float) -> dict[str, str]:
        began, used = self._windows.get((name, major), (now, 0))
        if now >= began + seconds:
            began, used = now, 0
        left = max(0, most - used - 1)
        headers = {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": f"{time.time() + began + seconds - now:.3f}",
            "X-RateLimit-Reset-After": f"{began + seconds - now:.3f}",
            "X-RateLimit-Bucket": f"{name}-bucket",
        }
        if used >= most:
            refusal = RefusalError(429, after=round(began + seconds - now, 3))
            refusal.headers = headers
            raise refusal
        self._windows[name, major] = (began, used + 1)
        return headers


@dataclass(slots=True)
class Fault:
    """What happens to the next matching requests instead of an answer, or what they wait for first (`until`)."""

    method: str
    path: re.Pattern[str]
    refusal: RefusalError | None = None
    times: int = 1
    until: asyncio.Event | None = None
    cut: bool = False
    """Whether to carry out the request, but drop the connection before the answer."""


@dataclass(slots=True)
class Faults:
    """The faults still to come, in order."""

    waiting: list[Fault] = field(default_factory=list)

    def next(self, method: str, path: str) -> Fault | None:
        for fault in self.waiting:
            if fault.method == method and fault.path.search(path):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
