"""A process's right to work on a delivery until some time, by two clocks."""

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
    """An attempt that may only go on until its lease expires, by the wall clock or the monotonic one.

    A suspended machine stops the monotonic clock, and an adjustment moves the wall clock. Whichever says first that
    the lease has expired is right.
    """

    clock: Callable[[], datetime] = field(kw_only=True)
    until: datetime = field(kw_only=True)
    monotonic_until: float = field(kw_only=True)

    @override
    def check(self) -> None:
        if self.clock() >= self.until or time.monotonic() >= self.monotonic_until:
            raise LeaseExpiredError
