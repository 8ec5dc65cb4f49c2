"""The nights in which clocks change: one question for each local date, even if its time is skipped or occurs twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.scheduler import Scheduler
from tests.platforms.discord.scene import Clock, posts, words

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "time", "change", "posted_at"),
    [
        ("Europe/Berlin", "02:30", date(2026, 3, 29), "03:30"),
        ("Europe/Berlin", "02:30", date(2026, 10, 25), "02:30"),
        ("America/New_York", "02:30", date(2026, 3, 8), "03:30"),
        ("America/New_York", "01:30", date(2026, 11, 1), "01:30"),
        ("Australia/Lord_Howe", "02:15", date(2026, 10, 4), "02:45"),
        ("Australia/Lord_Howe", "01:45", date(2026, 4, 5), "01:45"),
    ],
)
async def test_one_question_comes_for_each_local_date_while_the_clocks_change(
    *,
    env: Env,
    app: App,
    clock: Clock,
    channel: ChannelHandle,
    maya: MemberActor,
    zone: str,
    time: str,
    change: date,
    posted_at: str,
) -> None:
    midnight = datetime.combine(change, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    night = [midnight + QUARTER * number for number in range(20)]
    clock.forward(seconds=(midnight - DAY - clock()).total_seconds())
    await maya.slash(channel, "schedule setup", time=time, zone=zone, days="daily")
    scheduler, arrivals = Scheduler(app.study, 5), list[str]()
    for moment in (night[-1] - DAY, *night, night[-1] + DAY):
        clock.forward(seconds=(moment - clock()).total_seconds())
        await scheduler.run_once()
        questions = sum("Question of the day" in words(post) for post in posts(channel))
        arrivals += [f"{moment.astimezone(ZoneInfo(zone)):%F %H:%M}"] * (questions - len(arrivals))

    assert [arrival[:10] for arrival in arrivals] == [str(change - DAY), str(change), str(change + DAY)]
    assert arrivals[1] == f"{change} {posted_at}"
