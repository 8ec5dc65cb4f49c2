"""HTTP connections that can't be kept open for ever, or kept from others, by somebody who sends nothing."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from starlette.requests import ClientDisconnect
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol, h11  # type: ignore[attr-defined]  # its own HTTP library

BROKEN_OFF = (h11.LocalProtocolError, ClientDisconnect)
"""What's raised while a request is answered whose rest was no HTTP, or never came."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take: connections in all, and seconds to send a request's headers, and then its body.

    Beyond that many connections, the one that has been waiting longest for its client is closed; a process can have
    1,024 files open. The time for headers begins with the connection, and later with the first byte of a request.
    """

    connections: int = 400
    headers: float = 10.0
    body: float = 10.0


LIMITS = Limits()


def _matters(record: logging.LogRecord) -> bool:
    """Return False for what uvicorn says about requests that aren't HTTP: anybody can send a million of them.

    It warns of some. Others begin well, and break off while they're answered.
    """
    problem = record.exc_info[1] if record.exc_info else None
    return record.levelno != logging.WARNING and not isinstance(problem, BROKEN_OFF)


logging.getLogger("uvicorn.error").addFilter(_matters)


class Protocol(H11Protocol):
    """uvicorn's protocol, with time limits on what a client sends, and a limit on connections that evicts idle ones.

    uvicorn's own limit on connections counts idle ones too, so that they'd keep everybody else out.
    """

    def __init__(self, *args: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_since = 0.0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            others = [c for c in self.connections if isinstance(c, Protocol) and c is not self and c.is_waiting]
            if others:
                min(others, key=attrgetter("waiting_since")).transport.abort()
        self._watch(self._limits.headers)

    @override
    def data_received(self, data: bytes) -> None:
        was_waiting = self._waits_for_headers
        super().data_received(data)
        if not self.is_waiting:
            self._unwatch()
        elif self._timer is None or (was_waiting and not self._waits_for_headers):
            self._watch(self._limits.headers if self._waits_for_headers else self._limits.body)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.waiting_since = self.loop.time()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    @property
    def _waits_for_headers(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        """Whether the client has to send something before we can go on."""
        return self._waits_for_headers or self.cycle.more_body

    def _watch(self, seconds: float) -> None:
        self._unwatch()
        self.waiting_since = self.loop.time()
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.is_waiting and not self.transport.is_closing():
            self.transport.abort()
