"""Practice and answers: verdicts, points, repeats, written answers."""

from __future__ import annotations

from datetime import UTC

import pytest
from sqlalchemy import Connection, func, select

from bot.context.identity import Actor
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.room import LOCATION
from bot.store import tables
from bot.store.models import Answer, Member
from bot.study.members.directory import get_or_create_member
from bot.study.practice.submissions import Submission, accept
from bot.study.practice.subscribers import SUBSCRIBERS
from bot.study.progress.accepted_answers import AcceptedAnswer
from tests.chat import Chat, plain


def answers(connection: Connection) -> list[Answer]:
    return Answer.all(connection.execute(select(tables.answers)).mappings())


def only_member(connection: Connection) -> Member:
    return Member.of(connection.execute(select(tables.members)).mappings().one())


def row_counts(connection: Connection) -> list[int]:
    """How many answers, totals and rounds there are."""
    counted = (tables.answers, tables.totals, tables.rounds)
    return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in counted]


async def test_a_right_choice_is_praised_and_explained(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "gan")
    said = await chat.say("ada", right)

    assert "Right!" in said
    assert "Practice earns no points" in said
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
    assert "I'm counting your days in UTC" in await chat.say("ada", right)

    right, _ = await chat.practice("ada")
    assert "I'm counting your days" not in await chat.say("ada", right)


async def test_a_second_answer_changes_nothing(chat: Chat) -> None:
    right, wrong = await chat.practice("ada")
    await chat.say("ada", wrong)

    assert "You've already answered this one, and you got it wrong." in await chat.say("ada", right)


@pytest.mark.both_databases
async def test_a_repeated_delivery_of_one_interaction_changes_nothing(chat: Chat) -> None:
    right, _ = await chat.practice("ada")

    async def deliver() -> str:
        request = Request(LOCATION, Actor("ada", "ada"), "interaction-1", chat.clock(), line=right)
        return [plain(reply) async for reply in handle(chat.app.registry, chat.study, request)][-1]

    first, second = await deliver(), await deliver()

    assert "Right!" in first
    assert "Right!" in second
    assert len(await chat.study.store.query(answers)) == 1


async def test_a_repeated_request_for_a_question_gives_the_same_one(chat: Chat) -> None:
    async def deliver() -> str:
        request = Request(LOCATION, Actor("ada", "ada"), "interaction-2", chat.clock(), line="question")
        return [plain(reply) async for reply in handle(chat.app.registry, chat.study, request)][-1]

    assert await deliver() == await deliver()
    assert await chat.study.store.query(row_counts) == [0, 0, 1]


@pytest.mark.both_databases
async def test_a_subscriber_that_raises_undoes_the_answer(chat: Chat) -> None:
    """And everything that the subscribers before it wrote."""
    await chat.practice("ada")
    asked = await chat.round_of("ada")
    context = await get_or_create_member(chat.study, LOCATION, Actor("ada", "ada"), request_id="1", at=chat.clock())
    before = await chat.study.store.query(only_member)

    def fail(connection: Connection, accepted: AcceptedAnswer) -> AcceptedAnswer:
        assert answers(connection) == [accepted.answer]
        assert only_member(connection).streak == accepted.member.streak == 1
        raise RuntimeError("the last subscriber failed")

    with pytest.raises(RuntimeError, match="the last subscriber failed"):
        await chat.study.store.transaction(
            accept, context, chat.study.library.bank, Submission(asked.round_key, letter="a"), (*SUBSCRIBERS, fail)
        )

    assert await chat.study.store.query(row_counts) == [0, 0, 1]
    assert await chat.study.store.query(only_member) == before


async def test_nobody_can_answer_another_members_practice(chat: Chat) -> None:
    right, _ = await chat.practice("ada")

    assert "question is no longer available" in await chat.say("bob", right)


async def test_a_written_answer_is_compared_with_the_key_points(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    question = await chat.question_of("ada")
    said = await chat.say("ada", "w")
    assert "Your answer" in said

    said = await chat.say("ada", f"{question.key_points[0]} {question.key_points[1]}")

    assert "You mentioned" in said
    assert "✓" in said
    assert "○" in said or "~" in said
    assert "The reference" in said
    assert "I compare words, but I can't check facts" in said


@pytest.mark.both_databases
async def test_a_written_answer_can_be_self_graded_once(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    question = await chat.question_of("ada")
    await chat.say("ada", "w")
    await chat.say("ada", " ".join(question.key_points[:2]))

    assert "You've graded your answer." in await chat.say("ada", "1")
    round_key = (await chat.round_of("ada")).round_key
    assert "you can only do that once" in await chat.say("ada", f"assess {round_key} missed")


async def test_an_off_topic_written_answer_is_noticed(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    await chat.say("ada", "w")

    assert "something else" in await chat.say("ada", "Boil the eggs for ten minutes and serve with salt.")


async def test_an_empty_line_leaves_a_form(chat: Chat) -> None:
    await chat.practice("ada")
    await chat.say("ada", "w")

    assert "nothing changed" in await chat.say("ada", "")
    assert "what I can do" in await chat.say("ada", "help")


async def test_practice_repeats_no_question_until_all_were_asked(chat: Chat) -> None:
    asked = []
    vae_questions = sum(question.topic == "vae" for question in chat.study.library.bank)
    for _ in range(vae_questions):
        right, _ = await chat.practice("ada", "vae")
        asked.append((await chat.question_of("ada")).id)
        await chat.say("ada", right)
        chat.clock.forward(minutes=1)

    assert len(set(asked)) == vae_questions
    await chat.practice("ada", "vae")
    assert (await chat.question_of("ada")).id == asked[0]


async def test_an_answer_stores_its_time_and_day(chat: Chat) -> None:
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)

    [answer] = await chat.study.store.query(answers)
    assert answer.accepted_at == chat.clock()
    assert answer.accepted_at.tzinfo is not None
    assert answer.accepted_at.astimezone(UTC).date() == answer.day


@pytest.mark.both_databases
async def test_a_report_reaches_the_managers_who_can_retire_the_question(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "vae")
    question_id = (await chat.question_of("ada")).id
    await chat.say("ada", right)
    await chat.say("ada", "3")
    assert "Thanks!" in await chat.say("ada", "The second choice is right as well")

    assert "for managers" in await chat.say("ada", "reports list")
    said = " ".join((await chat.say("maya", "reports list")).split())
    assert "second choice" in said
    assert question_id in said
    assert "won't be asked here anymore" in await chat.say("maya", f"reports retire {question_id}")
    assert "No open reports" in await chat.say("maya", "reports list")
    for _ in range(6):
        await chat.practice("ada", "vae")
        assert (await chat.question_of("ada")).id != question_id
    assert "can be asked again" in await chat.say("maya", f"reports restore {question_id}")


async def test_a_letter_still_answers_the_current_question_after_a_reveal(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=10:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, _ = await chat.practice("ada")
    chat.clock.forward(hours=1)
    [reveal] = await chat.posts()

    assert "The answer:" in reveal
    assert "Right!" in await chat.say("ada", right[-1])
