"""The present as the fake has it, and ids, which say when they were made."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime

EPOCH = 1420070400.0
"""Discord's, in seconds."""


class Clock:
    """The present in seconds since 1970, moved by hand if need be; every id is unlike the ones before."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._numbers = itertools.count(1)
        self._places = itertools.count(1)

    def now(self) -> float:
        return time.time() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += seconds

    def id(self) -> int:
        return (int((self.now() - EPOCH) * 1000) << 22) | (next(self._numbers) & 0x3FFFFF)

    def spread_id(self) -> int:
        """For guilds, of which each in its turn belongs to the next shard."""
        return (int((self.now() - EPOCH - 86400) * 1000) + next(self._places)) << 22


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def made_at(snowflake: int) -> float:
    return (snowflake >> 22) / 1000 + EPOCH
