"""Custom questions: seen together with the shared bank by their own workspace, and by no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from bot.context.identity import Location
from bot.context.library import Library
from bot.platforms.terminal.room import LOCATION
from bot.replies import Buttons, Reply
from bot.store.engine import Store
from bot.store.models import RoundKind
from bot.study.workspaces import custom_questions
from bot.study.workspaces.queries import workspace_at
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
    found = await store.query(workspace_at, LOCATION)
    assert found is not None
    return found[0]


async def add(store: Store, workspace_id: int, *questions: Question) -> list[str]:
    return await store.transaction(custom_questions.add, workspace_id, questions, NOW)


@pytest.fixture
async def team(chat: Chat) -> Chat:
    await chat.say("maya", "help")
    await add(chat.study.store, await workspace_of(chat.study.store), FREEZE)
    return chat


async def test_search_finds_custom_questions(team: Chat) -> None:
    assert "Only a fix of an outage" in await team.say("ada", "ask when may we deploy the ranking service")
    assert "low-rank" in (await team.say("ada", "ask what is lora")).lower()


async def test_another_workspace_never_sees_custom_questions(team: Chat) -> None:
    others = Location("slack", "T2", "C2", "Others")
    await team.app.workspace_joined(others)
    theirs = await custom_questions.for_location(team.study, others)
    ours = await custom_questions.for_workspace(team.study, await workspace_of(team.study.store))

    assert FREEZE.id in ours.library.bank
    assert FREEZE.id not in theirs.library.bank
    assert FREEZE.id not in team.study.library.bank
    assert FREEZE.id not in {hit.question.id for hit in (await theirs.library.search("deploy on friday")).hits}


async def test_a_custom_question_is_practiced_in_your_own_words(team: Chat) -> None:
    card = await team.say("ada", "question house-rules")
    assert FREEZE.title in card
    question_round = await team.round_of("ada")

    assert "This question has no choices" in await team.say("ada", f"answer {question_round.round_key} a")
    said = await team.say("ada", f"write {question_round.round_key} On a Friday only a fix of an outage goes out.")
    assert "You mentioned 1 of 2 statements in the answer" in said


async def test_a_custom_question_can_be_the_daily_question(team: Chat) -> None:
    await team.say("maya", "schedule setup 09:00 UTC daily topics=house-rules")
    team.clock.forward(hours=2)
    (post,) = await team.posts()
    assert FREEZE.title in post
    question_round = await team.daily()
    assert question_round.kind is RoundKind.DAILY
    await team.say("ada", f"write {question_round.round_key} Only a fix of an outage goes out on a Friday.")
    team.clock.forward(hours=9)
    (reveal,) = await team.posts()

    assert "The answer: When may we deploy" in reveal
    assert "1 person answered, 1 in their own words." in reveal


async def test_suggestions_and_topics_include_custom_questions(team: Chat) -> None:
    assert "house-rules" in await team.say("ada", "topics")
    here = await team.app.for_workspace(LOCATION)
    suggestions = here.suggestions(team.app.registry.find("show").parameters[0], "when may")
    assert FREEZE.id in {suggestion.value for suggestion in suggestions}


async def test_a_manager_lists_and_removes_custom_questions(team: Chat) -> None:
    assert FREEZE.id in await team.say("maya", "own list")
    assert "I removed" in await team.say("maya", f"own remove {FREEZE.id}")
    assert "There are no custom questions here yet" in await team.say("maya", "own list")
    assert "Only a fix of an outage" not in await team.say("ada", "ask when may we deploy the ranking service")


async def test_a_question_of_the_shared_bank_cannot_be_removed(team: Chat) -> None:
    assert "shared bank" in await team.say("maya", "own remove lora")
    assert "for managers" in await team.say("ada", "own list")


async def test_a_change_by_another_process_shows_at_the_next_request(team: Chat, library: Library) -> None:
    replica = Chat(team.study.store, library)
    assert "Only a fix of an outage" in await replica.say("ada", "ask when may we deploy the ranking service")
    await team.say("maya", f"own remove {FREEZE.id}")

    assert "Only a fix of an outage" not in await replica.say("ada", "ask when may we deploy the ranking service")


async def test_adding_a_question_twice_changes_nothing(team: Chat) -> None:
    store = team.study.store
    assert await add(store, await workspace_of(store), FREEZE) == []


async def test_either_all_questions_are_added_or_none(team: Chat) -> None:
    store, workspace_id = team.study.store, await workspace_of(team.study.store)

    def add_and_fail(connection: Connection) -> None:
        custom_questions.add(connection, workspace_id, [replace(FREEZE, id="own-second")], NOW)
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        await store.transaction(add_and_fail)

    assert "own-second" not in await team.say("maya", "own list")


async def test_only_parts_that_a_question_has_get_a_button(team: Chat) -> None:
    reply: Reply = (await team.replies("ada", f"show {FREEZE.id}"))[-1]

    buttons = [action.label for block in reply.blocks if isinstance(block, Buttons) for action in block.buttons]
    assert buttons == ["Share"]
    assert "Nobody has written more" in await team.say("ada", f"show {FREEZE.id} depth")
    assert "Nobody has written key points" in await team.say("ada", f"show {FREEZE.id} points")
    assert "no related questions yet" in await team.say("ada", f"show {FREEZE.id} related")
