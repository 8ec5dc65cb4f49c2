"""Slack with members who do not wait for each other, as a process (`benchmarks.children`) beside an app's.

It is the fake of the tests, except that it does not look at whether answers are well-formed: that would take more time
than taking them does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Iterator
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
IDLE = 2.0
"""Seconds that a connection is kept: uvicorn closes it after 5, and what is sent just then is lost."""
SHOWN = 3
"""Failures of a load that are written down."""
ABOUT = {
    "ask what is LoRA": r"(?i)low-rank",
    "ask why do VAEs blur": r"VAE",
    "ask how does RAG find documents": r"(?i)retriev",
    "ask what is a diffusion model": r"(?i)noise",
    "ask attention heads": r"(?i)attention",
}
"""Patterns of what members are to read, where what they ask differs."""


@dataclass(slots=True)
class Deed:
    """What one member does: a request as Slack sends it, when it went out, and what came back when."""

    body: bytes
    headers: dict[str, str]
    answers_at: str
    """The id of its response_url."""
    line: str = ""
    at: float = 0.0
    status: int = 0
    acknowledged_at: float = 0.0
    answered_at: float = 0.0
    said: Any = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, said: Any, at: float) -> None:
        """What the member reads first."""
        if not self.answered_at:
            self.said, self.answered_at = said, at
            self.done.set()

    def read(self, expect: str, within: float) -> bool:
        """Whether the app acknowledged in time, and said what the member is to read."""
        if self.status != 200 or not self.answered_at or self.acknowledged_at > self.at + within:
            return False
        said = self.said if isinstance(self.said, dict) else {"text": self.said}
        return re.search(expect, "\n".join((str(said.get("text")), *words(said.get("blocks"))))) is not None


class Answers(Hooks):
    """The response_urls, at which answers are only kept."""

    def __init__(self, slack: Slack) -> None:
        super().__init__(slack)
        self.waiting: dict[str, Deed] = {}

    async def receive(self, request: web.Request) -> web.Response:
        at, deed = time.monotonic(), self.waiting.get(request.match_info["id"])
        if deed is None:
            return web.Response(status=404)
        deed.hear(await request.json(), at)
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
        """How to reach it, and who is there: the channel with its workspace, members with the name that is shown."""
        team, room = self.team, self.room
        return {
            "reach": {"api": self.slack.api, "token": team.token, "secret": self.slack.signing_secret},
            "channels": [[team.id, team.name, room.id, room.name]],
            "members": [[person.id, person.user.display_name] for person in self.people],
        }

    async def point_at(self, app: str) -> None:
        """Where the app listens."""
        self.slack.point_at(app)

    async def cards(self) -> Any:
        """What was posted in the channel: its buttons are pressed, by each member once, one card after another."""
        cards, chance = list(self.room.messages.values()), random.Random(7)  # noqa: S311
        self._fresh = (
            (person, card) for card in cards for person in chance.sample(self.people, k=len(self.people))
        )  # as on a day on which everybody has the same question before them
        return [[card.text, card.blocks] for card in cards]

    async def post(self, cards: list[Any]) -> None:
        """The same as in another crowd's channel."""
        team = self.team
        for text, blocks in cards:
            made = Message(team.id, self.room.id, text, blocks, self.slack.clock.ts(), team.me.id, team.app)
            self.room.messages[made.ts] = made
        await self.cards()

    async def pressed(self) -> int:
        """How many buttons, so far."""
        return self._pressed

    async def called(self) -> dict[str, int]:
        """Methods of the Web API, and how often the app called them so far."""
        return {method: len(calls) for method, calls in self.slack.calls.items()}

    async def load(
        self,
        kind: str,
        values: list[dict[str, str]],
        rate: float,
        seconds: float,
        seed: int,
        expect: str,
        patience: float,
    ) -> Any:
        """Members at random moments, whether or not those before have been answered; all of it ends before it returns.

        Milliseconds from each one's request to the app's acknowledgement, and to its answer. What they send has been
        written and signed before the first of them comes.
        """
        chance = random.Random(seed)  # noqa: S311
        moments = sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
        deeds = [self._deed(kind, chance.choice(values), chance) for _ in moments]
        self.answers.waiting = {deed.answers_at: deed for deed in deeds}
        under_way, late = list[asyncio.Task[None]](), 0.0
        begun, cpu = time.monotonic(), time.process_time()
        for moment, deed in zip(moments, deeds, strict=True):
            if (ahead := begun + moment - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            late = max(late, time.monotonic() - begun - moment)
            under_way.append(asyncio.create_task(self._send(deed)))
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.gather(*under_way)
                for deed in deeds:
                    if deed.status == 200:
                        await deed.done.wait()
        busy = (time.process_time() - cpu) / (time.monotonic() - begun)
        within = self.slack.patience
        failed = [deed for deed in deeds if not deed.read(expect or ABOUT.get(deed.line, ""), within)]
        for deed in failed[:SHOWN]:
            after = f"after {deed.acknowledged_at - deed.at:.1f} s" if deed.acknowledged_at else "never"
            print(f"failed: {kind} {deed.line!r}, {deed.status} {after}: {deed.said!r:.300}", file=sys.stderr)
        return {
            "first": [(deed.acknowledged_at - deed.at) * 1000 for deed in deeds if deed.acknowledged_at],
            "last": [(deed.answered_at - deed.at) * 1000 for deed in deeds if deed.answered_at],
            "failed": len(failed),
            "late": late * 1000,
            "busy": busy,
        }

    def _deed(self, kind: str, values: dict[str, str], chance: random.Random) -> Deed:
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
        return Deed(body.encode(), headers, payload["response_url"].rpartition("/")[2], line)

    async def _send(self, deed: Deed) -> None:
        deed.at = time.monotonic()
        try:
            async with self.session.post(self.slack.app_url, data=deed.body, headers=deed.headers) as answer:
                said = await answer.text()
        except aiohttp.ClientError as problem:
            deed.said = f"{type(problem).__name__}: {problem}"
            return
        deed.acknowledged_at, deed.status = time.monotonic(), answer.status
        if said:
            typed = answer.content_type == "application/json"
            deed.hear(json.loads(said) if typed else said, deed.acknowledged_at)


async def run(options: argparse.Namespace) -> None:
    crowd = Crowd(options.members, today=options.today)
    async with (
        crowd.slack.listening(),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)) as crowd.session,
    ):
        orders = (crowd.where, crowd.point_at, crowd.cards, crowd.post, crowd.pressed, crowd.called, crowd.load)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--today", action="store_true", help="at the present time, not on the benchmarks' own day")
    asyncio.run(run(parser.parse_args()))
