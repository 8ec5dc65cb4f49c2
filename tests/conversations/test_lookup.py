"""Looking things up: `ask` and what its buttons open."""

from __future__ import annotations

from bot.replies import Buttons
from tests.chat import Chat


async def test_ask_answers_with_the_best_match(chat: Chat) -> None:
    said = await chat.say("ada", "ask my gan only ever makes one face")

    assert "What is mode collapse" in said
    assert "In depth" in said


async def test_buttons_open_the_parts_of_an_answer(chat: Chat) -> None:
    await chat.say("ada", "ask my gan only ever makes one face")
    choices = await chat.choices("ada", "show mode-collapse")

    assert choices["1"] == "show mode-collapse depth"
    assert "In depth" in await chat.say("ada", "1")
    assert "What people get wrong" in await chat.say("ada", "show mode-collapse points")
    assert "An interviewer might ask next" in await chat.say("ada", "show mode-collapse related")


async def test_other_candidates_are_offered_if_the_first_is_not_clear(chat: Chat) -> None:
    found = await chat.study.library.search("lora")
    reply = (await chat.replies("ada", "ask lora"))[-1]

    offered = [b for b in reply.blocks if isinstance(b, Buttons) and b.prompt.startswith("Or did you mean")]
    assert bool(offered) is not found.clear


async def test_a_search_without_a_match_offers_nearby_topics(chat: Chat) -> None:
    said = await chat.say("ada", "ask how long do I boil an egg")

    assert "I have nothing on that" in said
    assert "Practice a nearby topic" in said


async def test_an_unknown_question_id_names_the_nearest(chat: Chat) -> None:
    assert "Did you mean `mode-collapse`?" in await chat.say("ada", "show mode-colapse")


async def test_titles_are_suggested_while_typing(chat: Chat) -> None:
    suggest = chat.app.registry.find("ask").parameters[0].autocomplete
    assert suggest is not None

    assert any("mode collapse" in s.label for s in suggest(chat.study, "what is mode"))
