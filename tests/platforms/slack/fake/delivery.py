"""Sending the app what members do, signed as Slack signs it, and the app's acknowledgement."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from tests.platforms.slack.fake.model import View
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

COMMAND, INTERACTION, EVENT = "slash_commands", "interactive", "events_api"


@dataclass(frozen=True, slots=True)
class Forgery:
    """How a request differs from a real one. `age` is in seconds."""

    signature: str = ""
    age: float = 0.0
    team: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request of one of the three kinds."""

    kind: str
    payload: Payload
    forgery: Forgery = field(default_factory=Forgery)
    retry: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """The headers of a request that is replayed."""

    @property
    def forged(self) -> bool:
        return self.forgery != Forgery()


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The app's answer. `status` is 0 if there was none in time, or the app couldn't be reached."""

    status: int
    body: str
    seconds: float
    sent: Delivery
    headers: tuple[tuple[str, str], ...] = ()
    """The request's headers."""
    view: View | None = None
    """The modal it opened or changed."""

    @property
    def json(self) -> Any:
        """The body as JSON; None if it's empty or isn't JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    @property
    def action(self) -> str:
        said = self.json
        return str(said.get("response_action", "")) if isinstance(said, dict) else ""

    @property
    def errors(self) -> dict[str, str]:
        """The problem of each field of a form."""
        found: dict[str, str] = self.json.get("errors", {}) if self.action == "errors" else {}
        return found


class Courier:
    """Sends requests over Socket Mode if the app is connected, else over HTTP. `sent` has all of them."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.sent: list[Acknowledgement] = []
        self.copies: tuple[str, ...] = ()
        """Where each request over HTTP goes as well, at the same time."""
        self.session: aiohttp.ClientSession

    async def deliver(self, sent: Delivery) -> Acknowledgement:
        """Send a request, and return the app's answer; of several, the first that says something."""
        addresses = (self._slack.app_url, *self.copies)
        done = await asyncio.gather(*(self._deliver(sent, address) for address in addresses))
        return next((answer for answer in done if answer.body), done[0])

    async def _deliver(self, sent: Delivery, address: str) -> Acknowledgement:
        now = asyncio.get_running_loop().time
        began = now()
        headers: tuple[tuple[str, str], ...] = ()
        try:
            async with asyncio.timeout(self._slack.patience):
                if self._slack.sockets.live:
                    status, body = await self._slack.sockets.deliver(sent)
                else:
                    status, body, headers = await self._post(sent, address)
        except (TimeoutError, aiohttp.ClientError) as problem:
            status, body = 0, f"{type(problem).__name__}: {problem}"
        done = Acknowledgement(status, body, now() - began, sent, headers)
        self.sent.append(done)
        if status != 200 and not sent.forged:
            within = f"within {self._slack.patience} seconds"
            self._slack.violate("acknowledgement", sent.kind, f"answered {status} {within}: {body[:200]}")
        return done

    async def redeliver(
        self, before: Acknowledgement, *, reason: str = "http_timeout", num: int = 1
    ) -> Acknowledgement:
        """Send the same again with a new signature, as Slack does without an acknowledgement."""
        sent = before.sent
        return await self.deliver(Delivery(sent.kind, sent.payload, sent.forgery, num, reason))

    async def replay(self, before: Acknowledgement) -> Acknowledgement:
        """Send the same request with the same signature, as in a replay attack."""
        sent = before.sent
        return await self.deliver(Delivery(sent.kind, sent.payload, sent.forgery, headers=before.headers))

    async def _post(self, sent: Delivery, address: str) -> tuple[int, str, tuple[tuple[str, str], ...]]:
        assert address, "it is not known where the app listens: point_at"
        body, kind = _encoded(sent)
        headers = dict(sent.headers) or self._signed(sent, body, kind)
        async with self._slack.courier.session.post(address, data=body, headers=headers) as answer:
            return answer.status, await answer.text(), tuple(headers.items())

    def _signed(self, sent: Delivery, body: str, kind: str) -> dict[str, str]:
        at = str(int(time.time() - sent.forgery.age))
        signature = SignatureVerifier(self._slack.signing_secret).generate_signature(timestamp=at, body=body)
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": sent.forgery.signature or str(signature),
        }
        if sent.retry:
            headers |= {"X-Slack-Retry-Num": str(sent.retry), "X-Slack-Retry-Reason": sent.reason}
        return headers


def _encoded(sent: Delivery) -> tuple[str, str]:
    if sent.kind == EVENT:
        return json.dumps(sent.payload), "application/json"
    fields = sent.payload if sent.kind == COMMAND else {"payload": json.dumps(sent.payload)}
    return urlencode(fields), "application/x-www-form-urlencoded"
