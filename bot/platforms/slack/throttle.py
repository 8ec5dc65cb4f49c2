"""Slack's rate limits on posts and edits: a call that would come too soon waits its turn."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

from cachetools import LRUCache

POST_INTERVAL = 1.1
"""Seconds between two posts in one channel: Slack allows one a second."""
EDIT_INTERVAL = 1.25
"""Seconds between two edits in one workspace, whichever messages they're of: Slack allows 50 a minute."""
MAX_LANES = 10_000
RECHECK = 0.01
"""Seconds until somebody whose turn it isn't looks again, when it's time for the next one."""


@dataclass(slots=True)
class _Lane:
    """`next_start` is the loop's time at which the next turn may begin; `waiting` is in the order of the turns."""

    next_start: float = 0.0
    waiting: list[tuple[bool, int]] = field(default_factory=list)


class Throttle:
    """Turns under each key, in the order they're asked for, with a pause between them; drafts let all others pass.

    A turn only begins: however long its call takes, the next one doesn't wait for its end.
    """

    def __init__(self) -> None:
        self._lanes: LRUCache[tuple[str, ...], _Lane] = LRUCache(MAX_LANES)
        self._numbers = itertools.count()

    async def turn(self, interval: float, *key: str, draft: bool = False) -> None:
        """Wait for a turn under this key; the next one begins `interval` seconds later at the earliest."""
        lane, now = self._lanes.setdefault(key, _Lane()), asyncio.get_running_loop().time
        place = (draft, next(self._numbers))
        lane.waiting.append(place)
        try:
            while (wait := lane.next_start - now()) > 0 or place != min(lane.waiting):  # noqa: ASYNC110
                await asyncio.sleep(max(wait, RECHECK))
            lane.next_start = now() + interval
        finally:
            lane.waiting.remove(place)
