"""No points for an answer that has been seen, and nobody is shown who does not want to be."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.store.models import RoundKind
from bot.store.orm import Channel, Member, Round
from bot.study.practice.rounds import new_round
from tests.chat import Chat


async def pose(chat: Chat, question_id: str, kind: RoundKind, who: str | None = None) -> Round:
    """Another round of the question, as practice of a member's or as a daily question of the channel."""
    async with chat.study.store.write() as session:
        channel = (await session.exec(select(Channel))).one()
        member = (await session.exec(select(Member.id).where(Member.external_id == who))).first()
        round = new_round(
            chat.study.library.question(question_id),
            workspace_id=channel.workspace_id,
            channel_id=channel.id,
            member_id=member,
            kind=kind,
            at=chat.clock(),
        )
        session.add(round)
    return round


async def open_question(chat: Chat) -> Round:
    await chat.say("ada", "help")
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    return await chat.daily()


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", [RoundKind.PRACTICE, RoundKind.TEST, RoundKind.DAILY])
async def test_who_has_answered_the_question_elsewhere_earns_nothing_for_it(chat: Chat, kind: RoundKind) -> None:
    daily = await open_question(chat)
    elsewhere = await pose(chat, daily.question_id, kind, "ada" if kind is RoundKind.PRACTICE else None)

    assert "counts as practice for you" in await chat.say("ada", chat.lines(elsewhere)[1])

    assert "no points" in await chat.say("ada", chat.lines(daily)[0])
    assert "+" in await chat.say("bob", chat.lines(daily)[0])


async def test_an_explanation_of_the_open_question_makes_it_practice(chat: Chat) -> None:
    daily = await open_question(chat)
    title = chat.study.library.question(daily.question_id).title

    assert "counts as practice for you" in await chat.say("ada", f"explain {title}")

    assert "no points" in await chat.say("ada", chat.lines(daily)[0])


async def test_a_test_post_does_not_give_tomorrows_question_away(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("maya", "schedule test")
    chat.clock.forward(hours=1)
    await chat.posts()

    async with chat.study.store.read() as session:
        rounds = (await session.exec(select(Round))).all()
    assert len({round.question_id for round in rounds}) == 2


async def test_who_is_hidden_does_not_show_themselves_by_asking(chat: Chat) -> None:
    daily = await open_question(chat)
    await chat.say("ada", chat.lines(daily)[0])
    await chat.say("bob", chat.lines(daily)[0])
    await chat.say("ada", "me hidden")

    said = await chat.say("ada", "leaderboard")

    assert "bob" in said
    assert "ada" not in said
