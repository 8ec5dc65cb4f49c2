"""The fake's clock, and snowflake ids, which encode when they were created."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime

EPOCH = 1420070400.0
"""Discord's epoch, in Unix seconds."""


class Clock:
    """A clock in Unix seconds that tests can move forward, and a source of unique ids."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds that tests have moved it forward."""
        self._numbers = itertools.count(1)
        self._places = itertools.count(1)

    def now(self) -> float:
        return time.time() + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += seconds

    def id(self) -> int:
        return (int((self.now() - EPOCH) * 1000) << 22) | (next(self._numbers) & 0x3FFFFF)

    def spread_id(self) -> int:
        """Return a guild id; consecutive ones belong to consecutive shards."""
        return (int((self.now() - EPOCH - 86400) * 1000) + next(self._places)) << 22


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def made_at(snowflake: int) -> float:
    return (snowflake >> 22) / 1000 + EPOCH
