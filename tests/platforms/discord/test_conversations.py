"""Every command of the table on Discord, every button that it leads to, and the question card."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.app import App
from bot.commands.command import Command
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import StudyClient
from tests.platforms.discord.scene import (
    NEVER,
    Clock,
    buttons,
    fields,
    letters,
    menus,
    parts,
    posts,
    press,
    said,
    turn,
    words,
)
from tests.platforms.model import Model

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

LISTED = [command for command in registry() if not command.hidden]
VALUES: dict[str, str] = {
    "text": "how does LoRA work",
    "name": "Blue",
    "time": "09:00",
    "zone": "Europe/Paris",
    "question": "lora",
    "what": "The second choice is right, too.",
}
"""A value for each parameter that is required of somebody."""
DEPTH = 2


def values(command: Command, ada: MemberActor) -> dict[str, Any]:
    needed = [parameter for parameter in command.parameters if parameter.required]
    return {p.name: ada if p.kind == "members" else VALUES[p.name] for p in needed}


async def opened(env: Env, maya: MemberActor, result: InteractionResult) -> InteractionResult:
    """Fill in and send a form; return anything else unchanged."""
    if result.modal is None:
        return result
    return await maya.submit_modal(result, {name: VALUES.get(name, "") for name in fields(result)})


@pytest.fixture
async def lived_in(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, ada: MemberActor
) -> ChannelHandle:
    """Fill a channel: a schedule with an open question, answers, a team, a report."""
    await maya.slash(channel, "schedule setup", time="09:00")
    clock.until("09:00")
    await turn(app, env)
    right, wrong, _ = await letters(app, posts(channel)[0])
    await press(maya, posts(channel)[0], right)
    verdict = await press(ada, posts(channel)[0], wrong)
    await ada.submit_modal(await press(ada, verdict, "Report this question"), {"what": VALUES["what"]})
    await ada.slash(channel, "team create", name="Green")
    return channel


async def walk(env: Env, maya: MemberActor, first: InteractionResult, pressed: set[str]) -> None:
    """Press every button of an answer, and every button of what comes of that."""
    page = [first]
    for _ in range(DEPTH):
        following = []
        for shown in page:
            assert shown.response is not None
            for line in buttons(shown.response).values():
                # A round or an explanation is new each time; what pressing its buttons comes to is not.
                kind = re.sub(r"\b(?=\w*\d)[a-z0-9]{8,10}\b", "…", line)
                # A page may have been turned by a button that was pressed before.
                if kind in pressed or line not in buttons(shown.response).values():
                    continue
                pressed.add(kind)
                answer = await opened(env, maya, await maya.click(shown.response, custom_id=line))
                assert not NEVER.search(said(answer)), f"{line}: {said(answer)}"
                following.append(answer)
        page = following


@pytest.mark.parametrize("group", sorted({command.name.split()[0] for command in LISTED}))
async def test_every_command_and_every_button_after_it_answers_where_the_registry_says(
    env: Env, lived_in: ChannelHandle, maya: MemberActor, ada: MemberActor, group: str
) -> None:
    pressed: set[str] = set()
    for command in LISTED:
        if command.name.split()[0] == group:
            result = await maya.slash(lived_in, command.name, **values(command, ada))
            assert not NEVER.search(said(result)), said(result)
            assert result.ephemeral is command.private
            await walk(env, maya, result, pressed)


async def test_only_managers_see_commands_for_managers(
    channel: ChannelHandle, bob: MemberActor, maya: MemberActor
) -> None:
    here = {command.name for command in LISTED}
    for_managers = {command.name for command in LISTED if command.managers_only}

    assert set(maya.available_commands(channel)) == here
    assert set(bob.available_commands(channel)) == here - for_managers


async def test_suggestions_come_from_the_bank(channel: ChannelHandle, bob: MemberActor) -> None:
    topics = await bob.autocomplete(channel, "question", "topic", "vae")

    assert [topic["value"] for topic in topics] == ["vae"]


async def test_every_suggestion_is_within_discords_limits(channel: ChannelHandle, maya: MemberActor) -> None:
    for command in LISTED:
        for parameter in command.parameters:
            if parameter.autocomplete is None or parameter.choices:
                continue
            for typed in ("", "a", "lo", "@everyone \u202e"):
                found = await maya.autocomplete(channel, command.name, parameter.name, typed)
                assert len(found) <= 25
                assert all(0 < len(choice["name"]) <= 100 and 0 < len(choice["value"]) <= 100 for choice in found)


async def test_a_right_answer_gets_a_private_verdict_with_the_reference(
    app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question", topic="vae", difficulty="easy")
    right, _, question = await letters(app, asked.response)
    verdict = await press(bob, asked, right)

    assert verdict.ephemeral
    assert "Right!" in said(verdict)
    assert "The reference" in said(verdict)
    assert question.topic == "vae"


async def test_a_wrong_answer_gets_the_reason_and_the_right_answer(
    app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    right, wrong, _ = await letters(app, asked.response)
    verdict = await press(bob, asked, wrong)

    assert "Not this time." in said(verdict)
    assert f"The answer is **{right}. " in said(verdict)


async def test_a_verdict_stays_when_its_reader_sets_a_time_zone(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await maya.slash(channel, "schedule setup", time="09:00", zone="Europe/Berlin")
    clock.until("09:00")
    await turn(app, env)
    right, _, _ = await letters(app, posts(channel)[0])
    verdict = await press(bob, posts(channel)[0], right)
    settled = await press(bob, verdict, "That's my time zone")

    assert "Your time zone is Europe/Berlin" in said(settled)
    assert "Right!" in said(verdict)


async def test_only_the_first_answer_counts(app: App, channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    right, wrong, _ = await letters(app, asked.response)
    await press(bob, asked, wrong)
    again = await press(bob, asked, right)

    assert "You've already answered this one, and you got it wrong." in said(again)


async def test_each_member_answers_a_daily_question_in_private(
    app: App, env: Env, lived_in: ChannelHandle, bob: MemberActor
) -> None:
    right, _, _ = await letters(app, posts(lived_in)[0])
    verdict = await press(bob, posts(lived_in)[0], right)

    assert verdict.ephemeral
    assert "Right!" in said(verdict)
    assert len(posts(lived_in)) == 1
    assert "points" in said(verdict)


async def test_the_buttons_of_a_question_work_after_a_restart(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question")
    await env.restart_bot(StudyClient(app, token="a-token"))
    verdict = await press(bob, asked, "B")

    assert "The reference" in said(verdict)


async def test_a_written_answer_is_accepted_after_a_restart(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    form = await press(bob, asked, "In my own words")
    assert form.modal is not None
    assert form.modal["title"] == "Answer in my own words"

    await env.restart_bot(StudyClient(app, token="a-token"))
    verdict = await bob.submit_modal(form, {"text": "It maps an input to a distribution over a latent space."})

    assert verdict.ephemeral
    assert "key points" in said(verdict)


async def test_grading_a_written_answer_replaces_the_message(
    app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    _, _, question = await letters(app, asked.response)
    verdict = await bob.submit_modal(await press(bob, asked, "In my own words"), {"text": question.answer[:3900]})
    judged = await press(bob, verdict, "Partly")

    assert verdict.response is not None
    assert judged.response is not None
    assert judged.response.id == verdict.response.id


async def test_an_old_question_says_that_it_is_gone(channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    await bob.slash(channel, "privacy delete", sure="everything")
    told = await press(bob, asked, "A")

    assert "Something went wrong" not in said(told)


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
    [post] = posts(channel)

    assert "test" in words(post).lower()
    verdict = await press(bob, post, "A")
    assert verdict.ephemeral
    assert "This was a test, so no points." in said(verdict)
    assert "Not this time" not in words(posts(channel)[0])
    assert not menus(post)
    assert len(parts(post)) <= 40
