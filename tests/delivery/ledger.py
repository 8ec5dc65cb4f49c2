"""A platform in a file: what was done there, one line each, however the processes that did it ended."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typing_extensions import override

from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, Attempt, Outbox
from bot.replies import Reply

PLATFORM = "ledger"


class LedgerOutbox(Outbox):
    """Does what a platform does, and calls `step` before and after.

    Like Slack it doesn't recognize a repeat by itself; it can be searched. `step` comes before the last look at the
    lease: what's between that and the platform is the moment that no program can close.
    """

    capabilities = frozenset({"thread", "pin", "role"})

    def __init__(self, file: Path, step: Callable[[], None]) -> None:
        self._file, self._step = file, step

    @override
    async def post(
        self, location: Location, reply: Reply, key: str, *, role: str = "", attempt: Attempt = FIRST_ATTEMPT
    ) -> str:
        return self._once(attempt, "post", key, place=location.channel)

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        self._write(attempt, "edit", ref)

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        self._once(attempt, "direct", key, place=member)

    @override
    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        return self._once(attempt, "thread", f"thread-{ref}", place=ref)

    @override
    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        self._write(attempt, "pin", ref)

    def _once(self, attempt: Attempt, kind: str, key: str, place: str) -> str:
        if attempt.since is not None and any(line["key"] == key for line in lines(self._file)):
            return key
        self._write(attempt, kind, key, place=place)
        return key

    def _write(self, attempt: Attempt, kind: str, key: str, **more: str) -> None:
        self._step()
        attempt.check()
        with self._file.open("a") as ledger:
            ledger.write(json.dumps({"kind": kind, "key": key, "by": os.getpid(), **more}) + "\n")
        self._step()


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """Return what was done, in order."""
    if file.exists():
        yield from map(json.loads, file.read_text().splitlines())
