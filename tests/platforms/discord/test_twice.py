"""Everything that Discord sends, delivered several times: at once and later, to one process and to two on one database.

Two processes with the same shards get everything, for example while a new version replaces an old one. What it does is
done once, and members see it once.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from discord import AppCommandType, InteractionType
from sqlalchemy import Connection, func, select
from structlog.testing import capture_logs

from bot.app import App, TerminalPosts
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import Outbox, PostExtras
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.drawing.renderer import Renderer
from bot.inference.client import Inference
from bot.platforms.discord.client import StudyClient, connected
from bot.store import tables
from bot.store.engine import Store
from tests.databases import SqliteDatabases
from tests.platforms.discord.fake import Channel, Discord, Guild, Interaction, Message, Person, met
from tests.platforms.model import Model

MINUTE = 60
FORM = 9
"""The type of the response that opens a form."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Two processes of the bot on one database, and who uses them."""

    discord: Discord
    papers: Channel
    outboxes: list[Outbox]
    path: str
    """Where the database is."""
    store: Store
    model: Model
    bob: Person
    maya: Person
    running: AsyncExitStack

    async def question(self) -> Message:
        return await self._answer(self.bob.slash(self.papers, "question", topic="vae"))

    async def card(self) -> Message:
        return await self._answer(self.maya.slash(self.papers, "schedule setup", time="09:00"))

    async def form(self) -> Interaction:
        return await self.bob.slash(self.papers, "team create").answered()

    async def message(self) -> Message:
        self.papers.messages.clear()
        return self.bob.says(self.papers, "Our GAN makes the same face over and over.")

    async def invited(self) -> Guild:
        """Make a server that the bot isn't told about yet."""
        await self.ready()
        guild = self.discord.guild("Newcomers")
        guild.system_channel = self.discord.channel(guild, "lobby")
        return guild

    async def ready(self) -> None:
        """Wait until both processes know all their servers, and the one that was there before has been greeted."""
        unknown = Location("discord", "1", "1")
        for outbox in self.outboxes:  # a process that isn't ready can't tell that it isn't in a server
            while not await outbox.missing_permissions(unknown, PostExtras()):  # noqa: ASYNC110 (discord.py tells nobody)
                await asyncio.sleep(0.01)
        await self.discord.until(lambda: bool(self.greetings))

    @property
    def greetings(self) -> list[Message]:
        """What the owner of the first server was told."""
        return list(self.discord.conversation(self.guild.owner).messages.values())

    @property
    def guild(self) -> Guild:
        assert self.papers.guild is not None
        return self.papers.guild

    async def _answer(self, asked: Interaction) -> Message:
        answered = await asked.answered()
        assert answered.message is not None
        return answered.message

    async def settled(self) -> None:
        """Wait until both processes have got everything that was sent before."""
        await self.answered(self.bob.completes(self.papers, "question", option="topic", typed="vae"), times=2)

    async def answered(self, asked: Interaction, times: int) -> None:
        """Wait until the processes have answered so often, whether or not Discord took it."""
        path = f"/interactions/{asked.id}/[^/]+/callback"
        await self.discord.until(lambda: sum(bool(call.status) for call in self.discord.asked("POST", path)) == times)

    async def rows(self) -> Counter[str]:
        return await self.store.query(_count_all)

    def seen(self) -> Counter[str]:
        """Return how many messages and forms members have seen."""
        interactions, channels = self.discord.interactions.values(), self.discord.channels.values()
        shown = {message.id for channel in channels for message in channel.messages.values()}
        shown |= {m.id for i in interactions for m in (i.message, *i.followups) if m is not None}
        forms = sum(i.callback is not None and i.callback["type"] == FORM for i in interactions)
        return Counter(messages=len(shown), forms=forms, explained=len(self.model.asked))


TABLES = {name: table for name, table in vars(tables).items() if name.islower() and hasattr(table, "c")}


def _count_all(connection: Connection) -> Counter[str]:
    return Counter({n: connection.execute(select(func.count()).select_from(t)).scalar_one() for n, t in TABLES.items()})


async def nothing(_: Scene) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of event: what has to be there before, what somebody does, and what it changes.

    `says` is in the answer.
    """

    kind: str
    does: Callable[[Scene, Any], Any]
    before: Any = nothing
    stored: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    says: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.kind


CASES = [
    Case(
        "chat_input",
        lambda s, _: s.bob.slash(s.papers, "question", topic="vae"),
        stored={"rounds": 1},
        seen={"messages": 1},
        says="Practice",
        name="command",
    ),
    Case(
        "chat_input",
        lambda s, _: s.bob.slash(s.papers, "team create", name="Blue"),
        stored={"teams": 1},
        seen={"messages": 1},
        says="Team Blue is set up",
        name="command that can be done once",
    ),
    Case(
        "chat_input", lambda s, _: s.bob.slash(s.papers, "team create"), seen={"forms": 1}, name="command with a form"
    ),
    Case(
        "chat_input",
        lambda s, _: s.bob.slash(s.papers, "explain", text="what is LoRA"),
        stored={"explanations": 1},
        seen={"messages": 1, "explained": 1},
        says="low-rank update",
        name="command that streams",
    ),
    Case("autocomplete", lambda s, _: s.bob.completes(s.papers, "question", option="topic", typed="vae")),
    Case(
        "component",
        lambda s, asked: s.bob.press(asked, "A"),
        Scene.question,
        stored={"answers": 1},
        seen={"messages": 1},
        says="The reference",
        name="button",
    ),
    Case(
        "component",
        lambda s, card: s.maya.choose(card, "schedule change s1 thread=", "on"),
        Scene.card,
        says="Saved.",
        name="menu",
    ),
    Case(
        "modal_submit",
        lambda s, form: s.bob.submit(form, name="Blue"),
        Scene.form,
        stored={"teams": 1},
        seen={"messages": 1},
        says="Team Blue is set up",
    ),
    Case(
        "message",
        lambda s, said: s.bob.chooses(s.papers, "Quiz me on this", said),
        Scene.message,
        stored={"rounds": 1},
        seen={"messages": 1},
        says="Practice",
        name="menu of a message",
    ),
    Case(
        "user",
        lambda s, _: s.bob.chooses(s.papers, "Study profile", s.maya),
        seen={"messages": 1},
        name="menu of a member",
    ),
    Case(
        "on_message",
        lambda s, _: s.bob.says(s.papers, f"<@{s.discord.me.id}> what is LoRA"),
        stored={"explanations": 1},
        seen={"messages": 2, "explained": 1},
    ),
    Case(
        "on_guild_join",
        lambda s, guild: s.discord.join(guild),
        Scene.invited,
        stored={"workspaces": 1},
        seen={"messages": 1},
    ),
    Case("on_guild_remove", lambda s, _: s.discord.part_with(s.guild), Scene.card, stored={"schedules": 0}),
]


def present(discord: Discord) -> datetime:
    return datetime.fromtimestamp(discord.clock.now(), UTC)


@pytest.fixture
async def scene(
    *, sqlite_template: Path, tmp_path: Path, library: Library, model: Model, renderer: Renderer
) -> AsyncIterator[Scene]:
    await library.search("lora")
    url = SqliteDatabases(sqlite_template, tmp_path).with_tables()
    async with met() as discord, model.listening() as address, AsyncExitStack() as stores:
        papers = discord.channel(discord.guild("Readers"), "papers")
        assert papers.guild is not None
        hosts = discord.role(papers.guild, "Hosts", manage_guild=True)
        bob, maya = Person.joins(discord, papers.guild, "bob"), Person.joins(discord, papers.guild, "maya", hosts.id)
        inference = Inference(address, model="small")
        stores.push_async_callback(inference.close)
        outboxes = []
        async with AsyncExitStack() as running:
            for _ in range(2):
                store = await Store.open(url, busy_timeout_ms=60_000)
                stores.push_async_callback(store.close)
                study = Study(store, library, clock=lambda: present(discord), inference=inference)
                app = App(registry(), study, TerminalPosts(store), renderer=renderer)
                await running.enter_async_context(connected(app, token=discord.token))
                outboxes.append(study.outboxes["discord"])
            await discord.until(lambda: len(discord.gateway.identified) == 2 and discord.gateway.ready)
            yield Scene(discord, papers, outboxes, url.removeprefix("sqlite:///"), store, model, bob, maya, running)


def test_there_is_a_case_for_every_kind_of_event(app: App) -> None:
    client = StudyClient(app, token="a-token")
    events = {name for name in vars(StudyClient) if name.startswith("on_")}
    interactions = {kind.name for kind in InteractionType} - {"ping", "application_command"}
    commands = {kind.name for kind in AppCommandType if client.tree.get_commands(type=kind)}

    assert {case.kind for case in CASES} == events - {"on_interaction", "on_ready"} | interactions | commands


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_is_delivered_several_times_is_done_once(
    case: Case, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = scene.discord.gateway
    given = await case.before(scene)
    await scene.settled()
    rows, seen = await scene.rows(), scene.seen()

    with capture_logs() as logs:
        gateway.copies = 2
        done = case.does(scene, given)
        event = gateway.latest
        if isinstance(done, Interaction):
            await done.answered()
        scene.discord.clock.forward(MINUTE)
        gateway.tell(*event)
        if case.kind == "autocomplete":  # whoever gets it may answer
            await scene.answered(done, times=2 * 2 * 2)
        gateway.copies = 1
        await scene.settled()
        await scene.running.aclose()

    stored = await scene.rows()
    assert {name: stored[name] - rows[name] for name in case.stored} == case.stored
    assert scene.seen() - seen == case.seen
    assert case.says in (done.text if case.says else "")
    assert [line for line in logs if line["log_level"] not in ("debug", "info")] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_processes_that_start_together_greet_a_server_once(scene: Scene) -> None:
    await scene.ready()
    await scene.settled()
    await scene.running.aclose()

    assert len(scene.greetings) == 1


async def test_whoever_acknowledged_a_press_answers_it_even_if_another_process_has_claimed_it(scene: Scene) -> None:
    asked = await scene.question()
    with closing(sqlite3.connect(scene.path, isolation_level=None)) as program:
        program.execute("BEGIN EXCLUSIVE")
        pressed = scene.bob.press(asked, "A")
        await pressed.until(lambda press: press.callback is not None)
        claim = "INSERT INTO processed_request (platform, id, at) VALUES ('discord', ?, ?)"
        program.execute(claim, (str(pressed.id), present(scene.discord).isoformat(" ")))
        program.execute("COMMIT")
    await pressed.answered()
    await scene.settled()
    await scene.running.aclose()

    assert "The reference" in pressed.text
    assert (await scene.rows())["answers"] == 1
