"""What members read while this process has more to do than it can."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.context.load import MAX_LAG, Load, TooBusyError
from tests.chat import Chat

BUSY = "I'm answering a lot of questions right now. Please ask again in a few seconds."


async def test_under_load_what_needs_the_model_is_refused_in_words_and_the_rest_works(chat: Chat) -> None:
    chat.study.library.load.lag = MAX_LAG * 2
    try:
        assert BUSY in await chat.say("ada", "ask what is lora")
        assert BUSY in await chat.say("ada", "explain lora")
        assert "Your streak" in await chat.say("ada", "streak")
        right, _ = await chat.practice("ada", "vae")
        assert "Right!" in await chat.say("ada", right)
    finally:
        chat.study.library.load.lag = 0.0

    assert BUSY not in await chat.say("ada", "ask what is lora")


async def test_what_a_member_wrote_is_given_back_under_load(chat: Chat) -> None:
    await chat.say("ada", "question vae")
    key = (await chat.round_of("ada")).round_key
    chat.study.library.load.lag = MAX_LAG * 2
    try:
        said = await chat.say("ada", f"write {key} It adds two small matrices.")
    finally:
        chat.study.library.load.lag = 0.0

    assert BUSY in said
    assert "Streak" in await chat.say("ada", f"write {key} It adds two small matrices.")


def test_a_single_long_task_is_no_load_and_many_are() -> None:
    load = Load()
    load.note(0.3)
    load.refuse_if_high()

    for _ in range(10):
        load.note(0.3)
    with pytest.raises(TooBusyError):
        load.refuse_if_high()

    for _ in range(10):
        load.note(0.0)
    load.refuse_if_high()


async def test_a_blocked_event_loop_is_noticed() -> None:
    load = Load()
    async with load.watched():
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  # as a task that doesn't yield
        while not load.lag:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
