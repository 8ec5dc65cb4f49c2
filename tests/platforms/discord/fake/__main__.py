"""The fake as a process of its own, for benchmarks: it prints where it listens, and makes members busy on demand.

`POST /control/load` with `{"command": "team list", "values": {}, "rate": 50, "seconds": 10}` sends commands at that
rate for that long, whether or not earlier ones have been answered, and reports how many milliseconds each took to be
acknowledged and to be answered. `GET /control/requests` counts what was asked of Discord so far, by kind and status.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aiohttp import web

from tests.platforms.discord.fake.interactions import Interaction
from tests.platforms.discord.fake.members import Person
from tests.platforms.discord.fake.model import Channel
from tests.platforms.discord.fake.server import Discord


class Control:
    """Control routes that make the members of all guilds run commands, in turn."""

    def __init__(self, discord: Discord, guilds: int, members: int) -> None:
        self._discord = discord
        self.seats: list[tuple[Person, Channel]] = []
        for number in range(guilds):
            guild = discord.guild(f"Guild {number}")
            channel, hosts = discord.channel(guild), discord.role(guild, "Hosts", manage_guild=True)
            people = [Person.joins(discord, guild, f"member{n}", *[hosts.id] * (n == 0)) for n in range(members)]
            self.seats += [(person, channel) for person in people]
        self._turns = itertools.cycle(self.seats)

    def routes(self) -> Iterator[web.RouteDef]:
        yield web.post("/control/load", self.load)
        yield web.get("/control/requests", self.requests)

    async def load(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        loop, sent = asyncio.get_running_loop(), []
        began = loop.time()
        for number in range(int(asked["rate"] * asked["seconds"])):
            await asyncio.sleep(max(0.0, began + number / asked["rate"] - loop.time()))
            person, channel = next(self._turns)
            sent.append(person.slash(channel, asked["command"], **asked.get("values", {})))
        with suppress(TimeoutError):
            async with asyncio.timeout(asked.get("patience", 30)):
                await asyncio.gather(*(it.done.wait() for it in sent))
        for it in sent:
            self._discord.interactions.pop(it.token, None)
        return web.json_response(_measured(sent))

    async def requests(self, request: web.Request) -> web.Response:
        calls = Counter(f"{call.method} {call.route} {call.status}" for call in self._discord.requests)
        return web.json_response(dict(calls))


def _measured(sent: list[Interaction]) -> dict[str, Any]:
    return {
        "sent": len(sent),
        "acknowledged": [round((it.acknowledged_at - it.at) * 1000, 2) for it in sent if it.acknowledged_at],
        "answered": [round((it.answered_at - it.at) * 1000, 2) for it in sent if it.answered_at],
    }


async def _serve(options: argparse.Namespace) -> None:
    discord = Discord(shards=options.shards)
    discord.checks, discord.keeps, discord.rates.on = options.check, options.keep, not options.unlimited
    control = Control(discord, options.guilds, options.members)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with discord.listening(options.port, control.routes()):
        person, channel = control.seats[0]
        first = {"guild": channel.guild.id if channel.guild else 0, "channel": channel.id, "member": person.user.id}
        where = {"address": discord.address, "api": discord.api, "gateway": discord.gateway_url, "token": discord.token}
        print(json.dumps(where | first), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms.discord.fake", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--guilds", type=int, default=1)
    parser.add_argument("--members", type=int, default=10, help="in each guild; the first is a host")
    parser.add_argument("--check", action="store_true", help="hold requests against Discord's rules")
    parser.add_argument("--keep", action="store_true", help="keep requests, so that they can be counted")
    parser.add_argument("--unlimited", action="store_true", help="no rate limits")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
