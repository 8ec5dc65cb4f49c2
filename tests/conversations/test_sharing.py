"""Follow-ups, talk in a channel and sharing; none of them spoils an open question."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, select, update

from bot.context.identity import Actor, Location
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.room import LOCATION
from bot.replies import Button, Buttons, Explanation, Notice, Reply
from bot.store import tables
from bot.store.models import StoredExplanation
from tests.chat import Chat, plain
from tests.conversations.test_fairness import open_question

COLLAPSE = "why does a GAN suffer from mode collapse"


def lines(reply: Reply) -> list[str]:
    return [button.line for button in buttons(reply)]


def buttons(reply: Reply) -> list[Button]:
    return [button for block in reply.blocks if isinstance(block, Buttons) for button in block.buttons]


def line(reply: Reply, label: str) -> str:
    return next(button.line for button in buttons(reply) if button.label == label)


def explained(reply: Reply) -> Explanation | None:
    return next((block for block in reply.blocks if isinstance(block, Explanation)), None)


async def last(chat: Chat, who: str, line: str) -> Reply:
    return (await chat.replies(who, line))[-1]


async def elsewhere(chat: Chat, who: str, line: str, *, channel: str = "papers", workspace: str = "local") -> Reply:
    """Return the last reply in another channel of the room, or in another workspace."""
    request = Request(
        location=Location(LOCATION.platform, workspace, channel),
        actor=Actor(who, who),
        id=f"{channel}-{chat.clock()}-{line}",
        at=chat.clock(),
        line=line,
    )
    return [reply async for reply in handle(chat.app.registry, chat.study, request)][-1]


async def rows(chat: Chat) -> Sequence[StoredExplanation]:
    return await chat.study.store.query(explanations)


def explanations(connection: Connection) -> list[StoredExplanation]:
    statement = select(tables.explanations).order_by(tables.explanations.c.id)
    return StoredExplanation.all(connection.execute(statement).mappings())


def refuses_to_spoil(reply: Reply) -> bool:
    return len(reply.blocks) == 1 and isinstance(reply.blocks[0], Notice) and "open question" in reply.blocks[0].body


async def test_a_finished_explanation_is_stored_and_can_be_followed_up(chat: Chat) -> None:
    reply = await last(chat, "ada", f"explain {COLLAPSE}")

    [row] = await rows(chat)
    assert lines(reply) == [
        "show mode-collapse",
        f"followup {row.explanation_key}",
        f"share explanation {row.explanation_key}",
    ]
    assert (row.request_text, row.source, row.questions, row.at) == (COLLAPSE, "bank", ["mode-collapse"], chat.clock())
    explanation = explained(reply)
    assert explanation is not None
    assert row.text == explanation.text


async def test_an_explanation_without_sources_is_not_stored(chat: Chat) -> None:
    reply = await last(chat, "ada", "explain how long do I boil an egg")

    assert lines(reply) == []
    assert await rows(chat) == []


async def test_ask_more_goes_deeper_into_the_same_question(chat: Chat) -> None:
    more = line(await last(chat, "ada", f"explain {COLLAPSE}"), "Ask more")

    assert "What else you want to know" in await chat.say("ada", more)
    explanation = explained(await last(chat, "ada", "why is that?"))

    question = chat.study.library.question("mode-collapse")
    assert explanation is not None
    assert question.in_depth in explanation.text
    assert question.answer not in explanation.text
    assert [row.parent_id for row in await rows(chat)] == [None, (await rows(chat))[0].id]


async def test_a_follow_up_that_names_its_own_subject_is_explained_from_that(chat: Chat) -> None:
    more = line(await last(chat, "ada", f"explain {COLLAPSE}"), "Ask more")

    explanation = explained(await last(chat, "ada", f"{more} what is lora?"))

    assert explanation is not None
    assert explanation.citations[0].id == "lora"


async def test_a_follow_up_can_be_about_something_close_to_it(chat: Chat) -> None:
    more = line(await last(chat, "ada", "explain what is lora"), "Ask more")

    explanation = explained(await last(chat, "ada", f"{more} does it slow down inference?"))

    assert explanation is not None
    assert explanation.citations[0].id == "lora-math"


async def test_another_workspaces_explanation_looks_like_it_does_not_exist(chat: Chat) -> None:
    reply = await last(chat, "ada", f"explain {COLLAPSE}")

    for label, rest in (("Ask more", " why"), ("Share", "")):
        command = line(reply, label) + rest
        there = plain(await elsewhere(chat, "eve", command, workspace="others"))
        key = command.split()[1 if label == "Ask more" else 2]
        assert "explanation is no longer available" in there
        assert there == plain(await elsewhere(chat, "eve", command.replace(key, "abcdefghjk"), workspace="others"))


async def test_talk_answers_everyone_and_continues_from_what_everyone_has_read(chat: Chat) -> None:
    await chat.say("ada", f"talk {COLLAPSE}")
    chat.clock.forward(hours=23)

    reply = await last(chat, "bob", "talk why is that?")

    first, second = await rows(chat)
    assert second.parent_id == first.id
    assert second.questions == ["mode-collapse"]
    assert lines(reply) == ["show mode-collapse", f"followup {second.explanation_key}"]


async def test_talk_does_not_continue_from_yesterday_or_from_another_channel(chat: Chat) -> None:
    await chat.say("ada", f"talk {COLLAPSE}")
    there = explained(await elsewhere(chat, "ada", "talk why is that?"))
    chat.clock.forward(hours=25)
    later = explained(await last(chat, "ada", "talk why is that?"))

    for explanation in (there, later):
        assert explanation is not None
        assert "mode-collapse" not in [citation.id for citation in explanation.citations]
    assert all(row.parent_id is None for row in await rows(chat))


async def test_talk_does_not_tell_everyone_what_one_member_asked_in_private(chat: Chat) -> None:
    await chat.say("ada", f"explain {COLLAPSE}")

    for who in ("bob", "ada"):  # ada didn't ask it in front of the others, either
        explanation = explained(await last(chat, who, "talk why is that?"))
        assert explanation is not None
        assert "mode-collapse" not in [citation.id for citation in explanation.citations]


async def test_talk_without_text_says_how_to_ask(chat: Chat) -> None:
    assert "What would you like to know?" in await chat.say("ada", "talk")


async def thread_of(chat: Chat, delivery_id: int | None) -> str:
    def set_thread(connection: Connection) -> None:
        where = tables.deliveries.c.id == delivery_id
        connection.execute(update(tables.deliveries).where(where).values(thread_ref="thread-1"))

    await chat.study.store.transaction(set_thread)
    return "thread-1"


async def test_in_a_daily_thread_talk_is_about_its_question_once_it_is_revealed(chat: Chat) -> None:
    daily = await open_question(chat)
    thread = await thread_of(chat, daily.delivery_id)

    assert refuses_to_spoil(await elsewhere(chat, "ada", "talk why is that?", channel=thread))
    chat.clock.forward(hours=9)
    explanation = explained(await elsewhere(chat, "ada", "talk why is that?", channel=thread))

    assert explanation is not None
    assert explanation.citations[0].id == daily.question_id


async def test_a_thread_in_another_workspace_is_unknown_here(chat: Chat) -> None:
    daily = await open_question(chat)
    thread = await thread_of(chat, daily.delivery_id)

    reply = await elsewhere(chat, "ada", "talk why is that?", channel=thread, workspace="others")

    assert not refuses_to_spoil(reply)
    assert chat.study.library.question(daily.question_id).answer not in plain(reply)


async def test_nothing_public_spoils_an_open_question(chat: Chat) -> None:
    daily = await open_question(chat)
    question = chat.study.library.question(daily.question_id)

    private = await last(chat, "ada", f"explain {question.title}")
    assert "counts as practice for you" in plain(private)
    for said in (
        f"talk {question.title}",
        line(private, "Share"),
        f"share question {question.id}",
        f"share question {question.id} points",
        f"share question {question.id} related",
    ):
        assert refuses_to_spoil(await last(chat, "ada", said)), said

    chat.clock.forward(hours=9)
    assert question.answer in plain_text(await last(chat, "ada", f"share question {question.id}"))
    assert explained(await last(chat, "ada", line(private, "Share"))) is not None


def plain_text(reply: Reply) -> str:
    return "\n".join(getattr(block, "body", "") for block in reply.blocks)


async def test_a_follow_up_in_between_gives_no_open_question_away(chat: Chat) -> None:
    daily = await open_question(chat)
    first = await last(chat, "ada", f"explain {chat.study.library.question(daily.question_id).title}")
    other = "how does a gan work" if "gan" not in daily.question_id else "what is lora"
    second = await last(chat, "ada", f"{line(first, 'Ask more')} {other}")
    assert daily.question_id not in (await rows(chat))[-1].questions

    assert refuses_to_spoil(await last(chat, "ada", line(second, "Share")))


async def test_a_shared_answer_says_who_shared_it(chat: Chat) -> None:
    found = await last(chat, "ada", "ask my gan only ever makes one face")
    shown = await last(chat, "ada", "show mode-collapse depth")

    assert line(found, "Share") == "share question mode-collapse answer"
    assert line(shown, "Share") == "share question mode-collapse depth"
    said = await chat.say("ada", line(shown, "Share"))
    assert "Shared by ada" in said
    assert "What is mode collapse" in said
    assert "In depth" in said


@pytest.mark.parametrize("part", ["answer", "depth", "points", "related"])
async def test_every_part_can_be_shared_and_leads_to_the_others(chat: Chat, part: str) -> None:
    shared = await last(chat, "ada", f"share question mode-collapse {part}")

    assert shared.blocks[0] == Notice("Shared by ada")
    assert all(said.startswith("show ") for said in lines(shared))
    assert len(lines(shared)) > 1


async def test_a_streak_is_shared_once_there_is_one(chat: Chat) -> None:
    assert "Share" not in [button.label for button in buttons(await last(chat, "ada", "streak"))]
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)
    shared = await last(chat, "ada", line(await last(chat, "ada", "streak"), "Share"))
    said = plain(shared)

    assert "Shared by ada" in said
    assert "ada's streak" in said
    assert lines(shared) == ["streak"]
    assert "needs a question's id" in plain(await last(chat, "ada", "share question"))


async def test_everyone_can_follow_up_on_a_shared_explanation(chat: Chat) -> None:
    private = await last(chat, "ada", f"explain {COLLAPSE}")
    shared = await last(chat, "ada", line(private, "Share"))

    assert explained(shared) == explained(private)
    assert "Shared by ada" in plain(shared)
    assert [said.split()[0] for said in lines(shared)] == ["show", "followup"]
    bobs = explained(await last(chat, "bob", f"{line(shared, 'Ask more')} why is that?"))
    assert bobs is not None
    assert bobs.citations[0].id == "mode-collapse"
    talked = explained(await last(chat, "cleo", "talk why is that?"))
    assert talked is not None
    assert talked.citations[0].id == "mode-collapse"


async def test_talk_continues_from_an_explanation_shared_in_its_channel(chat: Chat) -> None:
    private = await last(chat, "ada", f"explain {COLLAPSE}")
    await elsewhere(chat, "ada", line(private, "Share"))

    explanation = explained(await elsewhere(chat, "bob", "talk why is that?"))

    assert explanation is not None
    assert explanation.citations[0].id == "mode-collapse"


@pytest.mark.both_databases
async def test_what_a_member_shared_is_deleted_with_everything_about_them(chat: Chat) -> None:
    private = await last(chat, "ada", f"explain {COLLAPSE}")
    shared = await last(chat, "bob", line(private, "Share"))
    await chat.say("bob", f"{line(shared, 'Ask more')} why is that?")
    await chat.say("ada", "privacy delete everything")

    [bobs] = await rows(chat)
    assert bobs.parent_id is None
    assert "explanation is no longer available" in await chat.say("bob", f"{line(shared, 'Ask more')} why")


@pytest.mark.both_databases
async def test_an_explanation_outlives_a_question_that_left_the_bank(chat: Chat) -> None:
    private = await last(chat, "ada", f"explain {COLLAPSE}")

    def cite_a_missing_question(connection: Connection) -> None:
        [row] = explanations(connection)
        connection.execute(update(tables.explanations).values(questions=["gone-for-good", *row.questions]))

    await chat.study.store.transaction(cite_a_missing_question)

    explanation = explained(await last(chat, "ada", line(private, "Share")))

    assert explanation is not None
    assert [(citation.number, citation.id) for citation in explanation.citations] == [(2, "mode-collapse")]


async def test_a_members_text_is_never_run_as_a_command(chat: Chat) -> None:
    await chat.say("maya", "talk privacy delete everything")
    await chat.say("maya", "quiz '; DROP TABLE member; --")

    assert await chat.study.store.query(lambda connection: connection.execute(select(tables.workspaces)).one())
    assert "maya" in await chat.say("maya", "me")


async def delivered(chat: Chat, request_id: str, line: str, *, who: str = "ada", channel: str = "general") -> Reply:
    """Return the last reply to a request of that id, whether or not it was delivered before."""
    location = Location(LOCATION.platform, LOCATION.workspace, channel)
    request = Request(location, Actor(who, who), request_id, chat.clock(), line=line)
    return [reply async for reply in handle(chat.app.registry, chat.study, request)][-1]


@pytest.mark.both_databases
async def test_a_request_delivered_twice_is_explained_once(chat: Chat) -> None:
    first = await delivered(chat, "once", f"explain {COLLAPSE}")
    assert await delivered(chat, "once", f"explain {COLLAPSE}") == first
    more = line(first, "Ask more")
    second = await delivered(chat, "twice", f"{more} and with images?")
    assert await delivered(chat, "twice", f"{more} and with images?") == second
    talked = await delivered(chat, "thrice", f"talk {COLLAPSE}")
    assert await delivered(chat, "thrice", f"talk {COLLAPSE}") == talked

    assert len(await rows(chat)) == 3


@pytest.mark.both_databases
async def test_a_press_delivered_twice_shares_once(chat: Chat) -> None:
    share = line(await delivered(chat, "asked", f"explain {COLLAPSE}"), "Share")

    shown = await delivered(chat, "pressed", share, who="grace")
    assert await delivered(chat, "pressed", share, who="grace") == shown
    assert [row.is_public for row in await rows(chat)] == [False, True]
    await delivered(chat, "pressed again", share, who="grace")
    assert len(await rows(chat)) == 3


async def test_the_next_explanation_deletes_those_older_than_a_year(chat: Chat) -> None:
    more = line(await delivered(chat, "old", f"explain {COLLAPSE}"), "Ask more")
    chat.clock.forward(days=300)
    await delivered(chat, "young", "explain what is LoRA")
    chat.clock.forward(days=70)
    await delivered(chat, "new", "explain what is a diffusion model")

    assert [row.request_id for row in await rows(chat)] == ["young", "new"]
    assert "explanation is no longer available" in plain(await delivered(chat, "late", f"{more} why?"))
