"""A platform in a file: what was done there, one line each, however the processes that did it ended."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from typing_extensions import override

from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostError, PostOptions, UnavailableError
from bot.delivery.worker import SEND_TIMEOUT
from bot.replies import Reply
from tests.delivery.machine import SharedTime

PLATFORM = "ledger"
OWNERS = ("olga", "omar")
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the platform's clock and a bot's may differ, as on Discord and Slack."""


class Trouble:
    """What goes wrong on a platform at random.

    It asks to wait; or it does what's asked, but its response gets lost, or comes after the time allowed for sending.
    """

    def __init__(self, time: SharedTime, seed: int) -> None:
        self._time, self._random = time, random.Random(seed)

    def before(self) -> None:
        if self._random.random() < 0.15:
            raise UnavailableError("Slow down.", self._random.uniform(1, 120))

    async def after(self) -> None:
        draw = self._random.random()
        if draw < 0.1:
            raise ConnectionResetError
        if draw < 0.15:
            self._time.advance(timedelta(seconds=SEND_TIMEOUT + 1))
            await asyncio.sleep(2 * SEND_TIMEOUT)


@dataclass(frozen=True)
class LedgerOutbox(Outbox):
    """Does what a platform does, and calls `step` before and after. Posts are refused if `refuses_posts`.

    Like Slack, it doesn't recognize a repeat by itself; it can be searched, by its own clock. `step` comes before the
    last look at the lease: what's between that and the platform is the moment that no program can close.
    """

    file: Path
    time: SharedTime
    step: Callable[[], None] = lambda: None
    trouble: Trouble | None = None
    refuses_posts: bool = False
    capabilities = frozenset({"thread", "pin", "role"})

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        if self.refuses_posts:
            raise PostError("The channel is gone.")
        return await self._once(attempt, "post", key, location)

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        await self._write(attempt, "edit", ref, location)

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        await self._once(attempt, "direct", key, location, member)

    @override
    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        return await self._once(attempt, "thread", f"thread-{ref}", location)

    @override
    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        await self._write(attempt, "pin", ref, location)

    @override
    async def owners(self, location: Location) -> Sequence[str]:
        return OWNERS

    async def _once(self, attempt: Attempt, kind: str, key: str, location: Location, member: str = "") -> str:
        if attempt.since is not None:
            after = attempt.since - CLOCK_TOLERANCE
            if any(line["key"] == key and datetime.fromisoformat(line["at"]) >= after for line in lines(self.file)):
                return key
        await self._write(attempt, kind, key, location, member)
        return key

    async def _write(self, attempt: Attempt, kind: str, key: str, location: Location, member: str = "") -> None:
        self.step()
        if self.trouble:
            self.trouble.before()
        attempt.check()
        place = "/".join(filter(None, (location.workspace, location.channel, member)))
        line = {"kind": kind, "place": place, "key": key, "at": self.time.now().isoformat(), "by": os.getpid()}
        with self.file.open("a") as ledger:
            ledger.write(json.dumps(line) + "\n")
        self.step()
        if self.trouble:
            await self.trouble.after()


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """Return what was done, in order."""
    if file.exists():
        yield from map(json.loads, file.read_text().splitlines())
