"""Who gets an answer on Slack, and where it goes when the first way fails: threads, files, other bots, guests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from html import unescape

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import App
from bot.drawing.renderer import Renderer
from bot.platforms.slack.listeners import ACK_TIMEOUT
from bot.platforms.slack.responder import Responder
from bot.replies import Explanation, Reply, Text
from bot.store import tables
from tests.clocks import HANG, forward
from tests.platforms.slack.conftest import all_rows
from tests.platforms.slack.fake import Channel, Message, Person, Slack, Team, View
from tests.platforms.slack.fake.hooks import LIVES, USES
from tests.platforms.slack.fake.shown import Payload

OWN_WORDS = {"text": "The weights stay frozen."}


async def grown(fake: Slack) -> Message:
    """Wait for the whole explanation."""
    while "Ask more" not in (edited := await fake.next(fake.edits)).buttons:
        pass
    return edited


async def explained(fake: Slack, person: Person) -> Message:
    """Get an explanation in a thread of the channel, with buttons for its sources."""
    await person.mentions("what is LoRA?")
    await fake.heard()
    return await grown(fake)


async def opens_form(fake: Slack, person: Person) -> tuple[View, str]:
    """Open a form with a button in the channel; returns it and the response_url that came with it."""
    await person.types("question fine-tuning")
    pressed = await person.presses(await fake.heard(), "In my own words")
    return await fake.next(fake.views), pressed.sent.payload["response_url"]


def between(fake: Slack, one: Person, other: Person) -> Channel:
    """Create a conversation of two members, which the app can't see."""
    channel_id = fake.clock.id("D")
    made = Channel(channel_id, "", one.team.id, private=True, joined=False, members={one.id, other.id})
    one.team.channels[channel_id] = made
    return made


@asynccontextmanager
async def overheard(fake: Slack) -> AsyncIterator[asyncio.Queue[Payload]]:
    """Yield the messages that come to response_urls within the block; none of them is shown."""
    heard: asyncio.Queue[Payload] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        heard.put_nowait(await request.json())
        return web.Response()

    server = web.Application()
    server.add_routes([web.post("/respond/{id}", receive)])
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    before, fake.address = fake.address, f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield heard
    fake.address = before
    await runner.cleanup()


# Threads


async def test_a_button_in_a_thread_is_answered_there(fake: Slack, bob: Person, team: Team) -> None:
    explanation = await explained(fake, bob)
    await bob.presses(explanation, explanation.buttons[0])
    shown = await fake.heard()
    assert (shown.channel, shown.reader, shown.thread_ts) == (team.main.id, bob.id, explanation.thread_ts)

    await bob.presses(shown, "Key points")
    assert (await fake.heard()).thread_ts == explanation.thread_ts
    await bob.presses(shown, "Share")
    shared = await fake.heard()
    assert "Shared by bob" in shared.words
    assert shared in team.main.thread(explanation.thread_ts)


async def test_ask_more_in_a_thread_points_to_the_direct_message(fake: Slack, bob: Person) -> None:
    explanation = await explained(fake, bob)
    await bob.presses(explanation, "Ask more")
    await bob.sends(await fake.next(fake.views), {"text": "and why does that save memory?"})
    answer, pointer = await fake.heard(), await fake.heard()

    assert (answer.channel, answer.thread_ts) == (bob.direct.id, "")
    assert "in our direct messages" in pointer.words
    assert (pointer.reader, pointer.thread_ts) == (bob.id, explanation.thread_ts)


@pytest.mark.parametrize("status", [404, 500])
async def test_a_failing_response_url_still_answers_in_the_thread(fake: Slack, bob: Person, status: int) -> None:
    explanation = await explained(fake, bob)
    fake.fail("response_url", status=status)
    await bob.presses(explanation, explanation.buttons[0])
    shown = await fake.heard()

    assert fake.calls["chat.postEphemeral"]
    assert (shown.channel, shown.reader, shown.thread_ts) == (explanation.channel, bob.id, explanation.thread_ts)


async def test_a_replaced_message_names_no_thread(fake: Slack, bob: Person) -> None:
    explanation = await explained(fake, bob)
    await bob.types("streak")
    in_thread = replace(await fake.heard(), thread_ts=explanation.thread_ts)
    async with overheard(fake) as heard:
        await bob.presses(in_thread, "Why?")
        turned = await asyncio.wait_for(heard.get(), HANG)
    assert (turned["replace_original"], turned.get("thread_ts")) == (True, None)

    await bob.presses(in_thread, "Practice now")
    beside = await fake.heard()
    assert (beside.reader, beside.thread_ts) == (bob.id, explanation.thread_ts)


async def test_what_only_one_member_sees_in_a_thread_is_posted_there(fake: Slack, bob: Person) -> None:
    explanation = await explained(fake, bob)
    async with overheard(fake) as heard:
        await bob.presses(explanation, explanation.buttons[0])
        shown = await fake.heard()
    assert (shown.reader, shown.thread_ts) == (bob.id, explanation.thread_ts)
    assert heard.empty()
    assert len(fake.calls["chat.postEphemeral"]) == 1


async def test_where_the_app_may_not_post_the_answer_comes_beside_the_thread(
    fake: Slack, bob: Person, team: Team
) -> None:
    explanation = await explained(fake, bob)
    team.main.joined = False
    await bob.presses(explanation, explanation.buttons[0])
    shown = await fake.heard()
    assert (shown.channel, shown.reader, shown.thread_ts) == (team.main.id, bob.id, "")


async def test_a_button_on_the_message_that_began_a_thread_is_answered_beside_it(
    fake: Slack, bob: Person, team: Team
) -> None:
    await bob.types("leaderboard")
    began = await fake.heard()
    fake.change(team.main, replace(began, thread_ts=began.ts))
    bob.chats("hm")
    await bob.presses(began, "All time")
    assert (await fake.heard()).thread_ts == ""


async def test_a_refusal_is_not_hidden_in_a_thread_that_has_not_begun(fake: Slack, bob: Person) -> None:
    fake.fail("chat.postMessage", error="restricted_action")
    await bob.mentions("x" * 5000)
    refusal = await fake.heard()
    assert (refusal.reader, refusal.thread_ts) == (bob.id, "")


async def test_a_button_in_a_direct_thread_is_answered_there(fake: Slack, bob: Person) -> None:
    await bob.writes("ask what is LoRA")
    answer = await fake.heard()
    await bob.writes("and why?", thread=answer)
    grown_there = await grown(fake)
    assert grown_there.thread_ts
    await bob.presses(grown_there, grown_there.buttons[0])
    shown = await fake.heard()
    while "One moment" in shown.words:
        shown = await fake.heard()
    assert (shown.channel, shown.thread_ts) == (bob.direct.id, grown_there.thread_ts)


async def test_a_finished_explanation_is_not_marked_as_cut_short(
    fake: Slack, bob: Person, team: Team, renderer: Renderer
) -> None:
    uploading = fake.hold("conversations.open")
    web = AsyncWebClient(team.token, base_url=fake.api)

    async def replies() -> AsyncIterator[Reply]:
        yield Reply.of(Explanation("The update has low rank: $$W = B A$$", "model"))

    async with aiohttp.ClientSession() as session:
        responder = Responder(web, session, renderer, channel=team.main.id, user=bob.id)
        growing = asyncio.create_task(responder.stream(replies(), private=False))
        begun = await fake.heard()
        await uploading.arrived()
        growing.cancel()
        await asyncio.wait({growing})
    uploading.release()

    assert "low rank" in team.main.messages[begun.ts].words


async def test_an_explanation_that_is_canceled_in_the_middle_of_an_edit_is_closed(
    fake: Slack, bob: Person, team: Team, renderer: Renderer
) -> None:
    editing = fake.hold("chat.update")
    web = AsyncWebClient(team.token, base_url=fake.api)

    async def replies() -> AsyncGenerator[Reply, None]:
        yield Reply.of(Explanation("The update has", "model"))
        await asyncio.Event().wait()

    async def stream() -> None:
        async with aiohttp.ClientSession() as session, aclosing(replies()) as drafts:
            responder = Responder(web, session, renderer, channel=team.main.id, user=bob.id)
            await responder.stream(drafts, private=False)

    growing = asyncio.create_task(stream())
    begun = await fake.heard()
    await editing.arrived()
    growing.cancel()
    await asyncio.wait({growing})
    editing.release()

    assert growing.cancelled()
    assert "couldn't finish" in team.main.messages[begun.ts].words


# Direct messages


async def test_text_with_a_file_is_answered(fake: Slack, bob: Person) -> None:
    await bob.writes("what is LoRA", files=["lora.pdf"])
    assert "low-rank" in (await fake.heard()).words
    await bob.writes("streak", files=["lora.pdf"])
    assert "Your streak" in (await fake.heard()).words


async def test_a_thread_reply_also_sent_to_the_channel_is_answered(fake: Slack, bob: Person) -> None:
    await bob.writes("what is LoRA")
    explanation = await fake.heard()
    await bob.writes("why does that save memory?", explanation, subtype="thread_broadcast")
    begun = await fake.heard()

    assert (begun.channel, begun.thread_ts) == (bob.direct.id, explanation.ts)
    assert (await grown(fake)).ts == begun.ts


async def test_editing_a_direct_message_brings_no_new_answer(fake: Slack, bob: Person, program: AsyncExitStack) -> None:
    await bob.writes("what is LoRA")
    await fake.heard()
    await bob.writes("streak", subtype="message_changed")
    await program.aclose()

    assert len(fake.messages.seen) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"subtype": "bot_message", "bot_id": "B1", "username": "robo"},
        {"subtype": "bot_message", "user": "bob"},
        {"subtype": "channel_join", "user": "bob"},
        {"bot_id": "B1", "user": "bob"},
        {"bot_id": "B1", "user": "bob", "subtype": "file_share"},
    ],
    ids=["a bot without a user", "a bot's kind of message", "somebody came", "a bot with a user", "a bot with a file"],
)
async def test_messages_that_nobody_typed_are_not_answered(
    fake: Slack, bob: Person, program: AsyncExitStack, more: dict[str, str]
) -> None:
    if "user" in more:
        more = more | {"user": bob.id}
    await bob.tells("message", channel_type="im", channel=bob.direct.id, ts=fake.clock.ts(), text="streak", **more)
    await program.aclose()

    assert fake.messages.seen == []


async def test_another_bot_that_mentions_the_app_is_not_answered(
    fake: Slack, bob: Person, team: Team, program: AsyncExitStack
) -> None:
    robo = Person.joins(fake, team, "robo", bot=True)
    await robo.mentions("what is LoRA?")
    await bob.mentions("what is LoRA?")
    await program.aclose()

    [answer] = fake.messages.seen
    assert [team.main.messages[answer.thread_ts].user, *fake.calls["users.info"][0].args.values()] == [bob.id, bob.id]


# Guests


@pytest.mark.parametrize("rank", ["admin", "owner"])
async def test_admins_of_another_company_are_not_managers_here(
    fake: Slack, maya: Person, team: Team, rank: str
) -> None:
    elsewhere = fake.team("elsewhere", installed=False)
    eve = Person.joins(fake, elsewhere, "eve", admin=rank == "admin", owner=rank == "owner").visits(team.main)
    await eve.writes("managers list")
    assert "is for managers" in (await fake.heard()).words
    await eve.writes("me")
    assert "Manager\nno" in (await fake.heard()).words

    await maya.writes("managers list")
    assert "No managers have been added yet" in (await fake.heard()).words


# Files


async def test_all_pictures_of_an_answer_come_in_one_message(
    fake: Slack, bob: Person, team: Team, renderer: Renderer
) -> None:
    web = AsyncWebClient(team.token, base_url=fake.api)
    async with aiohttp.ClientSession() as session:
        responder = Responder(web, session, renderer, channel=team.main.id, user=bob.id)
        await responder.send(Reply.of(Text("$$x_1$$ and $$y^2$$")), private=False)
    answer, drawn = await fake.heard(), await fake.heard()

    assert "x₁" in answer.words
    assert [file.alt for file in drawn.files] == ["Formula: x₁", "Formula: y²"]


each_step_of_an_upload = pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("files.getUploadURLExternal", {"error": "file_uploads_disabled"}),
        ("upload", {"status": 500}),
        ("files.completeUploadExternal", {"error": "restricted_action"}),
    ],
    ids=["no address", "no upload", "no end"],
)


@each_step_of_an_upload
async def test_a_refused_picture_does_not_affect_the_rest_of_the_answer(
    fake: Slack, bob: Person, program: AsyncExitStack, step: str, fault: dict[str, object]
) -> None:
    fake.fail(step, **fault)  # type: ignore[arg-type]
    await bob.types("streak picture")
    assert "Your streak" in (await fake.heard()).words
    await bob.types("streak picture")
    assert (await fake.next(fake.files)).name == "picture.png"
    await program.aclose()

    assert fake.faults.waiting == []
    assert len(fake.files.seen) == 1
    assert not [reply for reply in fake.messages.seen if "didn't accept" in reply.words]


@each_step_of_an_upload
async def test_a_refused_export_is_reported(fake: Slack, bob: Person, step: str, fault: dict[str, object]) -> None:
    fake.fail(step, **fault)  # type: ignore[arg-type]
    await bob.types("privacy export")
    replies = [await fake.heard(), await fake.heard()]

    assert any("didn't accept all of my answer" in message.words for message in replies)
    assert {message.reader for message in replies} == {bob.id}
    assert fake.files.seen == []


# Where the response_url fails


@pytest.mark.parametrize("joined", [True, False], ids=["in the channel", "not in it"])
async def test_a_form_that_was_open_for_long_is_still_answered(
    fake: Slack, bob: Person, team: Team, joined: bool
) -> None:
    form, _ = await opens_form(fake, bob)
    team.main.joined = joined
    fake.clock.forward(LIVES + 1)
    await bob.sends(form, OWN_WORDS)
    reply = await fake.heard()

    assert "The reference" in reply.words
    assert (reply.channel, reply.reader) == ((team.main.id, bob.id) if joined else (bob.direct.id, ""))


@pytest.mark.parametrize("joined", [True, False], ids=["in the channel", "not in it"])
async def test_a_used_up_response_url_still_leaves_a_way_to_answer(
    fake: Slack, bob: Person, team: Team, joined: bool
) -> None:
    form, url = await opens_form(fake, bob)
    team.main.joined = joined
    for number in range(USES):
        async with fake.courier.session.post(url, json={"text": f"Number {number}"}) as answer:
            assert answer.status == 200
        await fake.heard()
    await bob.sends(form, OWN_WORDS)
    reply = await fake.heard()

    assert "The reference" in reply.words
    assert (reply.channel, reply.reader) == ((team.main.id, bob.id) if joined else (bob.direct.id, ""))


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 500}, {"after": 30}], ids=["404", "500", "429"])
@pytest.mark.parametrize("joined", [True, False], ids=["in the channel", "not in it"])
async def test_a_refusing_response_url_still_leaves_a_way_to_answer(
    fake: Slack, bob: Person, team: Team, joined: bool, fault: dict[str, int]
) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    team.main.joined = joined
    fake.fail("response_url", **fault)  # type: ignore[arg-type]
    await bob.presses(asked, "A")
    reply = await fake.heard()

    assert "Right!" in reply.words or "Not this time." in reply.words
    assert (reply.channel, reply.reader) == ((team.main.id, bob.id) if joined else (bob.direct.id, ""))


@pytest.mark.parametrize("where", ["a public channel", "a private channel", "two members' conversation"])
@pytest.mark.parametrize(("command", "words"), [("leaderboard", "Nobody has earned points"), ("streak", "Your streak")])
async def test_a_late_answer_outside_the_apps_channels_comes_by_direct_message(
    *, fake: Slack, bob: Person, maya: Person, team: Team, where: str, command: str, words: str
) -> None:
    places = {
        "a public channel": fake.channel(team, "open", joined=False),
        "a private channel": fake.channel(team, "secret", private=True, joined=False),
        "two members' conversation": between(fake, bob, maya),
    }
    places[where].members.add(bob.id)
    asking = fake.hold("users.info")
    fake.fail("response_url", status=404)
    typing = asyncio.create_task(bob.types(command, places[where]))
    await asking.arrived()
    forward(ACK_TIMEOUT)
    assert (await typing).body == ""
    asking.release()
    reply = await fake.heard()

    assert words in reply.words
    assert (reply.channel, reply.reader) == (bob.direct.id, "")


# Text as it was typed


@pytest.mark.parametrize("typed", ["types", "writes"])
async def test_a_name_is_stored_as_it_was_typed(fake: Slack, bob: Person, typed: str) -> None:
    says = bob.types if typed == "types" else bob.writes
    for name in ("R&amp;D &lt;3 &gt;_&lt;", "<https://lab.example/a?b=1&amp;c=2|lab.example>", "&amp;lt;"):
        await says(f"team create {name}")
        assert "is set up" in (await fake.heard()).words
    await says("team list")
    listed = (await fake.heard()).words

    if typed == "types":  # an acknowledgment has no table, whose cells need no escaping
        listed = unescape(listed).replace("\u200b", "").replace("＿", "_")
    for name in ("R&D <3 >_<", "https://lab.example/a?b=1&c=2", "&lt;"):
        assert name in listed


async def test_a_member_can_be_mentioned_in_a_direct_message(fake: Slack, bob: Person, maya: Person) -> None:
    await bob.writes("streak")
    await fake.heard()
    await maya.writes(f"managers add <@{bob.id}>")
    assert "bob is now a manager" in (await fake.heard()).words
    await maya.writes(f"managers remove <@{bob.id}|bob>")
    assert "bob is no longer a manager" in (await fake.heard()).words


async def test_a_question_in_a_mention_is_stored_as_it_was_typed(fake: Slack, bob: Person, app: App) -> None:
    await bob.mentions("what is LoRA for r &lt; d &amp; alpha &gt; 1? <https://arxiv.org/abs/2106.09685|arxiv.org>")
    await fake.heard()
    await grown(fake)
    [explanation] = await app.study.store.query(all_rows, tables.explanations)

    assert explanation["request_text"] == "what is LoRA for r < d & alpha > 1? https://arxiv.org/abs/2106.09685"
