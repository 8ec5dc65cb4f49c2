"""Everything that Slack sends, delivered several times: at once and later, to one process and to two on one database.

What it does is done once, and members see it once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bot.app import App
from bot.context.library import Library
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.platforms.slack.app import Credentials
from bot.platforms.slack.listeners import Listeners
from bot.platforms.slack.manifest import EVENTS
from bot.store import tables
from tests.platforms.model import Model
from tests.platforms.slack.conftest import by_socket, count_rows, installed, opened, over_http
from tests.platforms.slack.fake import Message, Person, Slack, Team, View
from tests.platforms.slack.fake.delivery import COMMAND
from tests.platforms.slack.fake.sockets import Loss

MINUTE = 60
TABLES = {
    name: table for name, table in vars(tables).items() if name.islower() and hasattr(table, "c") and name[0] != "_"
}
BOOKKEEPING = {"processed_requests", "kept_requests"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Two processes of the app on one database, and who uses them."""

    fake: Slack
    team: Team
    app: App
    model: Model
    bob: Person
    maya: Person
    running: AsyncExitStack
    """Closed early, the processes finish what they're doing."""
    addresses: list[str]

    async def question(self) -> Message:
        await self.bob.types("question fine-tuning")
        return await self.fake.heard()

    async def card(self) -> Message:
        await self.maya.types("schedule setup 09:00 zone=UTC")
        return await self.fake.heard()

    async def form(self) -> View:
        await self.maya.types("schedule setup")
        return await self.fake.next(self.fake.views)

    async def home(self) -> View:
        await self.bob.opens_home()
        return await self.fake.next(self.fake.published)

    async def explanation(self) -> Message:
        await self.bob.types("explain what is LoRA")
        while "Ask more" not in (edited := await self.fake.next(self.fake.edits)).buttons:
            pass
        return edited

    async def chat(self) -> Message:
        self.bob.chats("Our GAN makes the same face over and over.")
        return self.team.main.last

    async def expelled(self) -> None:
        await self.card()
        self.fake.expel(self.team)

    async def rows(self) -> Counter[str]:
        """Return the number of rows of each table, without the tables about requests themselves."""
        return await self.app.study.store.query(_count_all)

    def seen(self) -> Counter[str]:
        """Return how much members have seen; what's edited or published in the same words again is the same."""
        fake = self.fake
        return Counter(
            messages=len(fake.messages.seen),
            edited=len({message.key for message in fake.edits.seen}),
            forms=len(fake.views.seen),
            homes=len({call.text("view") for call in fake.calls["views.publish"]}),
            explained=len(self.model.asked),
        )


def _count_all(connection: Connection) -> Counter[str]:
    return Counter({name: count_rows(connection, table) for name, table in TABLES.items() if name not in BOOKKEEPING})


async def nothing(_: Scene) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request: its listener, what has to be there before, what somebody does, and what it changes."""

    listener: str
    does: Callable[[Scene, Any], Awaitable[Any]]
    before: Callable[[Scene], Awaitable[Any]] = nothing
    stored: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    event: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.listener


CASES = [
    Case("command", lambda s, _: s.bob.types("question vae easy"), seen={"messages": 1}, stored={"rounds": 1}),
    Case("command", lambda s, _: s.maya.types("schedule setup"), seen={"forms": 1}, name="command with a form"),
    Case(
        "command",
        lambda s, _: s.bob.types("explain what is LoRA"),
        seen={"messages": 2, "edited": 1, "explained": 1},
        stored={"explanations": 1},
        name="command that streams",
    ),
    Case(
        "button",
        lambda s, shown: s.bob.presses(shown, "A"),
        Scene.question,
        seen={"messages": 1},
        stored={"answers": 1},
    ),
    Case(
        "menu",
        lambda s, card: s.maya.picks(card, "pick schedule change s1 thread=", "on"),
        Scene.card,
        seen={"edited": 1},
    ),
    Case(
        "menu",
        lambda s, home: s.bob.picks(home, "pick me rest_days=", "sat", "sun"),
        Scene.home,
        seen={"homes": 1},
        stored={"rest_days": 1},
        name="menu at home",
    ),
    Case(
        "form",
        lambda s, form: s.maya.sends(form, {"where": s.team.main.id, "time": "09:00"}),
        Scene.form,
        seen={"messages": 1},
        stored={"schedules": 1},
    ),
    Case("options", lambda s, form: s.maya.looks_up(form, "zone", "par"), Scene.form),
    Case(
        "shortcut", lambda s, said: s.bob.chooses("quiz", said), Scene.chat, seen={"messages": 1}, stored={"rounds": 1}
    ),
    Case("practice", lambda s, _: s.bob.chooses("practice"), seen={"messages": 1}, stored={"rounds": 1}),
    Case(
        "mention",
        lambda s, _: s.bob.mentions("what is LoRA?"),
        seen={"messages": 1, "edited": 1, "explained": 1},
        stored={"explanations": 1},
        event="app_mention",
    ),
    Case(
        "message",
        lambda s, _: s.bob.writes("question vae easy"),
        seen={"messages": 1},
        stored={"rounds": 1},
        event="message.im",
    ),
    Case(
        "message",
        lambda s, explained: s.bob.writes("why does that save memory?", thread=explained),
        Scene.explanation,
        seen={"messages": 1, "edited": 1, "explained": 1},
        stored={"explanations": 1},
        name="message in a thread",
    ),
    Case("home", lambda s, _: s.bob.opens_home(), seen={"homes": 1}, event="app_home_opened"),
    Case(
        "uninstalled",
        lambda s, _: s.maya.tells("app_uninstalled"),
        Scene.expelled,
        stored={"slack_installations": -1, "schedules": 0},
        event="app_uninstalled",
    ),
    Case(
        "revoked",
        lambda s, _: s.maya.tells("tokens_revoked", tokens={"oauth": [], "bot": [s.team.me.id]}),
        Scene.expelled,
        stored={"slack_installations": -1, "schedules": 0},
        event="tokens_revoked",
    ),
]


class Registered:
    """What the listeners are registered for, in place of a Bolt app."""

    def __init__(self) -> None:
        self.listeners: set[str] = set()

    def __getattr__(self, kind: str) -> Callable[[object], Callable[[Callable[..., object]], None]]:
        return lambda _: lambda listener: self.listeners.add(listener.__name__.removeprefix("_on_"))


def test_there_is_a_case_for_every_kind_of_request(app: App) -> None:
    unused: Any = None
    registered: Any = Registered()
    Listeners(app, unused, unused, BackgroundTasks()).listen(registered)

    assert {case.listener for case in CASES} == registered.listeners
    assert {case.event for case in CASES if case.event} == set(EVENTS)


@pytest.fixture
async def scene(*, app: App, fake: Slack, url: str, library: Library, model: Model) -> AsyncIterator[Scene]:
    credentials = Credentials(fake.signing_secret, client_id=fake.client_id, client_secret=fake.client_secret)
    team = await installed(fake, app)
    bob, maya = Person.joins(fake, team, "bob"), Person.joins(fake, team, "maya", owner=True)
    async with (
        opened(fake, url, library, busy_ms=60_000, inference=app.study.inference) as other,
        AsyncExitStack() as running,
    ):
        addresses = [await running.enter_async_context(over_http(each, credentials, fake)) for each in (app, other)]
        fake.point_at(addresses[0])
        yield Scene(fake, team, app, model, bob, maya, running, addresses)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_is_delivered_several_times_is_done_once(
    case: Case, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    courier, (one, two) = scene.fake.courier, scene.addresses
    given = await case.before(scene)
    rows, seen, earlier = await scene.rows(), scene.seen(), len(courier.sent)

    with capture_logs() as logs:
        courier.copies = (two, one, two)
        await case.does(scene, given)
        first = courier.sent[-1]
        scene.fake.clock.forward(MINUTE)
        await courier.redeliver(first)
        await scene.running.aclose()

    stored = await scene.rows()
    assert {name: stored[name] - rows[name] for name in case.stored} == case.stored
    assert scene.seen() - seen == case.seen
    assert sum(bool(ack.body) for ack in courier.sent[earlier:] if ack.sent.kind == COMMAND) <= 1
    assert await scene.app.study.store.query(count_rows, tables.kept_requests) == 0
    assert [line for line in logs if line["log_level"] not in ("debug", "info")] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_second_delivery_does_not_keep_the_request_once_the_first_is_carried_out(scene: Scene) -> None:
    fake = scene.fake
    posting = fake.hold("chat.postMessage")
    mentioned = await scene.bob.mentions("what is LoRA?")
    await posting.arrived()
    await fake.courier.redeliver(mentioned)
    assert await scene.app.study.store.query(count_rows, tables.kept_requests) == 1
    posting.release()
    await scene.running.aclose()

    assert await scene.app.study.store.query(count_rows, tables.kept_requests) == 0


IN_EVERY_WAY = [case for case in CASES if str(case) in ("command", "button", "form", "options", "message")]
"""A case for each way of acknowledging an envelope: with the answer, empty, checked first, with suggestions."""


@pytest.mark.parametrize("loss", ["connection", "acknowledgment"])
@pytest.mark.parametrize("case", IN_EVERY_WAY, ids=str)
async def test_an_envelope_lost_with_its_connection_is_carried_out_once(
    *, case: Case, loss: Loss, app: App, fake: Slack, team: Team, model: Model
) -> None:
    bob, maya = Person.joins(fake, team, "bob"), Person.joins(fake, team, "maya", owner=True)
    async with AsyncExitStack() as running:
        await running.enter_async_context(by_socket(fake, team, app))
        scene = Scene(fake, team, app, model, bob, maya, running, [])
        given = await case.before(scene)
        rows, seen = await scene.rows(), scene.seen()
        fake.sockets.loses = loss
        await case.does(scene, given)
        await running.aclose()

    stored = await scene.rows()
    assert {name: stored[name] - rows[name] for name in case.stored} == case.stored
    assert scene.seen() - seen == case.seen
    assert await app.study.store.query(count_rows, tables.kept_requests) == 0
