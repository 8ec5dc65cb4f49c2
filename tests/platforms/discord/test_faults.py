"""What goes wrong between Discord and the bot: it hurts nobody, calls nobody, and costs no answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.components import walk_components
from simcord.env import Env
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.drawing.renderer import Renderer, Subject
from bot.platforms.discord.client import StudyClient
from bot.store.engine import Store
from tests.databases import PostgresqlDatabases
from tests.platforms.discord.scene import (
    Clock,
    buttons,
    letters,
    posts,
    press,
    requests,
    said,
    spoken,
    texts,
    turn,
    words,
)

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

CALLBACK = "/interactions/*/callback"
CALLBACKS = r"/interactions/\d+/[^/]+/callback"
LATE, TWICE = (404, 10062), (400, 40060)
HOSTILE = "@everyone <@&1> \u202e[x](https://x.io)"
"""As long as a team's name may be."""


@pytest.mark.parametrize("fault", [LATE, TWICE], ids=["too-late", "twice"])
@pytest.mark.parametrize("command", ["team list", "explain", "leaderboard", "team create"])
async def test_an_answer_that_is_late_or_repeated_is_logged_and_does_no_harm(
    env: Env, channel: ChannelHandle, bob: MemberActor, command: str, fault: tuple[int, int]
) -> None:
    status, code = fault
    env.inject_error("POST", CALLBACK, status=status, code=code)
    with capture_logs() as logs:
        await bob.slash(channel, command, **({"text": "what is LoRA"} if command == "explain" else {}))

    [line] = [line for line in logs if line["event"] == "not answered"]
    assert line["log_level"] == "warning"
    assert line["kind"] == "command"
    assert "There are no teams yet" in said(await bob.slash(channel, "team list"))


@pytest.mark.parametrize("fault", [LATE, TWICE], ids=["too-late", "twice"])
async def test_a_late_answer_to_a_button_or_form_is_logged_and_still_counts(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor, fault: tuple[int, int]
) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    right, _, _ = await letters(app, asked.response)
    status, code = fault
    env.inject_error("POST", CALLBACK, status=status, code=code)
    await press(bob, asked, right)

    assert "already answered this one, and you were right" in said(await press(bob, asked, right))


async def test_any_other_refusal_is_logged_as_our_error(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    env.inject_error("POST", CALLBACK, status=400, code=50035)
    with capture_logs() as logs:
        await bob.slash(channel, "team list")

    [line] = [line for line in logs if line["event"] == "reply refused"]
    assert line["log_level"] == "error"
    assert line["code"] == 50035


@pytest.mark.parametrize(("command", "private"), [("ask", True), ("explain", True)])
async def test_a_slow_command_is_acknowledged_first(
    env: Env, channel: ChannelHandle, bob: MemberActor, command: str, private: bool
) -> None:
    await bob.slash(channel, command, text="what is LoRA")

    first = requests(env, "POST", CALLBACKS)[0]
    assert first["type"] == discord.InteractionResponseType.deferred_channel_message.value
    assert bool(first["data"]["flags"] & 64) is private


async def test_a_quick_command_is_answered_at_once(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.slash(channel, "streak")

    [answered] = requests(env, "POST", CALLBACKS)
    assert answered["type"] == discord.InteractionResponseType.channel_message.value


class Slow(Renderer):
    """Draws nothing before somebody has said `enough`; more than two seconds pass meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.pass_time: Callable[[], None] = lambda: None
        self.enough: Callable[[], bool] = lambda: True

    async def draw(self, subject: Subject) -> bytes | None:
        self.pass_time()
        for _ in range(100_000):
            if self.enough():
                break
            await asyncio.sleep(0)
        return await super().draw(subject)


async def test_a_slow_picture_is_waited_for_after_an_acknowledgment(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    slow = Slow()
    await env.restart_bot(StudyClient(replace(app, renderer=slow), token="a-token"))
    slow.pass_time = lambda: env.backend.advance_clock(2.5)
    slow.enough = lambda: bool(requests(env, "POST", CALLBACKS))
    with closing(slow):
        shown = await bob.slash(channel, "topics")

    [first] = requests(env, "POST", CALLBACKS)
    assert first["type"] == discord.InteractionResponseType.deferred_channel_message.value
    assert shown.response is not None
    assert shown.ephemeral
    assert len(shown.response.attachments) == 1


async def test_texts_and_names_mention_nobody_and_hide_no_links(
    env: Env, app: App, clock: Clock, channel: ChannelHandle, maya: MemberActor
) -> None:
    mallory = env.guild.add_member(env.create_user("mallory", global_name=HOSTILE))
    await maya.slash(channel, "schedule setup", time="09:00")
    clock.until("09:00")
    await turn(app, env)
    right, _, _ = await letters(app, posts(channel)[0])
    verdict = await press(mallory, posts(channel)[0], right)
    await mallory.slash(channel, "team create", name=HOSTILE)
    await mallory.submit_modal(await press(mallory, verdict, "Report this question"), {"what": HOSTILE})
    await mallory.submit_modal(await mallory.slash(channel, "team join"), {"name": f"{HOSTILE}?"})
    await mallory.slash(channel, "ask", text=HOSTILE)
    for line in ("leaderboard", "team list", "streak", "me"):
        await mallory.slash(channel, line)
    await maya.slash(channel, "reports list")
    await maya.context_menu(channel, "Study profile", mallory)
    clock.forward(days=1)
    await turn(app, env)

    for body in spoken(env):
        shown = re.sub(r"```.*?```|`[^`\n]+`", "", texts(body.get("components") or []), flags=re.DOTALL)
        assert "@everyone" not in shown
        assert not re.search(r"(?<!\\)\[[^\]\n]*\]\(https?://", shown)
        assert "\u202e" not in shown
    for messages in env.backend.messages.values():
        for message in messages.values():
            if message.author_id == env.backend.bot_user.id:
                assert not message.ping_user_ids
                assert not message.ping_role_ids
                assert not message.mention_everyone


@pytest.mark.parametrize(
    "line",
    [
        "",
        "answer",
        "answer nothing a",
        "no such thing",
        "schedule remove",
        "share question lora x",
        "@1 question",
        "x=",
    ],
)
async def test_a_button_with_a_nonsense_id_gets_an_explanation(
    env: Env, channel: ChannelHandle, bob: MemberActor, line: str
) -> None:
    """Ids come back from Discord, where anybody's client may have put anything into them."""
    asked = await bob.slash(channel, "question", topic="vae")
    assert asked.response is not None
    stored: Any = env.backend.get_message(channel.id, asked.response.id)
    button = next(part for part in walk_components(stored.components) if part.get("label") == "A")
    button["custom_id"] = line or " "
    told = await press(bob, asked, "A")

    assert told.acknowledged
    if told.modal is None:
        assert "Something went wrong" not in said(told)
        assert told.ephemeral


async def test_the_answer_is_revealed_even_if_the_question_was_deleted(
    *, env: Env, app: App, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await maya.slash(channel, "schedule setup", time="09:00")
    clock.until("09:00")
    await turn(app, env)
    await press(bob, posts(channel)[0], "A")
    env.backend.delete_message(channel.id, posts(channel)[0].id)
    await turn(app, env)
    clock.until("17:00")
    await turn(app, env)

    [reveal] = posts(channel)
    assert "The answer" in words(reveal)
    assert "Practice more" in buttons(reveal)


async def test_while_the_database_is_down_suggestions_come_from_the_bank_and_events_are_logged(
    *,
    env: Env,
    clock: Clock,
    channel: ChannelHandle,
    bob: MemberActor,
    library: Library,
    postgresql: PostgresqlDatabases,
) -> None:
    store = await Store.open(postgresql.with_tables())
    client = StudyClient(App(registry(), Study(store, library, clock=clock), TerminalPosts(store)), token="a-token")
    await env.restart_bot(client)
    with postgresql.down(), capture_logs() as logs:
        topics = await bob.autocomplete(channel, "question", "topic", "vae")
        await client.on_guild_remove(client.guilds[0])
    await store.close()

    assert "vae" in {topic["value"] for topic in topics}
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "suggestions without custom questions"
    ]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["database"]


async def test_an_error_in_an_event_is_logged(
    env: Env, app: App, channel: ChannelHandle, simcord_bot: StudyClient
) -> None:
    await app.study.store.transaction(Connection.execute, text("ALTER TABLE workspace RENAME TO elsewhere"))
    with capture_logs() as logs:
        await simcord_bot.on_guild_remove(simcord_bot.guilds[0])

    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["background task failed"]
