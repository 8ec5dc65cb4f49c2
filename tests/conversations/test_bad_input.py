"""Whatever somebody types, they get a clear reply and lose nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.context.identity import Actor
from bot.dispatch.request import Request
from bot.platforms.terminal.room import LOCATION
from bot.store import tables
from tests.chat import Chat, plain


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("aks what is lora", "Did you mean `ask`?"),
        ("schedule", "needs one more word"),
        ("schedul list", "Did you mean `schedule"),
        ("question vae hard extra", "I don't know what to do with “extra”"),
        ("question agents easy", "no easy questions on agents, only medium and hard ones"),
        ("schedule setpu 09:00", "Did you mean `schedule setup`?"),
        ("ask", "`ask` needs text"),
        ("question quantum", "There's no topic “quantum”."),
        ("question gans", "Did you mean `gan`?"),
        ("question gan impossible", "“impossible” isn't a difficulty"),
        ("schedule setup 25:00", "isn't a time of day"),
        ("schedule setup 09:00 Europe/Pariss", "Did you mean Europe/Paris"),
        ("schedule setup 09:00 zone=Mars/Base", "isn't a time zone"),
        ("schedule setup 09:00 reveal=09:00", "at the same time as the question"),
        ("schedule setup 09:00 topics=cooking", "There's no topic “cooking”"),
        ("schedule setup 09:00 days=someday", "isn't a weekday"),
        ("schedule pause", "This channel doesn't have a schedule yet"),
        ("schedule pause until yesterday", "isn't a date"),
        ("me day_starts_at=9", "whole number from 0 to 4"),
        ("me zone", "`zone` needs a value after it"),
        ("answer nonsense! a", "isn't a key"),
        ("answer abcd2345 a", "question is no longer available"),
        ("show no-such-thing", "There's no question"),
        ("team join Nowhere", "There's no team “Nowhere”"),
        ("daily now", "I don't know what to do with “now”"),
        ("help frobnicate", "There's no command `frobnicate`"),
        ("leaderboard fortnight", "isn't an option here. Use week, month or all"),
        (f"ask {'x' * 501}", "501 characters, and the limit is 500"),
        ("x" * 9000, "I read at most 8,000"),
        ("'", "There's no command"),
        ("privacy delete everthing", "To delete your data, type `privacy delete everything`"),
        ("team create \u202e\u200b", "nothing readable"),
    ],
)
async def test_the_reply_to_a_mistake_says_what_would_be_right(chat: Chat, line: str, sentence: str) -> None:
    reply = " ".join((await chat.say("maya", line)).split())

    assert sentence in reply
    assert "Traceback" not in reply


async def test_invisible_characters_are_left_out_and_the_reply_says_so(chat: Chat) -> None:
    reply = await chat.say("ada", "ask what is m\u200bode\u202e collapse\x07")

    assert "What is mode collapse" in reply
    assert "I left out 3 invisible characters." in reply


async def test_apostrophes_and_quotes_are_just_text(chat: Chat) -> None:
    assert "Traceback" not in await chat.say("ada", "ask what's a GAN's \"discriminator\" doing")
    assert "a member called" in await chat.say("ada", "streak o'hara")


async def test_markup_of_the_terminal_is_just_text(chat: Chat) -> None:
    assert "[bold]" in await chat.say("ada", "team create [bold]Reds[/bold]")
    assert "[bold]Reds[/bold]" in await chat.say("ada", "team list")


async def test_names_are_never_parsed_as_markup(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("[/red]", chat.lines(await chat.daily())[0])

    assert "[/red]" in await chat.say("[/red]", "leaderboard")


@pytest.mark.both_databases
async def test_names_lose_the_characters_that_reverse_text(chat: Chat) -> None:
    request = Request(LOCATION, Actor("eve", "e\u202ev\x00e"), "e1", chat.clock(), line="me")
    reply = [plain(reply) async for reply in chat.app.handle(request)][-1]

    assert " eve" in reply
    assert "\u202e" not in reply
    assert await chat.rows(select(tables.members.c.name)) == [{"name": "eve"}]


async def test_menus_of_old_messages_still_work_after_a_parameter_was_renamed(chat: Chat) -> None:
    assert "Saturday" in await chat.say("ada", "me rest=sat")
    assert "3:00" in await chat.say("ada", "me rollover=3")
    assert "Sunday" in await picked(chat, "rest", "sun")
    assert "4:00" in await picked(chat, "rollover", "4")


async def picked(chat: Chat, menu: str, choice: str) -> str:
    """Pick something in a menu of `me`, and return the reply as plain text."""
    request = Request(LOCATION, Actor("ada", "ada"), f"{menu}-1", chat.clock(), line="me", values={menu: choice})
    return [plain(reply) async for reply in chat.app.handle(request)][-1]
