"""What members read while this process has more to do than it can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.context.load import MAX_LAG, MIN_TASKS, Load, TooBusyError
from tests.chat import Chat


@contextmanager
def crowded(load: Load) -> Iterator[None]:
    """Make a load look as in a crowd; the library is shared by all tests."""
    load.lag, load.tasks = MAX_LAG * 2, MIN_TASKS
    try:
        yield
    finally:
        load.lag, load.tasks = 0.0, 0


BUSY = "I'm answering a lot of questions right now. Please ask again in a few seconds."


async def test_under_load_what_needs_the_model_is_refused_in_words_and_the_rest_works(chat: Chat) -> None:
    with crowded(chat.study.library.load):
        assert BUSY in await chat.say("ada", "ask what is lora")
        assert BUSY in await chat.say("ada", "explain lora")
        assert "Your streak" in await chat.say("ada", "streak")
        right, _ = await chat.practice("ada", "vae")
        assert "Right!" in await chat.say("ada", right)

    assert BUSY not in await chat.say("ada", "ask what is lora")


async def test_what_a_member_wrote_is_given_back_under_load(chat: Chat) -> None:
    await chat.say("ada", "question vae")
    key = (await chat.round_of("ada")).round_key
    with crowded(chat.study.library.load):
        said = await chat.say("ada", f"write {key} It adds two small matrices.")

    assert BUSY in said
    assert "Streak" in await chat.say("ada", f"write {key} It adds two small matrices.")


def test_a_single_long_task_is_no_load_and_many_are() -> None:
    load = Load()
    load.tasks = MIN_TASKS
    load.note(0.3)
    with load.costly_task():
        assert load.tasks == MIN_TASKS + 1

    for _ in range(10):
        load.note(0.3)
    with pytest.raises(TooBusyError), load.costly_task():
        pass
    assert load.tasks == MIN_TASKS

    for _ in range(10):
        load.note(0.0)
    with load.costly_task():
        pass


async def test_nobody_is_refused_on_a_slow_computer_without_a_crowd(chat: Chat) -> None:
    chat.study.library.load.lag = MAX_LAG * 10
    try:
        assert BUSY not in await chat.say("ada", "ask what is lora")
    finally:
        chat.study.library.load.lag = 0.0


async def test_a_blocked_event_loop_is_noticed() -> None:
    load = Load()
    async with load.watched():
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251  # as a task that doesn't yield
        while not load.lag:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
