"""The table of commands on Discord: a command, buttons, a form, a growing reply and a post, by real discord.py."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.components import walk_components
from simcord.env import Env
from simcord.results import InteractionResult

from bot.app import App
from bot.platforms.discord.client import StudyClient
from tests.platforms.model import Model


def words(message: Any) -> str:
    """All the text of a message."""
    components = message.components
    if isinstance(message, discord.Message):
        components = [component.to_dict() for component in components]
    return "\n".join(c["content"] for c in walk_components(components) if "content" in c)


def said(result: InteractionResult) -> str:
    assert result.response is not None
    return words(result.response)


async def press(member: MemberActor, result: InteractionResult, label: str) -> InteractionResult:
    assert result.response is not None
    return await member.click(result.response, label=label)


pytestmark = pytest.mark.simcord(shard_count=1)


@pytest.fixture
async def simcord_bot(app: App) -> StudyClient:
    return StudyClient(app)


@pytest.fixture
def env(simcord_env: Env) -> Env:
    return simcord_env


@pytest.fixture
def channel(env: Env) -> ChannelHandle:
    return env.create_guild("Readers").create_text_channel("papers")


@pytest.fixture
def bob(env: Env, channel: ChannelHandle) -> MemberActor:
    return env.guild.add_member(env.create_user("bob"))


@pytest.fixture
def maya(env: Env, channel: ChannelHandle) -> MemberActor:
    role = env.guild.create_role("Hosts", permissions=discord.Permissions(manage_guild=True))
    return env.guild.add_member(env.create_user("maya"), roles=[role])


async def test_a_command_is_answered_in_private(channel: ChannelHandle, bob: MemberActor) -> None:
    result = await bob.slash(channel, "team list")

    assert result.ephemeral
    assert "There is no team yet" in said(result)


async def test_suggestions_come_from_the_bank(channel: ChannelHandle, bob: MemberActor) -> None:
    topics = await bob.autocomplete(channel, "question", "topic", "vae")

    assert [topic["value"] for topic in topics] == ["vae"]


async def test_what_is_for_managers_is_shown_to_managers(
    channel: ChannelHandle, bob: MemberActor, maya: MemberActor
) -> None:
    assert "schedule setup" in maya.available_commands(channel)
    assert "schedule setup" not in bob.available_commands(channel)
    assert "daily" in bob.available_commands(channel)
    assert "answer" not in maya.available_commands(channel)


async def test_a_button_answers_a_question(channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question", topic="vae", difficulty="easy")
    verdict = await press(bob, asked, "A")

    assert verdict.ephemeral
    assert "The reference" in said(verdict)


async def test_a_button_works_after_a_restart(env: Env, app: App, channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question")
    await env.restart_bot(StudyClient(app))
    verdict = await press(bob, asked, "B")

    assert "The reference" in said(verdict)


async def test_a_form_takes_an_answer_in_ones_own_words(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    form = await press(bob, asked, "In my own words")
    assert form.modal is not None
    assert form.modal["title"] == "Answer in my own words"

    await env.restart_bot(StudyClient(app))
    verdict = await bob.submit_modal(form, {"text": "It maps an input to a distribution over a latent space."})

    assert verdict.ephemeral
    assert "key points" in said(verdict)


async def test_a_command_without_its_value_opens_a_form(channel: ChannelHandle, bob: MemberActor) -> None:
    form = await bob.slash(channel, "team create")
    done = await bob.submit_modal(form, {"name": "Blue"})

    assert "Blue is there" in said(done)


async def test_a_mistake_in_a_form_loses_nothing(channel: ChannelHandle, bob: MemberActor) -> None:
    form = await bob.slash(channel, "team create")
    note = await bob.submit_modal(form, {"name": "\u200b\u200b"})
    assert note.ephemeral
    assert "nothing readable" in said(note)

    again = await press(bob, note, "Fix")
    done = await bob.submit_modal(again, {"name": "Blue"})

    assert "Blue is there" in said(done)


async def test_an_explanation_grows(env: Env, model: Model, channel: ChannelHandle, bob: MemberActor) -> None:
    def edits() -> list[Any]:
        return [r.json for r in env.http_requests if r.method == "PATCH" and r.path.endswith("/messages/@original")]

    async def a_moment() -> None:
        env.backend.advance_clock(0.5)
        for _ in range(50):  # room for an edit to go out: the clock that jumps here is the client's deadline, too
            await asyncio.sleep(0)

    model.enough, model.passing = lambda: len(edits()) >= 2, a_moment
    result = await bob.slash(channel, "explain", text="How does LoRA work?")

    acknowledged = next(r.json for r in env.http_requests if r.path.endswith("/callback"))
    assert acknowledged == {
        "type": discord.InteractionResponseType.deferred_channel_message.value,
        "data": {"flags": 64},
    }
    drafts = ["model from the bank's sources …" in str(edit) for edit in edits()]
    assert drafts == [True, True, False]
    assert "LoRA adapter" in said(result)
    assert "[1]" in said(result)


async def test_a_post_has_buttons_that_work(channel: ChannelHandle, bob: MemberActor, maya: MemberActor) -> None:
    await maya.slash(channel, "schedule setup", time="09:00")
    await maya.slash(channel, "schedule test")
    post = channel.last_message

    assert post is not None
    assert "test" in words(post).lower()
    verdict = await bob.click(post, label="A")
    assert verdict.ephemeral
    assert "A test post: no points." in said(verdict)
    assert "Not this time" not in words(channel.last_message)
