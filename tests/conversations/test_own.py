"""Questions of a workspace's own: beside the bank's for those who work there, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from bot.context.library import Library
from bot.platforms.terminal.room import LOCATION
from bot.replies import Buttons, Reply
from bot.store.engine import Store
from bot.store.models import RoundKind
from bot.store.orm import Workspace
from bot.study.workspaces import custom_questions
from knowledge.questions import Difficulty, Question
from tests.chat import Chat

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 18, tzinfo=UTC)
FREEZE = Question(
    id="own-when-may-we-deploy",
    topic="house-rules",
    title="When may we deploy the ranking service on a Friday?",
    difficulty=Difficulty.MEDIUM,
    answer="Only a fix of an outage goes out on a Friday. A second engineer has to be at hand until Saturday noon.",
)


async def workspace_of(store: Store) -> int:
    async with store.read() as session:
        return (await session.exec(select(Workspace.id).where(Workspace.platform == "terminal"))).one()


async def add(store: Store, workspace_id: int, *questions: Question) -> list[str]:
    async with store.write() as session:
        return await custom_questions.add(session, workspace_id, questions, NOW)


@pytest.fixture
async def team(chat: Chat) -> Chat:
    await chat.say("maya", "help")
    await add(chat.study.store, await workspace_of(chat.study.store), FREEZE)
    return chat


async def test_the_same_search_finds_them(team: Chat) -> None:
    assert "Only a fix of an outage" in await team.say("ada", "ask when may we deploy the ranking service")
    assert "low-rank" in (await team.say("ada", "ask what is lora")).lower()


async def test_another_workspace_never_sees_them(team: Chat) -> None:
    async with team.study.store.write() as session:
        session.add(Workspace(platform="slack", external_id="T2", name="Others", created_at=NOW))
    async with team.study.store.read() as session:
        other = (await session.exec(select(Workspace.id).where(Workspace.external_id == "T2"))).one()
    theirs = await custom_questions.for_workspace(team.study, other)
    ours = await custom_questions.for_workspace(team.study, await workspace_of(team.study.store))

    assert FREEZE.id in ours.library.bank
    assert FREEZE.id not in theirs.library.bank
    assert FREEZE.id not in team.study.library.bank
    assert FREEZE.id not in {hit.question.id for hit in (await theirs.library.search("deploy on friday")).hits}


async def test_practice_asks_them_by_their_topic_in_ones_own_words(team: Chat) -> None:
    card = await team.say("ada", "question house-rules")
    assert FREEZE.title in card
    round = await team.round_of("ada")

    assert "nothing to choose from" in await team.say("ada", f"answer {round.round_key} a")
    said = await team.say("ada", f"write {round.round_key} On a Friday only a fix of an outage goes out.")
    assert "You mentioned 1 of 2 statements of the answer" in said


async def test_the_daily_question_comes_from_them_and_is_revealed(team: Chat) -> None:
    await team.say("maya", "schedule setup 09:00 UTC daily topics=house-rules")
    team.clock.forward(hours=2)
    (post,) = await team.posts()
    assert FREEZE.title in post
    round = await team.daily()
    assert round.kind is RoundKind.DAILY
    await team.say("ada", f"write {round.round_key} Only a fix of an outage goes out on a Friday.")
    team.clock.forward(hours=9)
    (reveal,) = await team.posts()

    assert "The answer: When may we deploy" in reveal
    assert "1 person answered, 1 in their own words." in reveal


async def test_suggestions_and_topics_show_them(team: Chat) -> None:
    assert "house-rules" in await team.say("ada", "topics")
    here = await team.app.for_workspace(LOCATION)
    assert FREEZE.id in {question.id for question in here.study.library.suggest("when may", 5)}


async def test_a_manager_lists_and_removes_them(team: Chat) -> None:
    assert FREEZE.id in await team.say("maya", "own list")
    assert "is gone" in await team.say("maya", f"own remove {FREEZE.id}")
    assert "no questions of its own" in await team.say("maya", "own list")
    assert "Only a fix of an outage" not in await team.say("ada", "ask when may we deploy the ranking service")


async def test_the_banks_own_questions_are_not_removed(team: Chat) -> None:
    assert "everybody has" in await team.say("maya", "own remove lora")
    assert "for managers" in await team.say("ada", "own list")


async def test_one_changed_elsewhere_is_seen_at_the_next_request(team: Chat, library: Library) -> None:
    replica = Chat(team.study.store, library)
    assert "Only a fix of an outage" in await replica.say("ada", "ask when may we deploy the ranking service")
    await team.say("maya", f"own remove {FREEZE.id}")

    assert "Only a fix of an outage" not in await replica.say("ada", "ask when may we deploy the ranking service")


async def test_adding_twice_changes_nothing(team: Chat) -> None:
    store = team.study.store
    assert await add(store, await workspace_of(store), FREEZE) == []


async def test_all_are_added_or_none(team: Chat) -> None:
    store, id = team.study.store, await workspace_of(team.study.store)

    async def cut_off() -> None:
        async with store.write() as session:
            await custom_questions.add(session, id, [replace(FREEZE, id="own-second")], NOW)
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        await cut_off()

    assert "own-second" not in await team.say("maya", "own list")


async def test_parts_that_a_question_lacks_have_no_button(team: Chat) -> None:
    reply: Reply = (await team.replies("ada", f"show {FREEZE.id}"))[-1]

    buttons = [action.label for block in reply.blocks if isinstance(block, Buttons) for action in block.buttons]
    assert buttons == ["Share"]
    assert "Nobody has written more" in await team.say("ada", f"show {FREEZE.id} depth")
    assert "Nobody has written key points" in await team.say("ada", f"show {FREEZE.id} points")
    assert "Nothing is linked" in await team.say("ada", f"show {FREEZE.id} related")
