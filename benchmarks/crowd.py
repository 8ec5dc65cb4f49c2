"""Discord with members who do not wait for each other, as a process (`benchmarks.children`) beside a bot's.

It is the fake of the tests, without looking at whether requests are well-formed: that would take more time than
answering them does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from benchmarks.children import obey
from benchmarks.respond import NOW
from tests.platforms.discord.fake import Channel, Discord, Interaction, Message, Person

POST = "/channels/{channel_id}/messages"


class Crowd:
    """Members of the first guild, who use its first channel."""

    def __init__(self, guilds: int, channels: int, members: int) -> None:
        self.discord = Discord()
        self.discord.checks = self.discord.keeps = self.discord.rates.on = False
        self.discord.clock.forward(NOW.timestamp() - time.time())
        self.guilds = [self.discord.guild(f"Guild {number}") for number in range(guilds)]
        self.channels = [
            self.discord.channel(guild, f"papers-{number}") for guild in self.guilds for number in range(channels)
        ]
        self.people = [Person.joins(self.discord, self.guilds[0], f"member{number}") for number in range(members)]
        self._cards: list[Message] = []
        self._fresh: list[tuple[Person, Message]] = []

    @property
    def room(self) -> Channel:
        return self.channels[0]

    async def where(self) -> Any:
        """How to reach it, and who is there: channels with their guild, members with the name that is shown."""
        here = self.discord
        return {
            "reach": {"api": here.api, "gateway_url": here.gateway_url, "token": here.token},
            "channels": [[c.guild.id, c.guild.name, c.id, c.name] for c in self.channels if c.guild],
            "members": [[person.user.id, person.user.name.capitalize()] for person in self.people],
        }

    async def connected(self) -> Any:
        """Once a bot is there."""
        await self.discord.until(lambda: self.discord.gateway.ready, within=60)

    async def cards(self) -> Any:
        """What was posted in the channel: from now on its buttons are pressed, by each member once."""
        self._cards = list(self.room.messages.values())
        self._fresh = [(person, card) for card in self._cards for person in self.people]
        random.Random(7).shuffle(self._fresh)  # noqa: S311
        return [card.body for card in self._cards]

    async def post(self, bodies: list[Any]) -> Any:
        """The same posts as in another crowd's channel."""
        for body in bodies:
            made = Message(self.discord.clock.id(), self.room, self.discord.me, body, flags=1 << 15)
            self.room.messages[made.id] = made
        await self.cards()

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

        Milliseconds from each one's event to the bot's first answer, and to the last one.
        """
        chance = random.Random(seed)  # noqa: S311
        moments = sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
        act = self._acting(kind, values, chance)
        loop, sent, late = asyncio.get_running_loop(), list[Interaction](), 0.0
        begun, cpu = loop.time(), time.process_time()
        for moment in moments:
            if (ahead := begun + moment - loop.time()) > 0:
                await asyncio.sleep(ahead)
            late = max(late, loop.time() - begun - moment)
            sent.append(act())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for it in sent:
                    await it.done.wait()
        busy = (time.process_time() - cpu) / (loop.time() - begun)
        for it in sent:
            self.discord.interactions.pop(it.token, None)
        good = [it for it in sent if _answered(it, expect)]
        return {
            "first": [(it.acknowledged_at - it.at) * 1000 for it in sent if it.acknowledged_at],
            "last": [(it.answered_at - it.at) * 1000 for it in sent if it.answered_at],
            "failed": len(sent) - len(good),
            "late": late * 1000,
            "busy": busy,
        }

    def _acting(self, kind: str, values: list[dict[str, str]], chance: random.Random) -> Callable[[], Interaction]:
        if kind == "press":

            def press() -> Interaction:
                person, card = self._fresh.pop()
                return person.press(card, chance.choice("ABCD"[: len(card.buttons) - 1]))

            return press
        return lambda: chance.choice(self.people).slash(self.room, kind, **chance.choice(values))

    async def limited(self) -> Any:
        """From now on Discord's limits hold, and posts are counted."""
        self.discord.rates.on = self.discord.keeps = True

    async def posted(self) -> Any:
        """Channels with exactly one post, how many posts were made or refused, and the seconds between them."""
        calls = [call for call in self.discord.requests if call.method == "POST" and call.route == POST]
        done = [call.at for call in calls if call.status == 200]
        return {
            "once": sum(len(channel.messages) == 1 for channel in self.channels),
            "statuses": Counter(call.status for call in calls),
            "others": sum(call.status == 429 for call in self.discord.requests) - sum(c.status == 429 for c in calls),
            "seconds": max(done) - min(done) if done else 0.0,
        }


def _answered(it: Interaction, expect: str) -> bool:
    return it.answered_at is not None and it.message is not None and re.search(expect, it.message.text) is not None


async def run(options: argparse.Namespace) -> None:
    crowd = Crowd(options.guilds, options.channels, options.members)
    async with crowd.discord.listening():
        orders = (crowd.where, crowd.connected, crowd.cards, crowd.post, crowd.load, crowd.limited, crowd.posted)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--guilds", type=int, default=1)
    parser.add_argument("--channels", type=int, default=1, help="in each guild")
    parser.add_argument("--members", type=int, default=0)
    asyncio.run(run(parser.parse_args()))
