"""The daily question in a channel of Discord, posted by the clockwork: once, with all that belongs to it."""

from __future__ import annotations

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.commands import CannotPost, Outbox, Place, Wants
from bot.platforms.discord.client import StudyClient
from bot.replies import Reply
from bot.schedule import Clockwork
from tests.platforms.discord.scene import (
    Clock,
    buttons,
    deny,
    direct,
    letters,
    parts,
    posts,
    press,
    requests,
    said,
    turn,
    words,
)

pytestmark = pytest.mark.simcord(shard_count=1)

MESSAGES = r"/channels/\d+/messages"
MESSAGE = r"/channels/\d+/messages/\d+"


async def set_up(maya: MemberActor, channel: ChannelHandle, **options: object) -> None:
    done = await maya.slash(channel, "schedule setup", time="09:00", **options)
    assert "Done: weekdays at 09:00" in said(done)


async def test_a_question_is_posted_once_at_its_time(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("08:59")
    await turn(app, env)
    assert not posts(channel)

    clock.until("09:00")
    await turn(app, env)
    await turn(app, env)

    [post] = posts(channel)
    assert "Question of the day" in words(post)
    assert {"A", "B", "C", "D"} <= set(buttons(post))


async def test_nobody_is_called_unless_a_role_is_set(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    await turn(app, env)

    post = requests(env, "POST", f"/channels/{channel.id}/messages")[-1]
    assert post["allowed_mentions"]["parse"] == []
    assert not post["allowed_mentions"].get("roles")
    assert "<@&" not in str(post)


async def test_a_role_that_is_set_is_called_by_the_question_and_by_nothing_else(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    await set_up(maya, channel, role=role)
    clock.until("09:00")
    await turn(app, env)
    clock.until("17:00")
    await turn(app, env)

    question, reveal = requests(env, "POST", f"/channels/{channel.id}/messages")
    assert question["allowed_mentions"]["roles"] == [role.id]
    assert role.mention in words(posts(channel)[0])
    assert not reveal["allowed_mentions"].get("roles")
    assert role.mention not in words(posts(channel)[1])


async def test_a_thread_is_opened_under_the_question(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    clock.until("09:00")
    await turn(app, env)
    await turn(app, env)

    [thread] = channel.threads
    assert thread.id == posts(channel)[0].id
    assert thread.name is not None
    assert thread.name.startswith("01 Jan")


async def test_the_pin_moves_to_the_newest_question(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, pin="on")
    clock.until("09:00")
    await turn(app, env)
    [first] = posts(channel)
    assert [m.id for m in channel.pinned_messages()] == [first.id]

    clock.until("08:59")
    await turn(app, env)
    clock.until("09:00")
    await turn(app, env)

    second = posts(channel)[-1]
    assert "Question of the day" in words(second)
    assert [m.id for m in channel.pinned_messages()] == [second.id]


async def test_a_pin_that_somebody_took_down_is_no_hindrance(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, pin="on")
    clock.until("09:00")
    await turn(app, env)
    [first] = posts(channel)
    env.backend.delete_message(channel.id, first.id)

    clock.forward(hours=24)
    await turn(app, env)

    question = next(m for m in posts(channel) if "Question of the day" in words(m))
    assert [m.id for m in channel.pinned_messages()] == [question.id]
    assert not direct(maya)


async def test_the_count_is_shown_at_most_every_ten_seconds(
    app: App,
    env: Env,
    clock: Clock,
    channel: ChannelHandle,
    maya: MemberActor,
    bob: MemberActor,
    ada: MemberActor,
) -> None:
    def edits() -> int:
        return len(requests(env, "PATCH", MESSAGE))

    await set_up(maya, channel)
    clock.until("09:00")
    await turn(app, env)
    [post] = posts(channel)
    assert "answered so far" not in words(post)

    await press(bob, post, "A")
    await turn(app, env)
    assert "1 answered so far" in words(posts(channel)[0])
    await press(ada, post, "B")
    clock.forward(seconds=5)
    await turn(app, env)
    assert edits() == 1

    clock.forward(seconds=5)
    await turn(app, env)
    await turn(app, env)
    assert edits() == 2
    assert "2 answered so far" in words(posts(channel)[0])


async def test_a_count_leaves_the_call_of_a_role_and_the_mark_of_the_post(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    await set_up(maya, channel, role=role)
    clock.until("09:00")
    await turn(app, env)
    before = posts(channel)[0]
    await press(bob, before, "A")
    await turn(app, env)

    after = posts(channel)[0]
    assert "1 answered so far" in words(after)
    assert role.mention in words(after)
    frame = next(p["id"] for p in parts(before) if p["type"] == 17)
    assert [p["id"] for p in parts(after) if p["type"] == 17] == [frame]


async def test_the_reveal_is_a_message_of_its_own(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    await turn(app, env)
    right, _, question = await letters(app, posts(channel)[0])
    verdict = await press(bob, posts(channel)[0], right)
    assert "Right!" in said(verdict)
    assert verdict.ephemeral

    clock.until("17:00")
    await turn(app, env)
    await turn(app, env)

    asked, reveal = posts(channel)
    assert question.answer.split(".")[0][:20] not in words(asked)
    assert "The answer" in words(reveal)
    assert "1 of 1 choices was right" in words(reveal)
    late = await press(bob, reveal, "Practise more")
    assert late.ephemeral


async def test_a_second_process_posts_nothing_twice(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    one, other = Clockwork(app.study, 5), Clockwork(app.study, 5)
    await one.turn()
    await other.turn()
    clock.forward(minutes=5)
    await other.turn()
    await env.settle()

    assert len(posts(channel)) == 1


class Forgetful(Outbox):
    """Dies after the first post, before anybody can write down that it was made."""

    def __init__(self, real: Outbox) -> None:
        self._real = real
        self.offers = real.offers
        self.died = False

    async def lacking(self, place: Place, wants: Wants) -> str:
        return await self._real.lacking(place, wants)

    async def post(self, place: Place, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        ref = await self._real.post(place, reply, key, role=role, again=again)
        if not self.died:
            self.died = True
            raise CannotPost("the connection broke", retry=True)
        return ref

    async def edit(self, place: Place, ref: str, reply: Reply) -> None:
        await self._real.edit(place, ref, reply)

    async def tell(self, place: Place, member: str, reply: Reply, key: str) -> None:
        await self._real.tell(place, member, reply, key)


async def test_a_post_that_was_never_written_down_is_found_again(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
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
    assert "1 answered so far" in words(posts(channel)[0])
    clock.until("17:00")
    await turn(app, env)
    assert len(posts(channel)) == 2


async def test_a_restart_in_between_changes_nothing(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    clock.until("09:00")
    await turn(app, env)
    await env.restart_bot(StudyClient(app))
    await turn(app, env)
    await press(bob, posts(channel)[0], "A")
    await turn(app, env)

    [post] = posts(channel)
    assert "1 answered so far" in words(post)


async def test_a_channel_that_is_gone_stops_the_schedule_and_is_told_once(
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
    assert "The daily question in papers is paused" in words(told)
    assert "gone" in words(told)


async def test_without_the_right_to_write_it_stops_and_names_the_permission(
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
    clock.until("09:00")
    await turn(app, env)
    assert len(posts(channel)) == 1


async def test_without_the_right_to_open_threads_it_is_posted_and_told_once(
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
    assert "but not all of it" in words(told)
    assert "Create Public Threads" in words(told)


@pytest.mark.parametrize(("status", "code"), [(500, 0), (503, 0)])
async def test_a_fault_of_discord_is_waited_out(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, status: int, code: int
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


async def test_managers_who_take_no_messages_stop_nothing(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    deny(channel, send_messages=True)
    await env.settle()
    clock.until("09:00")
    env.inject_error("POST", f"/channels/{maya.user.dm_channel.id}/messages", status=403, code=50007)
    await turn(app, env)

    assert "stopped: " in said(await maya.slash(channel, "schedule list"))


async def test_the_thread_of_a_question_goes_on_after_a_day(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    for _ in range(2):
        clock.until("09:00")
        await turn(app, env)
        clock.forward(hours=1)

    assert len(channel.threads) == 2
    assert len({thread.name for thread in channel.threads}) == 2
    assert isinstance(env.bot.get_channel(channel.threads[0].id), discord.Thread)
