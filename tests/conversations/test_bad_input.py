"""Whatever is typed gets a clear sentence, and nothing is lost."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.context.identity import Actor
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.room import LOCATION
from bot.store.orm import Member
from tests.chat import Chat, plain


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("aks what is lora", "Did you mean `ask`?"),
        ("schedule", "needs one word more"),
        ("schedul list", "Did you mean `schedule"),
        ("question vae hard extra", "I don't know what to do with “extra”"),
        ("question agents easy", "no easy questions on agents; it has medium and hard ones"),
        ("schedule setpu 09:00", "Did you mean `schedule setup`?"),
        ("ask", "`ask` needs text"),
        ("question quantum", "There is no topic “quantum”."),
        ("question gans", "Did you mean `gan`?"),
        ("question gan impossible", "“impossible” is no difficulty"),
        ("schedule setup 25:00", "not a time of day"),
        ("schedule setup 09:00 Europe/Pariss", "Did you mean Europe/Paris"),
        ("schedule setup 09:00 zone=Mars/Base", "is not a time zone"),
        ("schedule setup 09:00 reveal=09:00", "cannot be at the very time"),
        ("schedule setup 09:00 topics=cooking", "There is no topic “cooking”"),
        ("schedule setup 09:00 days=someday", "is no weekday"),
        ("schedule pause", "This channel has no schedule yet"),
        ("schedule pause until yesterday", "is not a date"),
        ("me rollover=9", "whole number from 0 to 4"),
        ("me zone", "`zone` needs a value after it"),
        ("answer nonsense! a", "is not the mark of a question"),
        ("answer abcd2345 a", "no question by that mark"),
        ("show no-such-thing", "The bank has no question"),
        ("team join Nowhere", "There's no team “Nowhere”"),
        ("daily now", "I don't know what to do with “now”"),
        ("help frobnicate", "There is no command `frobnicate`"),
        ("leaderboard fortnight", "is not one of week, month, all"),
        (f"ask {'x' * 501}", "501 characters; at most 500 fit"),
        ("x" * 9000, "8,000 is the most I read"),
        ("'", "There is no command"),
        ("team create \u202e\u200b", "nothing readable"),
    ],
)
async def test_a_mistake_gets_a_sentence_that_says_what_would_be_right(chat: Chat, line: str, sentence: str) -> None:
    said = " ".join((await chat.say("maya", line)).split())

    assert sentence in said
    assert "Traceback" not in said


async def test_invisible_characters_are_left_out_and_that_is_said(chat: Chat) -> None:
    said = await chat.say("ada", "ask what is m\u200bode\u202e collapse\x07")

    assert "What is mode collapse" in said
    assert "I left out 3 invisible characters." in said


async def test_apostrophes_and_quotes_are_just_text(chat: Chat) -> None:
    assert "Traceback" not in await chat.say("ada", "ask what's a GAN's \"discriminator\" doing")
    assert "a member called" in await chat.say("ada", "streak o'hara")


async def test_markup_of_the_terminal_is_just_text(chat: Chat) -> None:
    assert "[bold]" in await chat.say("ada", "team create [bold]Reds[/bold]")
    assert "[bold]Reds[/bold]" in await chat.say("ada", "team list")


async def test_names_are_never_read_as_markup(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("[/red]", chat.lines(await chat.daily())[0])

    assert "[/red]" in await chat.say("[/red]", "leaderboard")


@pytest.mark.both_databases
async def test_names_are_shown_without_what_turns_text_around(chat: Chat) -> None:
    request = Request(LOCATION, Actor("eve", "e\u202ev\x00e"), "e1", chat.clock(), line="me")
    said = [plain(reply) async for reply in handle(chat.app.registry, chat.study, request)][-1]

    assert " eve" in said
    assert "\u202e" not in said
    async with chat.study.store.read() as session:
        assert (await session.exec(select(Member.name))).one() == "eve"
