"""The server: it answers calls, records them, and fails when a test asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from aiohttp import web

from tests.clocks import within_hang
from tests.platforms.slack.fake import basics, chat, conversations, files, oauth, spec, views
from tests.platforms.slack.fake.calls import Call, Handler, read
from tests.platforms.slack.fake.delivery import EVENT, Acknowledgement, Courier, Delivery
from tests.platforms.slack.fake.hooks import Hooks
from tests.platforms.slack.fake.limits import Fault, Faults, Hold, Rates
from tests.platforms.slack.fake.model import Channel, Feed, File, Message, View
from tests.platforms.slack.fake.overlay import Rule
from tests.platforms.slack.fake.payloads import VERIFICATION
from tests.platforms.slack.fake.refusals import RefusalError, limited, wrong
from tests.platforms.slack.fake.shown import Payload
from tests.platforms.slack.fake.sockets import Sockets
from tests.platforms.slack.fake.world import SCOPES, World

T = TypeVar("T")

TOKENLESS = "oauth.v2.access"
SOCKET = "apps.connections.open"
MODULES = (basics, chat, conversations, files, oauth, views)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that no app should do, whether or not Slack accepts it."""

    kind: str
    method: str
    text: str

    def __str__(self) -> str:
        return f"{self.method}: {self.text}"


class Slack(World):
    """The whole fake."""

    def __init__(self, scopes: Iterable[str] = SCOPES) -> None:
        super().__init__(scopes)
        self.patience = 3.0
        """Seconds for which Slack waits for an acknowledgement, and a trigger is valid."""
        self.messages: Feed[Message] = Feed()
        self.edits: Feed[Message] = Feed()
        self.deleted: Feed[Message] = Feed()
        self.views: Feed[View] = Feed()
        """Modals, each time they open or change."""
        self.published: Feed[View] = Feed()
        """Homes, each time they're published."""
        self.homes: dict[str, View] = {}
        """By user."""
        self.files: Feed[File] = Feed()
        """Completed uploads."""
        self.calls: defaultdict[str, list[Call]] = defaultdict(list)
        self.violations: list[Violation] = []
        self.states: dict[str, dict[str, Payload]] = {}
        """What was picked in each message, by the message's key."""
        self.outage: int | None = None
        """The status that all calls get; 0 breaks their connections."""
        self.rates = Rates(self.clock.now)
        self.faults = Faults()
        self.hooks = Hooks(self)
        self.triggers = views.Triggers(self)
        self.modals = views.Views(self)
        self.uploads = files.Uploads(self)
        self.oauth = oauth.OAuth(self)
        self.sockets = Sockets(self)
        self.courier = Courier(self)
        self.address = self.app_url = ""
        self._methods: dict[str, Handler] = {n: h for module in MODULES for n, h in module.methods(self)}

    @property
    def api(self) -> str:
        """The base address of the Web API."""
        return f"{self.address}/api/"

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[Slack]:
        """Listen on loopback while the block runs."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._call),
                web.post("/respond/{id}", self.hooks.receive),
                web.post("/upload/{team}/{file}", self._upload),
                web.get("/oauth/v2/authorize", self.oauth.page),
                web.get("/link/", self.sockets.connect),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as self.courier.session:
                yield self
        finally:
            await self.sockets.end()
            await runner.cleanup()

    def point_at(self, app: str) -> None:
        """Set where the app listens."""
        self.app_url = app

    # What the app did

    async def heard(self) -> Message:
        """Wait for the next message."""
        return await self.next(self.messages)

    async def next(self, feed: Feed[T]) -> T:
        """Wait for the next item of a feed, as in `slack.next(slack.views)`."""
        return await within_hang(feed.get())

    def violate(self, kind: str, method: str, text: str) -> None:
        self.violations.append(Violation(kind, method, text))

    def forgive(self, kind: str) -> list[Violation]:
        """Drop the violations of a kind that a test caused on purpose, and return them; there must be one."""
        gone = [found for found in self.violations if found.kind == kind]
        assert gone, f"nothing of the kind {kind!r} has happened"
        self.violations = [found for found in self.violations if found.kind != kind]
        return gone

    def show(self, channel: Channel, message: Message) -> None:
        channel.messages[message.ts] = message
        self.messages.put_nowait(message)

    def change(self, channel: Channel, message: Message) -> None:
        channel.messages[message.ts] = message
        self.edits.put_nowait(message)

    def remove(self, channel: Channel, message: Message) -> None:
        channel.messages.pop(message.ts, None)
        self.deleted.put_nowait(message)

    # Making it fail

    def fail(
        self,
        method: str,
        *,
        times: int = 1,
        error: str = "",
        status: int = 503,
        after: int | None = None,
        done: bool = False,
        channel: str = "",
    ) -> None:
        """Let the next calls of a method (or `response_url`, `upload`) fail, in that channel if one is given.

        With one of Slack's `error` codes, an HTTP status, or a 429 to retry `after` that many seconds. With `done` they
        are carried out anyway.
        """
        refusal = RefusalError(error) if error else RefusalError("service_unavailable", status=status)
        refusal = limited(after) if after is not None else refusal
        self.faults.waiting.append(Fault(method, refusal, times, done, channel=channel))

    def cut(self, method: str, *, times: int = 1, done: bool = True) -> None:
        """Break the connection before the answer; with `done`, the call was carried out."""
        self.faults.waiting.append(Fault(method, None, times, done, cut=True))

    def hollow(self, method: str) -> None:
        """Make the next call of a method succeed with an empty answer."""
        self.faults.waiting.append(Fault(method, hollow=True))

    def hold(self, method: str, *, channel: str = "") -> Hold:
        """Make the next call of a method, in that channel if one is given, wait until it's released."""
        held = Hold()
        self.faults.waiting.append(Fault(method, held=held, channel=channel))
        return held

    async def verify_url(self) -> Acknowledgement:
        """Verify the app's address, as Slack does before it sends anything there."""
        asked = {"token": VERIFICATION, "challenge": self.clock.id("challenge"), "type": "url_verification"}
        return await self.courier.deliver(Delivery(EVENT, asked))

    # Answering

    @asynccontextmanager
    async def faulty(self, method: str, request: web.Request, channel: str = "") -> AsyncIterator[Fault]:
        """Apply a fault before or after the block that carries out a call. Raises RefusalError."""
        fault = self.faults.next(method, channel)
        if fault.held is not None:
            await fault.held.pass_through()
        if not fault.done:
            _break(fault, request)
        yield fault
        _break(fault, request)

    async def _call(self, request: web.Request) -> web.Response:
        call = await read(request, self.clock.now())
        self.calls[call.method].append(call)
        headers: dict[str, str] = {}
        try:
            if self.outage is not None:
                _break(
                    Fault(call.method, RefusalError("fatal_error", status=self.outage), cut=not self.outage), request
                )
            async with self.faulty(call.method, request, call.text("channel")) as fault:
                answer = self._answer(call)
                call.answer = {"ok": True} if fault.hollow else {"ok": True, **answer}
            call.status = 200
        except RefusalError as refusal:
            call.status, call.error, call.answer = refusal.status, refusal.error, refusal.json
            headers = refusal.headers
        if call.token is not None:
            headers = headers | {"x-oauth-scopes": ",".join(sorted(call.token.scopes))}
        return web.json_response(call.answer, status=call.status, headers=headers)

    def _answer(self, call: Call) -> Payload:
        known, handler = spec.rule(call.method), self._methods.get(call.method)
        if known is None or handler is None:
            self.violate("method", call.method, "there is no such method here")
            raise RefusalError("unknown_method", req_method=call.method)
        if call.method == SOCKET:
            if call.bearer != self.app_token:
                raise RefusalError("not_allowed_token_type" if call.bearer in self.tokens else "invalid_auth")
        elif call.method != TOKENLESS:
            call.token, call.home = self.bearer(call.bearer)
            self.rates.admit(call.team.id, call.method, known.tier, call.text("channel"))
            self._authorise(call, known)
        found = list(spec.problems(call, known))
        for problem in found:
            self.violate("arguments", call.method, problem)
        if refused := [problem for problem in found if "is no argument" not in problem]:
            raise wrong("invalid_arguments", *refused)
        return handler(call)

    def _authorise(self, call: Call, known: Rule) -> None:
        try:
            spec.authorise(call, known)
        except RefusalError as refusal:
            self.violate("scope", call.method, f"wants {refusal.json['needed']}, has {refusal.json['provided']}")
            raise

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            async with self.faulty("upload", request):
                return await self.uploads.receive(request)
        except RefusalError as refusal:
            return web.Response(status=refusal.status, text=refusal.error, headers=refusal.headers)


def _break(fault: Fault, request: web.Request) -> None:
    if fault.cut and request.transport is not None:
        request.transport.abort()
        raise RefusalError("cut", status=500)
    if fault.refusal is not None:
        raise fault.refusal
