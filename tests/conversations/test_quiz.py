"""What the menus of a message and a member offer: a question about the one, the standing of the other."""

from __future__ import annotations

import pytest

from bot.replies import Buttons, QuestionCard, Table
from bot.store.models import RoundKind
from bot.study.lookup.quiz import search_texts
from knowledge.retrieval.search import MAX_QUERY_LENGTH
from tests.chat import Chat
from tests.conversations.test_fairness import open_question
from tests.conversations.test_standing import daily

FACES = "We saw our GAN only generate the same face over and over in production, any clue?"
CHATTER = "Good morning everybody, lunch is at noon and the sheet for the pizza is where it always is. " * 20


async def asked(chat: Chat, who: str, line: str) -> QuestionCard | None:
    reply = (await chat.replies(who, line))[-1]
    return next((block for block in reply.blocks if isinstance(block, QuestionCard)), None)


async def test_a_message_becomes_a_practice_question_near_it(chat: Chat) -> None:
    card = await asked(chat, "ada", f"quiz {FACES}")

    assert card is not None
    assert (await chat.round_of("ada")).question_id == "mode-collapse"
    assert (await chat.round_of("ada")).kind is RoundKind.PRACTICE
    right, _ = chat.lines(await chat.round_of("ada"))
    assert "practice" in (await chat.say("ada", right)).lower()


async def test_small_talk_does_not_hide_what_a_message_is_about(chat: Chat) -> None:
    assert await asked(chat, "ada", f"quiz {CHATTER}{FACES} {CHATTER}") is not None
    assert (await chat.round_of("ada")).question_id == "mode-collapse"


async def test_a_message_about_something_else_gets_nearby_topics(chat: Chat) -> None:
    reply = (await chat.replies("ada", "quiz lunch at noon anyone?"))[-1]

    assert "I have nothing on that" in await chat.say("ada", "quiz lunch at noon anyone?")
    [topics] = [block for block in reply.blocks if isinstance(block, Buttons)]
    assert all(action.line.startswith("question ") for action in topics.buttons)


async def test_a_quiz_never_asks_an_open_or_retired_question(chat: Chat) -> None:
    daily_round = await open_question(chat)
    title = chat.study.library.question(daily_round.question_id).title
    await chat.say("maya", "reports retire mode-collapse")

    practiced = [
        (await chat.round_of("ada")).question_id
        for about in (title, FACES)
        if await asked(chat, "ada", f"quiz {about}")
    ]

    assert practiced
    assert not {daily_round.question_id, "mode-collapse"} & {*practiced}


def test_a_long_message_is_cut_between_words_and_its_questions_come_first() -> None:
    whole, first, *others = search_texts(f"{CHATTER}{FACES} Yes. {CHATTER}")

    assert len(whole) <= MAX_QUERY_LENGTH
    assert CHATTER.startswith(whole)
    assert first == FACES
    assert "Yes." not in others


async def standing(chat: Chat, who: str, line: str) -> dict[str, str]:
    reply = (await chat.replies(who, line))[-1]
    [table] = [block for block in reply.blocks if isinstance(block, Table)]
    return {str(name): str(value) for name, value in table.rows}


@pytest.mark.both_databases
async def test_a_profile_shows_points_and_streak_and_nothing_else(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 medium")
    await daily(chat, right="ada")

    assert await standing(chat, "bob", "profile ada") == {
        "Points this week": "20",
        "Points this month": "20",
        "Points in total": "20",
        "Current streak": "1 day",
        "Longest streak": "1 day",
    }
    chat.clock.forward(days=40)
    later = await standing(chat, "bob", "profile @ada")
    assert (later["Points this month"], later["Points in total"], later["Current streak"]) == ("0", "20", "0 days")


async def test_a_hidden_member_sees_their_own_profile_and_nobody_else_does(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 medium")
    await daily(chat, right="ada")
    await chat.say("ada", "me hidden")

    said = await chat.say("bob", "profile ada")

    assert said.strip().endswith("ada keeps their standing private.")
    assert "20" not in said
    assert (await standing(chat, "ada", "profile ada"))["Points in total"] == "20"


async def test_a_member_who_has_not_studied_has_no_profile_yet(chat: Chat) -> None:
    await chat.say("ada", "help")

    assert "ada hasn't studied here yet." in await chat.say("bob", "profile ada")
    assert "hasn't studied here yet." in await chat.say("bob", "profile U0123456")
