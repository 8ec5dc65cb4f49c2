"""The daily question in a channel of Discord, posted by the scheduler: once, with everything that goes with it."""

from __future__ import annotations

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.platforms.discord.client import StudyClient
from bot.scheduler import Scheduler
from tests.platforms.discord.scene import (
    Clock,
    buttons,
    direct,
    letters,
    posts,
    press,
    requests,
    said,
    set_up,
    turn,
    words,
)

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

MESSAGE = r"/channels/\d+/messages/\d+"


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


async def test_nobody_is_mentioned_unless_a_role_is_set(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    await turn(app, env)

    post = requests(env, "POST", f"/channels/{channel.id}/messages")[-1]
    assert post["allowed_mentions"]["parse"] == []
    assert not post["allowed_mentions"].get("roles")
    assert "<@&" not in str(post)


async def test_only_the_question_mentions_the_role_that_is_set(
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
    assert thread.name


async def test_in_a_questions_thread_commands_are_about_its_channel(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    clock.until("09:00")
    await turn(app, env)
    [thread], [post] = channel.threads, posts(channel)
    right, _, question = await letters(app, post)

    assert question.title.split("$")[0][:20] in said(await bob.slash(thread, "daily"))
    await press(bob, post, right)
    assert "bob" in said(await bob.slash(thread, "leaderboard", where="channel"))
    assert "weekdays at 09:00" in said(await maya.slash(thread, "schedule list"))
    await bob.slash(thread, "question")
    assert "all set" in said(await maya.slash(thread, "schedule setup", time="12:00"))
    assert "12:00" in said(await maya.slash(channel, "schedule list"))


async def test_a_channel_whose_thread_is_used_first_has_its_name(
    env: Env, channel: ChannelHandle, maya: MemberActor
) -> None:
    env.backend.create_thread(channel.id, "talk", maya.id)
    await env.settle()
    [thread] = channel.threads

    assert "Daily question in papers" in said(await maya.slash(thread, "schedule setup", time="09:00"))


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


async def test_a_pin_that_somebody_removed_does_not_matter(
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
    *,
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
    assert "so far" not in words(post)

    await press(bob, post, "A")
    await turn(app, env)
    assert "1 answer so far" in words(posts(channel)[0])
    await press(ada, post, "B")
    clock.forward(seconds=5)
    await turn(app, env)
    assert edits() == 1

    clock.forward(seconds=5)
    await turn(app, env)
    await turn(app, env)
    assert edits() == 2
    assert "2 answers so far" in words(posts(channel)[0])


async def test_updating_the_count_keeps_the_mention_of_the_role(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    await set_up(maya, channel, role=role)
    clock.until("09:00")
    await turn(app, env)
    before = posts(channel)[0]
    await press(bob, before, "A")
    await turn(app, env)

    after = posts(channel)[0]
    assert "1 answer so far" in words(after)
    assert role.mention in words(after)


async def test_the_reveal_is_a_separate_message(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
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
    assert "1 of 1 picked the right choice" in words(reveal)
    late = await press(bob, reveal, "Practice more")
    assert late.ephemeral


async def test_the_reveal_replies_to_the_question_whose_choices_give_way_to_practice(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    await set_up(maya, channel, role=role)
    clock.until("09:00")
    await turn(app, env)
    right, _, question = await letters(app, posts(channel)[0])
    await press(bob, posts(channel)[0], right)
    await turn(app, env)

    clock.until("17:00")
    await turn(app, env)

    asked, reveal = posts(channel)
    assert reveal.reference is not None
    assert reveal.reference.message_id == asked.id
    assert not reveal.flags.suppress_notifications
    assert list(buttons(asked)) == ["Answer as practice"]
    assert all(choice.text.split("$")[0][:20] in words(asked) for choice in question.choices)
    assert "The answer is out. 1 answer." in words(asked)
    assert role.mention in words(asked)
    practice = await press(bob, asked, "Answer as practice")
    assert practice.ephemeral
    assert question.title[:20] in said(practice)
    assert {"A", "B", "C", "D"} <= set(buttons(practice.response))


async def test_a_silent_reveal_notifies_nobody(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel, silent="on")
    clock.until("09:00")
    await turn(app, env)
    clock.until("17:00")
    await turn(app, env)

    asked, reveal = posts(channel)
    assert reveal.flags.suppress_notifications
    assert not asked.flags.suppress_notifications


async def test_the_line_that_announces_a_pin_is_deleted(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    by_hand = await bob.send(channel, "Pin this, please.")
    await set_up(maya, channel, pin="on")
    clock.until("09:00")
    await turn(app, env)

    assert len(channel.pinned_messages()) == 1
    assert [m.type for m in channel.history()] == [discord.MessageType.default] * 2, by_hand


async def test_two_processes_post_nothing_twice(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    await set_up(maya, channel)
    clock.until("09:00")
    one, other = Scheduler(app.study, 5), Scheduler(app.study, 5)
    await one.run_once()
    await other.run_once()
    clock.forward(minutes=5)
    await other.run_once()
    await env.settle()

    assert len(posts(channel)) == 1


async def test_a_restart_changes_nothing(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await set_up(maya, channel, thread="on")
    clock.until("09:00")
    await turn(app, env)
    await env.restart_bot(StudyClient(app, token="a-token"))
    await turn(app, env)
    await press(bob, posts(channel)[0], "A")
    await turn(app, env)

    [post] = posts(channel)
    assert "1 answer so far" in words(post)


async def test_a_questions_thread_continues_after_a_day(
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
