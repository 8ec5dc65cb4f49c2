"""What discord.py knows about rate limits."""

from __future__ import annotations

import asyncio

from discord.http import HTTPClient, Ratelimit

from bot.platforms.discord.rate_limits import CLEARING_INTERVAL, clear_seldom


class CountedLimits(dict[str, Ratelimit]):
    """Limits that count how often somebody looks through all of them."""

    looks = 0

    def items(self):  # type: ignore[no-untyped-def]
        self.looks += 1
        return super().items()


async def test_limits_that_are_over_are_forgotten_without_a_look_through_all_for_each_new_channel() -> None:
    http = HTTPClient(asyncio.get_running_loop())
    now = 0.0
    clear_seldom(http, lambda: now)
    limits = http._buckets = CountedLimits()
    for number in range(1000):
        http.get_ratelimit(f"over{number}")._last_request = -1000.0

    now += CLEARING_INTERVAL
    http.get_ratelimit("new")

    assert limits.looks <= 2
    assert list(limits) == ["new"]
