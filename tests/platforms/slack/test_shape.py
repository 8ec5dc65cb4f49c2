"""The table of commands on Slack: a command, buttons, a form, a growing reply and a post, by real Bolt over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.slack.app import slack
from tests.platforms.model import Model
from tests.platforms.slack.workspace import SECRET, TOKEN, Workspace

BOB, MAYA = "UBOB", "UMAYA"


@pytest.fixture
async def workspace(app: App) -> AsyncIterator[Workspace]:
    there = Workspace()
    async with (
        there.open() as api,
        slack(app, token=TOKEN, signing_secret=SECRET, port=0, api=api) as address,
    ):
        there.point_at(address)
        yield there


async def test_a_command_is_answered_in_private(workspace: Workspace) -> None:
    await workspace.types(BOB, "team list")
    reply = await workspace.heard()

    assert reply.reader == BOB
    assert "There is no team yet" in reply.words


async def test_an_unknown_command_names_the_nearest(workspace: Workspace) -> None:
    await workspace.types(BOB, "leederboard")
    reply = await workspace.heard()

    assert reply.reader == BOB
    assert "Did you mean `leaderboard`?" in reply.words


async def test_what_everyone_may_see_is_said_in_the_channel(workspace: Workspace) -> None:
    await workspace.types(BOB, "leaderboard", channel="C-NOT-JOINED")

    assert (await workspace.heard()).reader == ""


async def test_only_managers_set_up_schedules(workspace: Workspace) -> None:
    await workspace.types(BOB, "schedule setup 09:00")
    assert "is for managers" in (await workspace.heard()).words

    await workspace.types(MAYA, "schedule setup 09:00")
    assert "The first question comes" in (await workspace.heard()).words


async def test_a_button_answers_a_question(workspace: Workspace) -> None:
    await workspace.types(BOB, "question vae easy")
    await workspace.presses(BOB, await workspace.heard(), "A")
    verdict = await workspace.heard()

    assert verdict.reader == BOB
    assert "The reference" in verdict.words


async def test_a_form_takes_an_answer_in_ones_own_words(workspace: Workspace) -> None:
    await workspace.types(BOB, "question vae")
    await workspace.presses(BOB, await workspace.heard(), "In my own words")
    view = await workspace.shown()
    assert view["title"]["text"] == "Answer in my own words"

    problems = await workspace.sends(BOB, view, {"text": "It maps an input to a distribution over a latent space."})
    verdict = await workspace.heard()

    assert problems == {}
    assert verdict.reader == BOB
    assert "key points" in verdict.words


async def test_a_mistake_in_a_form_is_shown_at_its_field(workspace: Workspace) -> None:
    await workspace.types(BOB, "team create")
    view = await workspace.shown()

    assert await workspace.sends(BOB, view, {"name": "\u200b\u200b"}) == {"name": "`name` has nothing readable in it."}
    assert await workspace.sends(BOB, view, {"name": "Blue <!channel> & co"}) == {}
    assert "Blue &lt;!channel&gt; &amp; co is there" in (await workspace.heard()).words


async def test_an_explanation_grows_in_the_direct_message(workspace: Workspace, model: Model) -> None:
    model.enough = lambda: len(workspace.edits) >= 1
    await workspace.types(BOB, "explain How does LoRA work?")
    wait, pointer = await workspace.heard(), await workspace.heard()
    whole = await workspace.heard()

    assert wait.channel == whole.channel == "DBOB"
    assert pointer.reader == BOB
    assert "direct messages" in pointer.words
    draft = workspace.edits[0]
    assert "the bank's sources …" in draft.words
    assert "LoRA adapter" in draft.words
    assert len(whole.words) > len(draft.words)
    assert "show lora" in str(whole.blocks)


async def test_a_post_has_buttons_that_work(workspace: Workspace) -> None:
    await workspace.types(MAYA, "schedule setup 09:00")
    await workspace.heard()
    await workspace.types(MAYA, "schedule test")
    first, second = await workspace.heard(), await workspace.heard()
    post = first if first.metadata else second

    assert post.channel == "C1"
    assert not post.reader
    assert "studyhall_post" in post.metadata
    await workspace.presses(BOB, post, "A")
    verdict = await workspace.heard()
    assert verdict.reader == BOB
    assert "A test post: no points." in verdict.words


async def test_a_post_where_the_app_is_no_member_says_what_to_do(workspace: Workspace) -> None:
    workspace.joined.clear()
    await workspace.types(MAYA, "schedule setup 09:00")
    await workspace.heard()
    await workspace.types(MAYA, "schedule test")

    assert "/invite" in (await workspace.heard()).words


async def test_a_file_comes_by_direct_message(workspace: Workspace) -> None:
    await workspace.types(BOB, "privacy export")
    await workspace.heard()

    assert b'"bob"' in await workspace.uploaded()
