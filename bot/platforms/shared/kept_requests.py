"""Keep requests in the database until they're carried out, whichever process does that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from bot.app import App
from bot.context.background import in_background
from bot.encryption import Vault, derived_key
from bot.errors import DatabaseError, SetupError

KEEP_TIMEOUT = 0.5
"""Seconds for keeping a request before it's acknowledged."""
RESUME_INTERVAL = 30.0
"""Seconds between two looks for what dead processes left."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ResumedRequest:
    """A request that a dead process left. `is_hopeless`: every process that tried has died."""

    id: str
    payload: Mapping[str, Any]
    is_hopeless: bool


class KeptRequests:
    """The requests of one platform. What's kept lets anybody answer the member, so it's encrypted."""

    def __init__(self, app: App, platform: str, secret: str) -> None:
        """`secret` is the platform's own, which every process knows and the database doesn't."""
        self._app, self._platform = app, platform
        self._vault = Vault(derived_key(secret, "kept requests"))
        self._kept: set[str] = set()

    async def keep(
        self, request_id: str, payload: Mapping[str, Any], *, workspace: str, actor: str, is_claimed: bool = False
    ) -> bool | None:
        """Keep a request, if the database takes it in time and no other process has it. Call it before acknowledging.

        Returns whether it's kept: False if another process has it, None if the database didn't say in time.
        `payload` is what `resuming` gets, and must be JSON. `is_claimed`: this process has claimed the request.
        """
        encrypted = {"encrypted": self._vault.encrypt(json.dumps(payload))}
        try:
            async with asyncio.timeout(KEEP_TIMEOUT):
                is_ours = await self._app.keep_request(
                    self._platform,
                    request_id,
                    workspace=workspace,
                    actor=actor,
                    payload=encrypted,
                    is_claimed=is_claimed,
                )
        except (TimeoutError, DatabaseError) as problem:
            log.warning("request not kept", request=request_id, reason=type(problem).__name__)
            self._kept.add(request_id)  # the database may have taken it nevertheless
            return None
        if is_ours:
            self._kept.add(request_id)
        return is_ours

    async def finish(self, request_id: str) -> None:
        """Forget a request that was carried out."""
        if request_id not in self._kept:
            return
        self._kept.discard(request_id)
        try:
            await self._app.finish_request(self._platform, request_id)
        except DatabaseError as problem:  # it's carried out again, which changes nothing
            log.error("request not finished", request=request_id, problem=str(problem))

    @asynccontextmanager
    async def resuming(self, resume: Callable[[ResumedRequest], Awaitable[None]]) -> AsyncIterator[None]:
        """Call `resume` with what dead processes left, now and again while the block runs."""
        await self._resume(resume, at_start=True)
        async with in_background(self._keep_resuming(resume)):
            yield

    async def _keep_resuming(self, resume: Callable[[ResumedRequest], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(RESUME_INTERVAL)
            await self._resume(resume, at_start=False)

    async def _resume(self, resume: Callable[[ResumedRequest], Awaitable[None]], *, at_start: bool) -> None:
        try:
            abandoned = await self._app.abandoned_requests(self._platform, at_start=at_start)
        except DatabaseError as problem:
            log.error("abandoned requests not read", problem=str(problem))
            return
        for request in abandoned:
            self._kept.add(request.id)
            try:
                payload = self._readable(request.payload)
            except SetupError:
                log.warning("request not resumed", request=request.id, reason="kept under another secret")
                await self.finish(request.id)
                continue
            log.warning("request resumed", request=request.id, hopeless=request.is_hopeless)
            await resume(ResumedRequest(request.id, payload, request.is_hopeless))

    def _readable(self, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what was kept. Older versions didn't encrypt Slack's requests. Raises SetupError."""
        if "encrypted" not in kept:
            return kept
        payload: Mapping[str, Any] = json.loads(self._vault.decrypt(kept["encrypted"]))
        return payload
