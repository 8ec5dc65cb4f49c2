"""A fake Discord whose members don't wait for each other, run as a separate process (`benchmarks.children`).

It's the tests' fake without its checks of requests, which would take longer than answering them.
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
    """Members of the first guild, who all use its first channel."""

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
        """Return how to reach it, its channels with their guilds, and its members with their display names."""
        here = self.discord
        return {
            "reach": {"api": here.api, "gateway_url": here.gateway_url, "token": here.token},
            "channels": [[c.guild.id, c.guild.name, c.id, c.name] for c in self.channels if c.guild],
            "members": [[person.user.id, person.user.name.capitalize()] for person in self.people],
        }

    async def connected(self) -> Any:
        """Wait until a bot is connected."""
        await self.discord.until(lambda: self.discord.gateway.ready, within=60)

    async def cards(self) -> Any:
        """Return the posts in the channel, whose buttons each member presses once from now on."""
        self._cards = list(self.room.messages.values())
        self._fresh = [(person, card) for card in self._cards for person in self.people]
        random.Random(7).shuffle(self._fresh)  # noqa: S311
        return [card.body for card in self._cards]

    async def post(self, bodies: list[Any]) -> Any:
        """Post the same as in another crowd's channel."""
        for body in bodies:
            made = Message(self.discord.clock.id(), self.room, self.discord.me, body, flags=1 << 15)
            self.room.messages[made.id] = made
        await self.cards()

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
    ) -> Any:
        """Let members act at random moments, whether or not earlier ones were answered, and wait for all answers.

        Returns the milliseconds from each event to the bot's first answer, and to its last one. `patience` is how many
        seconds the last answers get.
        """
        chance = random.Random(seed)  # noqa: S311
        moments = sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
        act = self._action(kind, values, chance)
        loop, sent, late = asyncio.get_running_loop(), list[Interaction](), 0.0
        start, cpu = loop.time(), time.process_time()
        for moment in moments:
            if (ahead := start + moment - loop.time()) > 0:
                await asyncio.sleep(ahead)
            late = max(late, loop.time() - start - moment)
            sent.append(act())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for interaction in sent:
                    await interaction.done.wait()
        busy = (time.process_time() - cpu) / (loop.time() - start)
        for interaction in sent:
            self.discord.interactions.pop(interaction.token, None)
        answered = [interaction for interaction in sent if _answered(interaction, expect)]
        return {
            "first": [(i.acknowledged_at - i.at) * 1000 for i in sent if i.acknowledged_at],
            "last": [(i.answered_at - i.at) * 1000 for i in sent if i.answered_at],
            "failed": len(sent) - len(answered),
            "late": late * 1000,
            "busy": busy,
        }

    def _action(self, kind: str, values: list[dict[str, str]], chance: random.Random) -> Callable[[], Interaction]:
        if kind == "press":

            def press() -> Interaction:
                person, card = self._fresh.pop()
                return person.press(card, chance.choice("ABCD"[: len(card.buttons) - 1]))

            return press
        return lambda: chance.choice(self.people).slash(self.room, kind, **chance.choice(values))

    async def limited(self) -> Any:
        """Apply Discord's limits from now on, and count posts."""
        self.discord.rates.on = self.discord.keeps = True

    async def posted(self) -> Any:
        """Return how many channels have exactly one post, the posts by status, and the seconds they took in all."""
        calls = [call for call in self.discord.requests if call.method == "POST" and call.route == POST]
        done = [call.at for call in calls if call.status == 200]
        return {
            "once": sum(len(channel.messages) == 1 for channel in self.channels),
            "statuses": Counter(call.status for call in calls),
            "others": sum(call.status == 429 for call in self.discord.requests) - sum(c.status == 429 for c in calls),
            "seconds": max(done) - min(done) if done else 0.0,
        }


def _answered(interaction: Interaction, expect: str) -> bool:
    message = interaction.message
    return interaction.answered_at is not None and message is not None and bool(re.search(expect, message.text))


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
