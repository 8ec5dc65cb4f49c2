"""When Slack refuses how an answer looks, its text is sent plainly; and nothing ends in silence."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import App
from bot.context.identity import Location
from bot.platforms.slack.listeners import ACK_TIMEOUT
from bot.platforms.slack.render import render, render_answer
from bot.replies import Explanation, Reply, Table, Text
from tests.clocks import forward
from tests.platforms.model import Model
from tests.platforms.slack.fake import Person, Slack, Team, blocks

REFUSALS = ["invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "invalid_attachments"]
RICH = Reply.of(
    Text("**Low rank** saves memory, as [LoRA](https://example.org) has it.\n\n```python\nx = 1\n```", title="LoRA"),
    Table(("Name", "Ranks"), (("LoRA", "8"), ("DoRA", "16")), "Methods"),
)


def test_answers_have_no_blocks_that_only_posts_take() -> None:
    [posted], [answered] = render(RICH), render_answer(RICH)
    posted_kinds = {block["type"] for block in posted.blocks}
    answered_kinds = {block["type"] for block in answered.blocks}

    assert posted_kinds >= {"markdown", "table"}
    assert not answered_kinds & set(blocks.ONLY_POSTS)
    assert [problem.text for problem in blocks.message(answered.blocks, answered.text, posted=False)] == []
    for words in ("LoRA", "saves memory", "https://example.org", "x = 1", "DoRA", "16"):
        assert words in str(answered.blocks)


def test_a_long_answer_is_whole_without_markdown_blocks() -> None:
    text = "\n\n".join(f"Paragraph {number} says *something* in `code`." * 12 for number in range(60))
    answered = render_answer(Reply.of(Explanation(text, "model", done=True)))
    words = "".join(str(message.blocks) for message in answered)

    assert all(f"Paragraph {number} " in words for number in range(60))
    for message in answered:
        assert [problem.text for problem in blocks.message(message.blocks, message.text, posted=False)] == []


async def test_a_late_answer_has_no_markdown_block(fake: Slack, bob: Person) -> None:
    asking = fake.hold("users.info")
    typing = asyncio.create_task(bob.types("ask what is LoRA"))
    await asking.arrived()
    forward(ACK_TIMEOUT)
    await typing
    asking.release()

    assert "low-rank" in (await fake.heard()).words.lower()


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("error", REFUSALS)
async def test_refused_blocks_at_a_response_url_become_text(
    *, fake: Slack, bob: Person, team: Team, error: str, status: int
) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    fake.hooks.status_of_refusals = status
    fake.fail("response_url", error=error)
    await bob.presses(asked, "A")
    reply = await fake.heard()

    assert (reply.channel, reply.reader, reply.blocks) == (team.main.id, bob.id, [])
    assert "Right!" in reply.text or "Not this time." in reply.text


async def test_a_response_url_that_takes_no_text_either_gets_one_sentence(fake: Slack, bob: Person) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    fake.fail("response_url", error="msg_too_long", times=2)
    await bob.presses(asked, "A")

    assert "Slack refused to show" in (await fake.heard()).text


@pytest.mark.parametrize("error", REFUSALS)
async def test_refused_blocks_in_a_direct_message_become_text(fake: Slack, bob: Person, error: str) -> None:
    fake.fail("chat.postMessage", error=error)
    await bob.writes("streak")
    reply = await fake.heard()

    assert reply.blocks == []
    assert "streak" in reply.text.lower()


async def test_what_slack_refuses_in_any_form_is_told_in_one_sentence(fake: Slack, bob: Person) -> None:
    fake.fail("chat.postMessage", error="msg_too_long", times=2)
    await bob.writes("streak")

    assert "Slack refused to show" in (await fake.heard()).text


async def test_refused_blocks_that_only_one_member_sees_become_text(fake: Slack, bob: Person, team: Team) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    fake.fail("response_url", status=404)
    fake.fail("chat.postEphemeral", error="invalid_blocks")
    await bob.presses(asked, "A")
    reply = await fake.heard()

    assert (reply.channel, reply.reader, reply.blocks) == (team.main.id, bob.id, [])


async def test_an_explanation_whose_last_edit_is_refused_is_edited_as_text(
    fake: Slack, bob: Person, model: Model
) -> None:
    fake.fail("chat.update", error="invalid_blocks", times=1)
    model.enough = lambda: True
    await bob.types("explain what is LoRA")
    edited = await fake.next(fake.edits)
    while "low-rank update" not in edited.text:
        edited = await fake.next(fake.edits)

    assert len(fake.messages.seen) == 2  # the message that grew and the pointer to it


@pytest.mark.parametrize("error", REFUSALS)
async def test_a_refused_post_becomes_text(fake: Slack, team: Team, running: str, app: App, error: str) -> None:
    place = Location("slack", team.id, team.main.id)
    outbox = app.study.outboxes["slack"]
    fake.fail("chat.postMessage", error=error)
    ref = await outbox.post(place, RICH, "key-1")
    posted = team.main.messages[ref]
    assert posted.blocks == []
    assert "saves memory" in posted.text

    ref = await outbox.post(place, RICH, "key-2")
    assert team.main.messages[ref].blocks
    fake.fail("chat.update", error=error)
    await outbox.edit(place, ref, Reply.of(Text("Something else")))
    assert (team.main.messages[ref].text, team.main.messages[ref].blocks) == ("Something else", [])


async def test_a_long_text_is_whole_without_its_blocks(fake: Slack, team: Team, running: str, app: App) -> None:
    place = Location("slack", team.id, team.main.id)
    text = "\n\n".join(f"Paragraph {number} says something." * 3 for number in range(80))
    fake.fail("chat.postMessage", error="invalid_blocks")
    ref = await app.study.outboxes["slack"].post(place, Reply.of(Text(text)), "key")
    posted = team.main.messages[ref]

    assert posted.blocks == []
    assert all(f"Paragraph {number} " in posted.text for number in range(80))


@pytest.mark.parametrize("error", ["invalid_arguments", "view_too_large", "invalid_blocks"])
async def test_a_refused_form_is_explained_and_not_offered_again(fake: Slack, maya: Person, error: str) -> None:
    fake.fail("views.open", error=error)
    await maya.types("schedule setup")
    reply = await fake.heard()

    assert "Slack refused to show" in reply.words
    assert "in time" not in reply.words
    assert "/study help schedule setup" in reply.words
    assert reply.buttons == []


@pytest.mark.parametrize("error", ["invalid_arguments", "view_too_large", "invalid_blocks"])
async def test_a_refused_home_says_so(fake: Slack, bob: Person, error: str) -> None:
    fake.fail("views.publish", error=error)
    await bob.opens_home()
    shown = await fake.next(fake.published)

    assert "Slack refused to show" in shown.words
    assert "/study me" in shown.words
