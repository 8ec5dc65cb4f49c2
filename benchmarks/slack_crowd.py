"""A fake Slack whose members don't wait for each other, run as a separate process (`benchmarks.children`).

It's the tests' fake without its checks of the app's answers, which would take longer than receiving them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from benchmarks.children import obey
from benchmarks.respond import NOW
from tests.platforms.slack.fake import Message, Person, Slack
from tests.platforms.slack.fake.hooks import Hooks
from tests.platforms.slack.fake.payloads import Payloads
from tests.platforms.slack.fake.shown import Payload, words

COMMAND = "/study"
FORM = "application/x-www-form-urlencoded"
KEEPALIVE = 2.0
"""Seconds that an idle connection is kept: uvicorn closes it after 5, and a request sent just then is lost."""
MAX_FAILURES_LOGGED = 3
"""Failures logged per load."""
EXPECTED = {
    "ask what is LoRA": r"(?i)low-rank",
    "ask why do VAEs blur": r"VAE",
    "ask how does RAG find documents": r"(?i)retriev",
    "ask what is a diffusion model": r"(?i)noise",
    "ask attention heads": r"(?i)attention",
}
"""Patterns that the answers must match, by the command line."""


@dataclass(slots=True)
class SentRequest:
    """A member's request as Slack sends it, when it was sent, and what came back when."""

    body: bytes
    headers: dict[str, str]
    response_url_id: str
    line: str = ""
    sent_at: float = 0.0
    status: int = 0
    acknowledged_at: float = 0.0
    answered_at: float = 0.0
    answer: Any = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, answer: Any, at: float) -> None:
        """Record the first answer."""
        if not self.answered_at:
            self.answer, self.answered_at = answer, at
            self.done.set()

    def succeeded(self, pattern: str, within: float) -> bool:
        """Tell whether the app acknowledged within so many seconds, and its answer matches the pattern."""
        if self.status != 200 or not self.answered_at or self.acknowledged_at > self.sent_at + within:
            return False
        answer = self.answer if isinstance(self.answer, dict) else {"text": self.answer}
        return re.search(pattern, "\n".join((str(answer.get("text")), *words(answer.get("blocks"))))) is not None


class Answers(Hooks):
    """The response_urls, which only record the answers."""

    def __init__(self, slack: Slack) -> None:
        super().__init__(slack)
        self.waiting: dict[str, SentRequest] = {}

    async def receive(self, request: web.Request) -> web.Response:
        at, sent = time.monotonic(), self.waiting.get(request.match_info["id"])
        if sent is None:
            return web.Response(status=404)
        sent.receive(await request.json(), at)
        return web.Response(text="ok")


class Crowd:
    """Members of one workspace, who use its first channel."""

    def __init__(self, members: int, *, today: bool) -> None:
        self.slack = Slack()
        if not today:
            self.slack.clock.forward(NOW.timestamp() - time.time())
        self.slack.hooks = self.answers = Answers(self.slack)
        self.team = self.slack.team("readers")
        self.room = self.team.main
        self.people = [Person.joins(self.slack, self.team, f"member{number}") for number in range(members)]
        self.session: aiohttp.ClientSession
        self._signature = SignatureVerifier(self.slack.signing_secret)
        self._pressed = 0
        order = list(self.people)
        random.Random(7).shuffle(order)  # noqa: S311
        self._turns = cycle(order)
        self._fresh: Iterator[tuple[Person, Message]] = iter(())

    async def where(self) -> Any:
        """Return the app's arguments, the channel with its workspace, and the members with their display names."""
        team, room = self.team, self.room
        return {
            "reach": {"api": self.slack.api, "token": team.token, "secret": self.slack.signing_secret},
            "channels": [[team.id, team.name, room.id, room.name]],
            "members": [[person.id, person.user.display_name] for person in self.people],
        }

    async def point_at(self, app: str) -> None:
        """Set where the app listens."""
        self.slack.point_at(app)

    async def cards(self) -> Any:
        """Return what was posted in the channel. Each member will press a button of each card once, card by card."""
        cards, chance = list(self.room.messages.values()), random.Random(7)  # noqa: S311
        self._fresh = (
            (person, card) for card in cards for person in chance.sample(self.people, k=len(self.people))
        )  # as on a day on which everyone has the same question
        return [[card.text, card.blocks] for card in cards]

    async def post(self, cards: list[Any]) -> None:
        """Post the cards of another crowd's channel."""
        team = self.team
        for text, blocks in cards:
            made = Message(team.id, self.room.id, text, blocks, self.slack.clock.ts(), team.me.id, team.app)
            self.room.messages[made.ts] = made
        await self.cards()

    async def pressed(self) -> int:
        """Return how many buttons were pressed so far."""
        return self._pressed

    async def called(self) -> dict[str, int]:
        """Return how often the app called each Web API method so far."""
        return {method: len(calls) for method, calls in self.slack.calls.items()}

    async def load(
        self,
        *,
        kind: str,
        values: list[dict[str, str]],
        rate: float,
        seconds: float,
        seed: int,
        expect: str,
        patience: float,
        beside: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send requests at random moments, whether or not earlier ones were answered, and wait for all of them to end.

        Returns the milliseconds from each request to its acknowledgement, and to its answer. All requests are written
        and signed before the first is sent. `beside` has the kind, values and rate of others that are sent meanwhile;
        their results come under "beside".
        """
        chance = random.Random(seed)  # noqa: S311
        moments = sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
        requests = [self._request(kind, chance.choice(values), chance) for _ in moments]
        if beside is not None:
            others = [chance.uniform(0, seconds) for _ in range(round(beside["rate"] * seconds))]
            requests += [self._request(beside["kind"], chance.choice(beside["values"]), chance) for _ in others]
            planned = sorted(zip([*moments, *others], requests, strict=True), key=lambda plan: plan[0])
        else:
            planned = list(zip(moments, requests, strict=True))
        self.answers.waiting = {sent.response_url_id: sent for sent in requests}
        sending, late = list[asyncio.Task[None]](), 0.0
        begun, cpu = time.monotonic(), time.process_time()
        for moment, sent in planned:
            if (ahead := begun + moment - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            late = max(late, time.monotonic() - begun - moment)
            sending.append(asyncio.create_task(self._send(sent)))
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.gather(*sending)
                for sent in requests:
                    if sent.status == 200:
                        await sent.done.wait()
        busy = (time.process_time() - cpu) / (time.monotonic() - begun)
        measured = len(moments)
        results = self._results(kind, requests[:measured], expect) | {"late": late * 1000, "busy": busy}
        if beside is not None:
            results["beside"] = self._results(beside["kind"], requests[measured:], ".")
        return results

    def _results(self, kind: str, requests: Sequence[SentRequest], expect: str) -> dict[str, Any]:
        within = self.slack.patience
        failed = [sent for sent in requests if not sent.succeeded(expect or EXPECTED.get(sent.line, ""), within)]
        for sent in failed[:MAX_FAILURES_LOGGED]:
            after = f"after {sent.acknowledged_at - sent.sent_at:.1f} s" if sent.acknowledged_at else "never"
            print(f"failed: {kind} {sent.line!r}, {sent.status} {after}: {sent.answer!r:.300}", file=sys.stderr)
        return {
            "first": [(sent.acknowledged_at - sent.sent_at) * 1000 for sent in requests if sent.acknowledged_at],
            "last": [(sent.answered_at - sent.sent_at) * 1000 for sent in requests if sent.answered_at],
            "failed": len(failed),
            "unacknowledged": sum(not sent.acknowledged_at for sent in requests),
            "answers": Counter(str(sent.answer)[:60] for sent in requests).most_common(3),
        }

    def _request(self, kind: str, values: dict[str, str], chance: random.Random) -> SentRequest:
        line = ""
        if kind == "press":
            self._pressed += 1
            person, card = next(self._fresh)
            letters = [label for label in card.buttons if len(label) == 1]
            source = card.pressed(chance.choice(letters))
            payload = Payloads(self.slack, self.team, person.user).pressed(card, source.block, source.element)
            fields: Payload = {"payload": json.dumps(payload)}
        else:
            line = " ".join((kind, *values.values()))
            person = next(self._turns)
            fields = payload = Payloads(self.slack, self.team, person.user).command(COMMAND, line, self.room)
        body, at = urlencode(fields), str(int(self.slack.clock.now()))
        headers = {
            "Content-Type": FORM,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": str(self._signature.generate_signature(timestamp=at, body=body)),
        }
        return SentRequest(body.encode(), headers, payload["response_url"].rpartition("/")[2], line)

    async def _send(self, sent: SentRequest) -> None:
        sent.sent_at = time.monotonic()
        try:
            async with self.session.post(self.slack.app_url, data=sent.body, headers=sent.headers) as answer:
                text = await answer.text()
        except aiohttp.ClientError as problem:
            sent.answer = f"{type(problem).__name__}: {problem}"
            return
        sent.acknowledged_at, sent.status = time.monotonic(), answer.status
        if text:
            is_json = answer.content_type == "application/json"
            sent.receive(json.loads(text) if is_json else text, sent.acknowledged_at)


async def run(options: argparse.Namespace) -> None:
    crowd = Crowd(options.members, today=options.today)
    async with (
        crowd.slack.listening(),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE)) as crowd.session,
    ):
        orders = (crowd.where, crowd.point_at, crowd.cards, crowd.post, crowd.pressed, crowd.called, crowd.load)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--today", action="store_true", help="use the current time, not the benchmarks' own day")
    asyncio.run(run(parser.parse_args()))
