"""Practice and answers: verdicts, points, repeats, one's own words."""

from __future__ import annotations

from datetime import UTC

import pytest
from sqlmodel import select

from bot.context.identity import Actor
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.room import LOCATION
from bot.store.orm import Answer, Round
from tests.chat import Chat, plain


async def test_a_right_choice_is_praised_and_explained(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "gan")
    said = await chat.say("ada", right)

    assert "Right!" in said
    assert "Practice: no points" in said
    assert "Streak: 1 day" in said
    assert "Report this question" in said


@pytest.mark.both_databases
async def test_a_wrong_choice_says_why_it_is_wrong_and_what_is_right(chat: Chat) -> None:
    _, wrong = await chat.practice("ada", "gan")
    said = await chat.say("ada", wrong)

    question, index = await chat.answered("ada")
    assert "Not this time." in said
    assert question.choices[index].reason.split()[0].lower() in said.lower()
    assert "The answer is" in said


async def test_the_first_verdict_says_in_which_zone_days_are_counted(chat: Chat) -> None:
    right, _ = await chat.practice("ada")
    assert "I count your days in UTC" in await chat.say("ada", right)

    right, _ = await chat.practice("ada")
    assert "I count your days" not in await chat.say("ada", right)


async def test_a_second_answer_changes_nothing(chat: Chat) -> None:
    right, wrong = await chat.practice("ada")
    await chat.say("ada", wrong)

    assert "You have answered this one already, and it was wrong." in await chat.say("ada", right)


@pytest.mark.both_databases
async def test_a_repeated_delivery_of_one_interaction_changes_nothing(chat: Chat) -> None:
    right, _ = await chat.practice("ada")

    async def deliver() -> str:
        request = Request(LOCATION, Actor("ada", "ada"), "interaction-1", chat.clock(), line=right)
        return [plain(reply) async for reply in handle(chat.app.registry, chat.study, request)][-1]

    first, second = await deliver(), await deliver()

    assert "Right!" in first
    assert "Right!" in second
    async with chat.study.store.read() as session:
        assert len((await session.exec(select(Answer))).all()) == 1


async def test_a_repeated_request_for_a_question_gives_the_same_one(chat: Chat) -> None:
    async def deliver() -> str:
        request = Request(LOCATION, Actor("ada", "ada"), "interaction-2", chat.clock(), line="question")
        return [plain(reply) async for reply in handle(chat.app.registry, chat.study, request)][-1]

    assert await deliver() == await deliver()
    async with chat.study.store.read() as session:
        assert len((await session.exec(select(Round))).all()) == 1


async def test_nobody_can_answer_anothers_practice(chat: Chat) -> None:
    right, _ = await chat.practice("ada")

    assert "no question by that mark" in await chat.say("bob", right)


async def test_own_words_are_compared_with_the_key_points(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    question = await chat.question_of("ada")
    said = await chat.say("ada", "w")
    assert "Your answer" in said

    said = await chat.say("ada", f"{question.key_points[0]} {question.key_points[1]}")

    assert "You mentioned" in said
    assert "✓" in said
    assert "○" in said or "~" in said
    assert "The reference" in said
    assert "I compare words, not truth" in said


@pytest.mark.both_databases
async def test_one_judges_ones_own_words_once(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    question = await chat.question_of("ada")
    await chat.say("ada", "w")
    await chat.say("ada", " ".join(question.key_points[:2]))

    assert "You have judged your answer." in await chat.say("ada", "1")
    token = (await chat.round_of("ada")).round_key
    assert "once is all there is" in await chat.say("ada", f"assess {token} missed")


async def test_something_else_altogether_is_noticed(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    await chat.say("ada", "w")

    assert "something else" in await chat.say("ada", "Boil the eggs for ten minutes and serve with salt.")


async def test_an_empty_line_leaves_a_form(chat: Chat) -> None:
    await chat.practice("ada")
    await chat.say("ada", "w")

    assert "Okay, nothing changed" in await chat.say("ada", "")
    assert "What I can do" in await chat.say("ada", "help")


async def test_practice_does_not_repeat_before_all_were_asked(chat: Chat) -> None:
    seen = []
    all_of_them = sum(question.topic == "vae" for question in chat.study.library.bank)
    for _ in range(all_of_them):
        right, _ = await chat.practice("ada", "vae")
        seen.append((await chat.question_of("ada")).id)
        await chat.say("ada", right)
        chat.clock.forward(minutes=1)

    assert len(set(seen)) == all_of_them
    await chat.practice("ada", "vae")
    assert (await chat.question_of("ada")).id == seen[0]


async def test_answers_keep_the_moment_and_the_day(chat: Chat) -> None:
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)

    async with chat.study.store.read() as session:
        answer = (await session.exec(select(Answer))).one()
    assert answer.accepted_at == chat.clock()
    assert answer.accepted_at.tzinfo is not None
    assert answer.accepted_at.astimezone(UTC).date() == answer.day


@pytest.mark.both_databases
async def test_a_report_reaches_the_managers_who_can_retire_the_question(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "vae")
    id = (await chat.question_of("ada")).id
    await chat.say("ada", right)
    await chat.say("ada", "3")
    assert "Thank you" in await chat.say("ada", "The second choice is right as well")

    assert "for managers" in await chat.say("ada", "reports list")
    said = " ".join((await chat.say("maya", "reports list")).split())
    assert "second choice" in said
    assert id in said
    assert "asked no more" in await chat.say("maya", f"reports retire {id}")
    assert "No open reports" in await chat.say("maya", "reports list")
    for _ in range(6):
        await chat.practice("ada", "vae")
        assert (await chat.question_of("ada")).id != id
    assert "is asked again" in await chat.say("maya", f"reports restore {id}")


async def test_a_key_of_the_question_at_hand_still_works_after_a_post_without_it(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=10:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, _ = await chat.practice("ada")
    chat.clock.forward(hours=1)
    [reveal] = await chat.posts()

    assert "The answer:" in reveal
    assert "Right!" in await chat.say("ada", right[-1])
