"""Nobody earns points for an answer they have seen, and hidden members stay hidden."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from bot.replies import Notice
from bot.store import tables
from bot.store.models import Round, RoundKind
from bot.study.practice.queries import add_round
from bot.study.practice.rounds import new_round
from knowledge.questions import Question
from tests.chat import Chat


async def ask_again(
    chat: Chat, question_id: str, kind: RoundKind, who: str | None = None, *, open_for: timedelta | None = None
) -> Round:
    """Another round of the question, as a member's practice, a test or a daily question of the channel."""

    def add(connection: Connection) -> Round:
        channel = connection.execute(select(tables.channels)).one()
        member_id = connection.execute(select(tables.members.c.id).where(tables.members.c.external_id == who)).scalar()
        again = new_round(
            chat.study.library.question(question_id),
            workspace_id=channel.workspace_id,
            channel_id=channel.id,
            member_id=member_id,
            kind=kind,
            at=chat.clock(),
            closes=chat.clock() + open_for if open_for else None,
        )
        return add_round(connection, again)

    return await chat.study.store.transaction(add)


async def open_question(chat: Chat) -> Round:
    await chat.say("ada", "help")
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    return await chat.daily()


SHOW_AN_ANSWER = {
    "ask": "ask {title}",
    "explain": "explain {title}",
    "show answer": "show {id}",
    "show depth": "show {id} depth",
    "show points": "show {id} points",
    "followup": "followup {explanation_key} {title}",
    "answer": "answer {practice_key} a",
    "write": "write {practice_key} Boil the eggs for ten minutes and serve with salt.",
    "assess": "assess {written_key} partly",
}
"""Lines that show the answer to an open question in private."""
SHOW_IT_TO_THE_CHANNEL = {
    "talk": "talk {title}",
    "share question": "share question {id}",
    "share points": "share question {id} points",
    "share explanation": "share explanation {spoiling_key}",
}
ASK_A_QUESTION = {"daily": "daily", "practice": "practice {id}", "question": "question", "quiz": "quiz {title}"}
"""Lines that show questions, but no answer to one that is open."""
SHOW_NO_ANSWER = {
    "help", "home", "leaderboard", "managers", "me", "own", "privacy", "profile", "remind", "report", "reports",
    "schedule", "server", "streak", "team", "topics", "version", "zone",
}  # fmt: skip


def test_every_command_is_listed_by_whether_it_shows_an_answer(chat: Chat) -> None:
    """A new command that shows one records it, or refuses in a channel; then it goes on the right list."""
    shows = {line.split()[0] for line in (*SHOW_AN_ANSWER, *SHOW_IT_TO_THE_CHANNEL, *ASK_A_QUESTION)}
    assert {name.split()[0] for name in chat.app.registry.commands} <= shows | SHOW_NO_ANSWER
    assert not shows & SHOW_NO_ANSWER


async def fill_in(chat: Chat, line: str, question: Question) -> str:
    """Fill a line in, doing first what it refers to."""
    keys = {"id": question.id, "title": question.title}
    if "{explanation_key}" in line:
        await chat.say("ada", "explain how do I fine-tune with less memory")
        keys["explanation_key"] = await newest_explanation_key(chat)
    if "{spoiling_key}" in line:
        await chat.say("bob", f"explain {question.title}")
        keys["spoiling_key"] = await newest_explanation_key(chat)
    if "{practice_key}" in line:
        keys["practice_key"] = (await ask_again(chat, question.id, RoundKind.PRACTICE, "ada")).round_key
    return line.format(**keys)


async def newest_explanation_key(chat: Chat) -> str:
    statement = select(tables.explanations.c.explanation_key).order_by(tables.explanations.c.id.desc()).limit(1)
    return str(await chat.study.store.query(lambda connection: connection.execute(statement).scalar_one()))


@pytest.mark.parametrize("name", [name for name in SHOW_AN_ANSWER if name != "assess"])
async def test_a_member_who_is_shown_the_answer_earns_nothing_for_it(chat: Chat, name: str) -> None:
    daily = await open_question(chat)
    question = chat.study.library.question(daily.question_id)

    assert "counts as practice for you" in await chat.say("ada", await fill_in(chat, SHOW_AN_ANSWER[name], question))

    assert "no points" in await chat.say("ada", chat.lines(daily)[0])
    assert "+" in await chat.say("bob", chat.lines(daily)[0])


async def test_a_self_grade_earns_nothing_if_the_question_has_opened_since(chat: Chat) -> None:
    await chat.practice("ada", "gan")
    question = await chat.question_of("ada")
    written = (await chat.round_of("ada")).round_key
    await chat.say("ada", f"write {written} {' '.join(question.key_points[:2])}")
    daily = await ask_again(chat, question.id, RoundKind.DAILY, open_for=timedelta(hours=8))

    line = SHOW_AN_ANSWER["assess"].format(written_key=written)
    assert "counts as practice for you" in await chat.say("ada", line)

    assert "no points" in await chat.say("ada", chat.lines(daily)[0])


@pytest.mark.parametrize("line", SHOW_IT_TO_THE_CHANNEL.values())
async def test_the_channel_is_not_shown_the_answer_to_an_open_question(chat: Chat, line: str) -> None:
    daily = await open_question(chat)
    line = await fill_in(chat, line, chat.study.library.question(daily.question_id))

    [refusal] = (await chat.replies("ada", line))[-1].blocks

    assert isinstance(refusal, Notice)
    assert "open question" in refusal.body
    assert "+" in await chat.say("ada", chat.lines(daily)[0])


@pytest.mark.parametrize("line", ASK_A_QUESTION.values())
async def test_a_question_is_asked_without_giving_the_open_one_away(chat: Chat, line: str) -> None:
    daily = await open_question(chat)

    await chat.say("ada", await fill_in(chat, line, chat.study.library.question(daily.question_id)))

    assert "+" in await chat.say("ada", chat.lines(daily)[0])


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", [RoundKind.PRACTICE, RoundKind.TEST, RoundKind.DAILY])
async def test_a_member_who_answered_the_question_elsewhere_earns_nothing_for_it(chat: Chat, kind: RoundKind) -> None:
    daily = await open_question(chat)
    elsewhere = await ask_again(chat, daily.question_id, kind, "ada" if kind is RoundKind.PRACTICE else None)

    assert "counts as practice for you" in await chat.say("ada", chat.lines(elsewhere)[1])

    assert "no points" in await chat.say("ada", chat.lines(daily)[0])
    assert "+" in await chat.say("bob", chat.lines(daily)[0])


async def test_a_test_post_does_not_give_tomorrows_question_away(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("maya", "schedule test")
    chat.clock.forward(hours=1)
    await chat.posts()

    asked = await chat.study.store.query(
        lambda connection: connection.execute(select(tables.rounds.c.question_id)).scalars().all()
    )
    assert len(set(asked)) == 2


async def test_a_hidden_member_does_not_show_up_by_asking_for_the_leaderboard(chat: Chat) -> None:
    daily = await open_question(chat)
    await chat.say("ada", chat.lines(daily)[0])
    await chat.say("bob", chat.lines(daily)[0])
    await chat.say("ada", "me hidden")

    leaderboard = await chat.say("ada", "leaderboard")

    assert "bob" in leaderboard
    assert "ada" not in leaderboard


async def test_daily_shows_an_old_verdict_and_so_a_later_round_of_the_question_earns_nothing(chat: Chat) -> None:
    first = await open_question(chat)
    await chat.say("ada", chat.lines(first)[0])
    later = await ask_again(chat, first.question_id, RoundKind.DAILY, open_for=timedelta(hours=8))

    def hide(connection: Connection) -> None:  # the later round is another channel's
        connection.execute(tables.channels.insert().values(workspace_id=first.workspace_id, external_id="x", name="x"))
        channel_id = select(tables.channels.c.id).where(tables.channels.c.external_id == "x").scalar_subquery()
        connection.execute(tables.rounds.update().where(tables.rounds.c.id == later.id).values(channel_id=channel_id))

    await chat.study.store.transaction(hide)

    assert "already answered" in await chat.say("ada", "daily")
    assert "no points" in await chat.say("ada", chat.lines(later)[0])
