"""A process's right to work on a delivery until some time, by three clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from typing_extensions import override

from bot.context.outbox import Attempt, LeaseExpiredError

LEASE = timedelta(seconds=90)
"""How long a process has for a delivery it claimed before another one may claim it."""


@dataclass(frozen=True, slots=True)
class Lease(Attempt):
    """An attempt that may only go on until its lease expires, by any of three clocks.

    `clock` is the one that all processes share. A suspended machine stops the monotonic clock, and an adjustment moves
    this computer's wall clock. Whichever says first that the lease has expired is right.
    """

    clock: Callable[[], datetime] = field(kw_only=True)
    until: datetime = field(kw_only=True)
    wall_until: float = field(kw_only=True)
    monotonic_until: float = field(kw_only=True)

    @classmethod
    def begin(cls, since: datetime | None, clock: Callable[[], datetime]) -> Lease:
        """Return a lease that begins now; `since` as in Attempt."""
        seconds = LEASE.total_seconds()
        return cls(
            since,
            clock=clock,
            until=clock() + LEASE,
            wall_until=time.time() + seconds,
            monotonic_until=time.monotonic() + seconds,
        )

    @override
    def check(self) -> None:
        is_over = self.clock() >= self.until
        if is_over or time.time() >= self.wall_until or time.monotonic() >= self.monotonic_until:
            raise LeaseExpiredError
