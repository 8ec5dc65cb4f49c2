"""The table of commands in the terminal: a command, keys, a form, a growing reply and a post."""

from __future__ import annotations

import re

import pytest

from bot.app import App
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.room import Room
from bot.replies import Explanation, Reply
from tests.chat import plain
from tests.platforms.model import Model


@pytest.fixture
def room(app: App) -> Room:
    app.attach("terminal", TerminalOutbox(app.terminal_posts))
    return Room(app, "maya")


async def said(room: Room, line: str) -> str:
    replies = [reply async for reply in room.hear(line)]
    return plain(replies[-1])


async def test_a_command_is_answered(room: Room) -> None:
    assert "There are no teams yet" in await said(room, "team list")


async def test_a_key_answers_a_question(room: Room) -> None:
    await said(room, "@bob: question vae easy")

    assert "The reference" in await said(room, "@bob: a")


async def test_a_form_takes_a_written_answer(room: Room) -> None:
    await said(room, "@bob: question vae")

    assert "Your answer" in await said(room, "@bob: w")
    assert "key points" in await said(room, "@bob: It maps an input to a distribution over a latent space.")


async def test_an_explanation_grows(room: Room, model: Model) -> None:
    seen: list[Reply] = []
    model.enough = lambda: len(seen) >= 1
    async for reply in room.hear("@bob: explain How does LoRA work?"):
        seen.append(reply)

    drafts = [isinstance(reply.blocks[0], Explanation) and not reply.blocks[0].done for reply in seen]
    assert len(drafts) > 1
    assert drafts == [True] * (len(drafts) - 1) + [False]
    assert "LoRA adapter" in plain(seen[0])
    assert re.search(r"Written by a model from the bank's sources\n", plain(seen[-1]))


async def test_a_post_has_keys_that_work(app: App, room: Room) -> None:
    await said(room, "schedule setup 09:00")
    await said(room, "schedule test")
    ((_, channel, body),) = await app.terminal_posts.unseen()
    room.offer(restore(body))

    assert channel == "terminal"
    assert "This was a test, so no points." in await said(room, "a")
