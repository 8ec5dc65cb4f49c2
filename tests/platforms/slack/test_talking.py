"""Talking to the app on Slack: mentions in threads, direct messages, and what is shared with a channel."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

from bot.app import App
from bot.platforms.slack.app import SHUTDOWN_TIMEOUT
from bot.store import tables
from bot.store.models import StoredExplanation
from tests.clocks import forward
from tests.platforms.model import Model
from tests.platforms.slack.conftest import all_rows
from tests.platforms.slack.fake import Message, Person, Slack, Team


async def finished(fake: Slack) -> Message:
    """Wait for the whole explanation."""
    while "Ask more" not in (edited := await fake.next(fake.edits)).buttons:
        pass
    return edited


async def explained(app: App) -> list[StoredExplanation]:
    return StoredExplanation.all(await app.study.store.query(all_rows, tables.explanations))


async def test_a_thread_continues_from_its_explanation(fake: Slack, bob: Person, maya: Person, app: App) -> None:
    await bob.mentions("what is LoRA?")
    first = await finished(fake)
    await maya.mentions("why does that save memory?", thread=first)
    await finished(fake)
    await bob.mentions("what is LoRA?")
    await finished(fake)

    lora, why, anew = await explained(app)
    assert why.parent_id == lora.id
    assert anew.parent_id is None


async def test_a_private_explanation_is_not_continued_in_public(fake: Slack, bob: Person, app: App) -> None:
    await bob.types("explain what is LoRA")
    await finished(fake)
    await bob.mentions("why does that save memory?")
    await finished(fake)

    assert [explanation.parent_id for explanation in await explained(app)] == [None, None]


async def test_a_direct_message_thread_continues_from_its_explanation(fake: Slack, bob: Person, app: App) -> None:
    await bob.types("explain what is LoRA")
    first = await finished(fake)
    await bob.writes("why does that save memory?", thread=first)
    second = await finished(fake)

    lora, why = await explained(app)
    assert why.parent_id == lora.id
    assert not why.is_public
    assert second.thread_ts == first.ts
    assert "Share" in second.buttons


async def test_a_private_explanation_can_be_shared_with_a_chosen_channel(
    fake: Slack, bob: Person, team: Team, app: App
) -> None:
    papers = fake.channel(team, "papers", joined=False)
    papers.members.add(bob.id)
    await bob.types("explain what is LoRA")
    await bob.presses(await finished(fake), "Share")
    await bob.sends(await fake.next(fake.views), {"where": papers.id})
    while (shared := await fake.heard()).channel != papers.id:
        pass

    assert not shared.reader
    assert "Shared by bob" in shared.words
    assert "low-rank update" in shared.words
    papers.joined = True
    await bob.mentions("why does that save memory?", papers, thread=shared)
    await finished(fake)
    _, copy, why = await explained(app)
    assert copy.is_public
    assert why.parent_id == copy.id


async def test_private_explanations_are_not_context_for_public_ones(
    fake: Slack, bob: Person, team: Team, model: Model
) -> None:
    await bob.types("explain what is LoRA? I never understood adapters")
    await bob.presses(await finished(fake), "Ask more")
    await bob.sends(await fake.next(fake.views), {"text": "why does that save memory?"})
    await bob.presses(await finished(fake), "Share")
    await bob.sends(await fake.next(fake.views), {"where": team.main.id})
    while (shared := await fake.heard()).channel != team.main.id or shared.reader:
        pass
    await bob.mentions("and the rank of LoRA?", thread=shared)
    await finished(fake)

    _, alone, before_all = model.asked
    assert "I never understood adapters" in alone
    assert "why does that save memory?" in before_all
    assert "I never understood adapters" not in before_all


async def test_editing_a_mention_brings_no_new_answer(
    fake: Slack, bob: Person, team: Team, program: AsyncExitStack
) -> None:
    await bob.mentions("what is LoRA?")
    await finished(fake)
    await bob.mentions("what is LoRA exactly?", subtype="message_changed")
    await program.aclose()

    assert len(fake.calls["chat.postMessage"]) == 1


async def test_only_the_member_who_asked_sees_a_refusal(bob: Person) -> None:
    said = (await bob.types("leaderboard forever")).json

    assert said["response_type"] == "ephemeral"
    assert "forever" in json.dumps(said)


async def test_an_explanation_cut_short_by_a_shutdown_says_so(
    fake: Slack, bob: Person, program: AsyncExitStack, model: Model
) -> None:
    model.enough = lambda: False
    await bob.mentions("what is LoRA?")
    begun = await fake.heard()
    await fake.next(fake.edits)
    closing = asyncio.create_task(program.aclose())
    while "being restarted" not in bob.team.main.messages[begun.ts].words:
        assert not closing.done()
        forward(SHUTDOWN_TIMEOUT / 200)
        await asyncio.sleep(0.02)
    await closing
