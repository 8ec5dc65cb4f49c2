"""One request, and what answers it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.platforms.discord.fake.refusals import RefusalError


@dataclass(slots=True)
class Call:
    """One request. `at` is in seconds of the monotonic clock, `status` 0 until it is answered."""

    method: str
    path: str
    ids: dict[str, str]
    query: dict[str, str]
    route: str = ""
    """The path as Discord's description of its API has it."""
    json: Any = None
    files: dict[str, bytes] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)
    status: int = 0

    def id(self, name: str) -> int:
        text = self.ids[name]
        if not text.isdecimal():
            raise RefusalError(400, 50035, f"{text} is not a snowflake")
        return int(text)


Handler = Callable[[Call], Awaitable[Any]]


class Route(NamedTuple):
    """`path` is written as in Discord's own description of its API. None as the answer means 204."""

    method: str
    path: str
    handler: Handler
