"""Edits share one pace in each workspace, because Slack limits chat.update there and not by message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import App
from bot.context.identity import Location
from bot.drawing.renderer import Renderer
from bot.platforms.slack.responder import Responder
from bot.platforms.slack.throttle import EDIT_INTERVAL, Throttle
from bot.replies import Explanation, Notice, Reply
from tests.clocks import forward, reach_limits
from tests.platforms.slack.fake import Person, Slack, Team
from tests.platforms.slack.fake.limits import TIERS

TURN = ("T1", "edit")
INTERVAL = 100.0
"""Seconds between two turns, so many that no stall of the machine matters."""


def test_the_pace_is_within_slacks_limit() -> None:
    assert TIERS[3] > 60 / EDIT_INTERVAL


async def test_turns_come_in_order_and_not_too_close(fake: Slack) -> None:
    throttle, now = Throttle(), asyncio.get_running_loop().time
    began, begun = now(), list[tuple[int, float]]()

    async def one(number: int) -> None:
        await throttle.turn(INTERVAL, *TURN)
        begun.append((number, now()))

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    for task in tasks:
        await reach_limits(task, 10)

    assert [number for number, _ in begun] == list(range(5))
    assert all(at - began >= number * INTERVAL for number, at in begun)


async def test_drafts_yield_to_everything_else(fake: Slack) -> None:
    throttle, begun = Throttle(), list[str]()

    async def one(name: str, *, draft: bool) -> None:
        await throttle.turn(INTERVAL, *TURN, draft=draft)
        begun.append(name)

    await one("now", draft=True)
    tasks = [asyncio.create_task(one(name, draft=True)) for name in ("draft 1", "draft 2")]
    tasks += [asyncio.create_task(one(name, draft=False)) for name in ("final 1", "final 2")]
    for task in tasks:
        await reach_limits(task, 10)

    assert begun == ["now", "final 1", "final 2", "draft 1", "draft 2"]


async def test_a_turn_that_is_no_longer_wanted_holds_up_nobody(fake: Slack) -> None:
    throttle = Throttle()
    await throttle.turn(INTERVAL, *TURN)
    first, second = (asyncio.create_task(throttle.turn(INTERVAL, *TURN)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    before = asyncio.get_running_loop().time()
    await reach_limits(second, 10)

    assert asyncio.get_running_loop().time() - before < 2 * INTERVAL


async def test_a_hanging_edit_does_not_hold_up_the_next(fake: Slack, team: Team, app: App, running: str) -> None:
    outbox = app.study.outboxes["slack"]
    place = Location("slack", team.id, team.main.id)
    refs = [await outbox.post(place, Reply.of(Notice(f"Number {n}")), f"key-{n}") for n in range(2)]
    hanging = fake.hold("chat.update")
    one = asyncio.create_task(outbox.edit(place, refs[0], Reply.of(Notice("First"))))
    await hanging.arrived()
    other = asyncio.create_task(outbox.edit(place, refs[1], Reply.of(Notice("Second"))))
    forward(EDIT_INTERVAL)
    edited = await fake.next(fake.edits)

    assert (edited.ts, edited.words) == (refs[1], "Second")
    hanging.release()
    await asyncio.gather(one, other)


async def test_explanations_at_once_stay_within_slacks_limit_and_end_whole(
    fake: Slack, team: Team, app: App, running: str, renderer: Renderer
) -> None:
    """Six explanations grow, and counts are edited; with tier 3 applied, no call is refused and no final text lost."""
    fake.rates.on = True
    client = AsyncWebClient(team.token, base_url=fake.api)
    outbox, place = app.study.outboxes["slack"], Location("slack", team.id, team.main.id)
    refs = [await outbox.post(place, Reply.of(Notice(f"Count {n}")), f"key-{n}") for n in range(3)]
    people = [Person.joins(fake, team, f"reader-{n}") for n in range(6)]
    throttle = Throttle()

    async def replies(number: int) -> AsyncGenerator[Reply, None]:
        for word in range(30):
            yield Reply.of(Explanation(f"Draft {number} {word}", "model", done=False))
            await asyncio.sleep(1.0)
        yield Reply.of(Explanation(f"The whole of {number}", "model"))

    async with aiohttp.ClientSession() as session:
        growing = [
            Responder(client, session, renderer, person.direct.id, person.id, throttle=throttle, team=team.id).stream(
                replies(number), private=True
            )
            for number, person in enumerate(people)
        ]
        await asyncio.gather(*growing)
    await asyncio.gather(*(outbox.edit(place, ref, Reply.of(Notice("Counted"))) for ref in refs))

    assert {call.error for call in fake.calls["chat.update"]} == {""}
    for number, person in enumerate(people):
        assert f"The whole of {number}" in person.direct.last.words
        assert len(person.direct.messages) == 1
    assert all(team.main.messages[ref].words == "Counted" for ref in refs)


async def test_a_draft_that_comes_too_soon_is_dropped_and_the_final_text_waits_for_slack(
    fake: Slack, team: Team, running: str, renderer: Renderer
) -> None:
    ada = Person.joins(fake, team, "ada")
    web = AsyncWebClient(team.token, base_url=fake.api)
    fake.fail("chat.update", after=2)

    async def replies() -> AsyncGenerator[Reply, None]:
        yield Reply.of(Explanation("A draft", "model", done=False))
        while not fake.calls["chat.update"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield Reply.of(Explanation("The whole text", "model"))

    async with aiohttp.ClientSession() as session:
        responder = Responder(web, session, renderer, ada.direct.id, ada.id, patient=web, team=team.id)
        await responder.stream(replies(), private=True)
    refused, edited = fake.calls["chat.update"]

    assert (refused.status, edited.status) == (429, 200)
    assert edited.at - refused.at >= 2
    assert "The whole text" in ada.direct.last.words
    assert len(ada.direct.messages) == 1
