"""Where the daily question cannot be posted as it is meant: nothing comes twice, and managers hear of it once."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostError, PostExtras, PostOptions
from bot.platforms.discord.outbox import PINS_FULL
from bot.replies import Reply
from tests.platforms.discord.scene import (
    Clock,
    deny,
    direct,
    posts,
    press,
    said,
    set_up,
    turn,
    words,
)

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)


class Forgetful(Outbox):
    """Dies after the first post, before anybody can write down that it was made."""

    def __init__(self, real: Outbox) -> None:
        self._real = real
        self.capabilities = real.capabilities
        self.died = False

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        return await self._real.missing_permissions(location, wants)

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        ref = await self._real.post(location, reply, key, options=options, attempt=attempt)
        if not self.died:
            self.died = True
            raise PostError("the connection broke", retry=True)
        return ref

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        await self._real.edit(location, ref, reply)

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        await self._real.send_direct(location, member, reply, key)


async def test_a_post_that_was_never_recorded_is_found_again(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await set_up(maya, channel)
    app.attach("discord", Forgetful(app.study.outboxes["discord"]))
    clock.until("09:00")
    await turn(app, env)
    [post] = posts(channel)

    clock.forward(minutes=3)
    await turn(app, env)
    assert [m.id for m in posts(channel)] == [post.id]

    await press(bob, post, "A")  # it is known by now: its answers are counted, and it gets its reveal
    clock.forward(minutes=1)
    await turn(app, env)
    assert "1 answer so far" in words(posts(channel)[0])
    clock.until("17:00")
    await turn(app, env)
    assert len(posts(channel)) == 2


async def test_a_deleted_channel_stops_the_schedule_and_is_reported_once(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    env.backend.delete_channel(channel.id)
    clock.until("09:00")
    for _ in range(3):
        await turn(app, env)
        clock.forward(minutes=5)
    clock.forward(days=1)
    await turn(app, env)

    [told] = direct(maya)
    assert "The daily question in papers has stopped" in words(told)
    assert "gone" in words(told)


async def test_without_permission_to_write_it_stops_and_names_the_permission(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    deny(channel, send_messages=True)
    await env.settle()
    clock.until("09:00")
    await turn(app, env)
    [told] = direct(maya)
    assert "Send Messages" in words(told)
    stopped = await maya.slash(channel, "schedule list")
    assert "stopped: " in said(stopped)

    refused = await maya.slash(channel, "schedule resume")
    assert "Send Messages" in said(refused)
    deny(channel, send_messages=False)
    await env.settle()
    assert "Back on." in said(await maya.slash(channel, "schedule resume"))
    clock.forward(days=1)
    await turn(app, env)
    assert len(posts(channel)) == 1


async def test_without_permission_for_threads_it_posts_and_reports_once(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    deny(channel, create_public_threads=True)
    await env.settle()
    for _ in range(2):
        clock.until("09:00")
        await turn(app, env)
        await turn(app, env)
        clock.forward(hours=1)

    questions = [m for m in posts(channel) if "Question of the day" in words(m)]
    assert len(questions) == 2
    assert not channel.threads
    [told] = direct(maya)
    assert "but part of it is missing" in words(told)
    assert "Create Public Threads" in words(told)


async def test_when_pins_are_full_it_posts_with_its_thread_and_reports_once(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, thread="on", pin="on")
    env.inject_error("PUT", f"/channels/{channel.id}/*pins/*", status=400, code=PINS_FULL, times=None)
    for day in (1, 2):
        clock.until("09:00")
        for _ in range(3):
            await turn(app, env)
            clock.forward(minutes=5)

        assert len([m for m in posts(channel) if "Question of the day" in words(m)]) == day
        assert len(channel.threads) == day
        assert len([r for r in env.http_requests if r.method == "PUT" and "/pins/" in r.path]) == day

    [told] = direct(maya)
    assert "The daily question was posted in papers, but part of it is missing" in words(told)
    assert "as many pins as Discord allows. Unpin one." in words(told)
    assert "stopped" not in said(await maya.slash(channel, "schedule list"))


@pytest.mark.parametrize(("status", "code"), [(500, 0), (503, 0), (429, 0)])
async def test_a_discord_outage_is_waited_out(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, status: int, code: int
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    env.inject_error("POST", "/channels/*/messages", status=status, code=code)
    await turn(app, env)
    assert not posts(channel)

    clock.forward(minutes=3)
    await turn(app, env)
    assert len(posts(channel)) == 1
    assert not direct(maya)


async def test_managers_who_block_messages_do_not_stop_posts(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    deny(channel, send_messages=True)
    await env.settle()
    clock.until("09:00")
    env.inject_error("POST", f"/channels/{maya.user.dm_channel.id}/messages", status=403, code=50007)
    await turn(app, env)

    assert "stopped: " in said(await maya.slash(channel, "schedule list"))
