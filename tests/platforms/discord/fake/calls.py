"""Requests to the fake, and the routes that answer them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.platforms.discord.fake.refusals import RefusalError


@dataclass(slots=True)
class Call:
    """A recorded request. `at` is monotonic time in seconds; `status` is 0 until it's answered."""

    method: str
    path: str
    ids: dict[str, str]
    query: dict[str, str]
    route: str = ""
    """The path template as written in Discord's OpenAPI spec."""
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
    """`path` is a template as in Discord's OpenAPI spec. A handler that returns None answers 204."""

    method: str
    path: str
    handler: Handler
