"""Reminders by direct message on Discord, and buttons there that belong to the right server."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from sqlalchemy import select

from bot.app import App
from bot.platforms.discord.client import StudyClient
from bot.store import tables
from tests.platforms.discord.scene import Clock, buttons, direct, letters, press, said, turn, words

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)


@pytest.fixture
async def reminded(app: App, env: Env, clock: Clock, channel: ChannelHandle, bob: MemberActor) -> MemberActor:
    """Bob, who has studied a day, asked for a reminder at 20:00 and got it on the next day."""
    asked = await bob.slash(channel, "question", topic="vae")
    right, _, _ = await letters(app, asked.response)
    await press(bob, asked, right)
    await bob.slash(channel, "me", remind="20:00")
    clock.forward(days=1)
    clock.until("20:00")
    await turn(app, env)
    return bob


async def test_a_reminder_comes_once_and_to_nobody_else(
    app: App, env: Env, clock: Clock, reminded: MemberActor, ada: MemberActor
) -> None:
    await turn(app, env)
    clock.forward(minutes=5)
    await turn(app, env)

    [reminder] = direct(reminded)
    assert "Your streak of 1 day ends tonight" in words(reminder)
    assert set(buttons(reminder)) == {"Practice now", "No more reminders"}
    assert not direct(ada)


async def test_a_reminders_question_counts_in_its_server(
    app: App, env: Env, reminded: MemberActor, channel: ChannelHandle
) -> None:
    env.create_guild("Another")
    asked = await press(reminded.user, direct(reminded)[0], "Practice now")
    right, _, _ = await letters(app, asked.response)
    verdict = await reminded.user.click(asked.response, label=right)

    assert "Right!" in said(verdict)
    assert "Streak: 2 days" in said(verdict)
    servers = select(tables.workspaces.c.external_id).join(
        tables.answers, tables.answers.c.workspace_id == tables.workspaces.c.id
    )
    answered = await app.study.store.query(lambda connection: connection.execute(servers).scalars().all())
    assert list(answered) == [str(env.guild.id)] * 2


async def test_forms_work_in_direct_messages_too(reminded: MemberActor) -> None:
    asked = await press(reminded.user, direct(reminded)[0], "Practice now")
    form = await press(reminded.user, asked, "In my own words")
    refused = await reminded.user.submit_modal(form, {"text": "\u200b"})
    assert "nothing readable" in said(refused)

    again = await press(reminded.user, refused, "Fix")
    verdict = await reminded.user.submit_modal(again, {"text": "A latent space with a prior."})
    assert "The reference" in said(verdict)


async def test_a_reminders_buttons_work_after_a_restart(env: Env, app: App, reminded: MemberActor) -> None:
    await env.restart_bot(StudyClient(app, token="a-token"))
    asked = await press(reminded.user, direct(reminded)[0], "Practice now")

    assert "In my own words" in buttons(asked.response)


async def test_turning_reminders_off_stops_them(app: App, env: Env, clock: Clock, reminded: MemberActor) -> None:
    told = await press(reminded.user, direct(reminded)[0], "No more reminders")
    assert "Something went wrong" not in said(told)
    before = len(direct(reminded))
    asked = await press(reminded.user, direct(reminded)[0], "Practice now")
    assert asked.response is not None
    for _ in range(2):
        clock.forward(days=1)
        await turn(app, env)

    assert len([m for m in direct(reminded) if "ends tonight" in words(m)]) == 1
    assert before <= len(direct(reminded))


async def test_a_member_who_left_the_server_is_told_so(env: Env, reminded: MemberActor) -> None:
    user = reminded.user
    env.guild.remove_member(reminded)
    await env.settle()
    told = await press(user, user.dm_channel.history()[0], "Practice now")

    assert "a server that you or I have left" in said(told)


async def test_a_server_that_removed_the_bot_counts_as_left(env: Env, reminded: MemberActor) -> None:
    user = reminded.user
    env.backend.remove_guild(env.guild.id)
    await env.settle()
    told = await press(user, user.dm_channel.history()[0], "Practice now")

    assert "a server that you or I have left" in said(told)


async def test_a_member_who_blocks_messages_is_not_tried_again(
    app: App, env: Env, clock: Clock, channel: ChannelHandle, bob: MemberActor
) -> None:
    await press(bob, await bob.slash(channel, "question", topic="vae"), "A")
    await bob.slash(channel, "me", remind="20:00")
    clock.forward(days=1)
    clock.until("20:00")
    env.inject_error("POST", "/channels/*/messages", status=403, code=50007)
    await turn(app, env)
    clock.forward(days=1)
    await turn(app, env)

    assert not direct(bob)
