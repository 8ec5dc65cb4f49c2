"""What requests and explanations count, in the terminal."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from sqlalchemy import Connection, text

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.dispatch.request import Request
from bot.inference.client import Inference
from bot.store.engine import Store
from tests.chat import Chat
from tests.platforms.model import Model
from tests.readings import Moved


@pytest.mark.parametrize(
    ("line", "outcome"), [("streak", "answered"), ("streek", "refused"), ("team join Nowhere", "refused")]
)
async def test_a_request_is_counted_by_its_outcome_and_timed(chat: Chat, line: str, outcome: str) -> None:
    moved = Moved()

    await chat.say("ada", line)

    assert moved("requests_total", platform="terminal", outcome=outcome) == 1
    assert moved("answer_seconds_count", platform="terminal") == 1


async def test_a_request_that_fails_is_counted_as_failed(chat: Chat) -> None:
    await chat.say("ada", "streak")
    await chat.study.store.transaction(_break)
    moved = Moved()

    assert "Something went wrong" in await chat.say("ada", "team list")

    assert moved("requests_total", platform="terminal", outcome="failed") == 1


def _break(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE team RENAME TO elsewhere"))


async def test_an_explanation_is_counted_by_its_end(store: Store, library: Library) -> None:
    async with Model().listening() as url:
        inference = Inference(url, model="small")
        chat, moved = Chat(store, library, inference), Moved()
        await chat.say("ada", "explain how does LoRA work")
        assert moved("inference_calls_total", outcome="complete") == 1

        request = Request(
            Location("terminal", "here", "here"), Actor("ada", "ada"), "r1", chat.clock(), "explain what is a GAN"
        )
        async with aclosing(chat.app.handle(request)) as replies:
            await anext(replies)  # a draft; nobody reads on
        assert moved("requests_total", platform="terminal", outcome="stopped") == 1

    await chat.say("ada", "explain what is a VAE")
    await inference.close()
    assert moved("inference_calls_total", outcome="failed") == 1
