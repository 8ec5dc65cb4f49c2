"""Processes killed at every request to Discord: nothing is lost, doubled or left half done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from bot.context.library import Library
from bot.store import tables
from bot.store.engine import Store
from tests.databases import SqliteDatabases
from tests.platforms.discord.fake import Discord, Interaction, Message, Person, compose
from tests.platforms.discord.fake.calls import Call
from tests.platforms.discord.trial import KILLED, Nursery, Trial, nursing

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT, NEWS = 0, 5
"""The types of ordinary and of announcement channels."""
PIN_MESSAGE = 6
SOON, LATER = timedelta(seconds=91), timedelta(minutes=30)
"""Once the lease has expired; and also once Discord has forgotten the nonce."""
CHATTER = 120
"""More messages than Discord returns at once."""
ORIGINAL = r"/webhooks/\d+/[^/]+/messages/@original"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nursery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    async with (
        Discord().listening() as discord,
        nursing(discord, tmp_path_factory.mktemp("index")) as nursery,
    ):
        discord.rates.on = False
        yield nursery
        assert not discord.problems, "\n".join(discord.problems)


async def prepare_question(trial: Trial) -> None:
    """Schedule a question with a thread and a pin, which replaces yesterday's pin."""
    await trial.say(trial.maya, "schedule setup 09:00 days=daily thread=yes pin=yes")
    await trial.pass_until("09:00")
    await trial.pass_until("17:00")
    trial.move_to("09:00")


def check_question(trial: Trial) -> None:
    before, _reveal, today = trial.posts()
    assert today.id in trial.discord.channels, "no thread"
    assert (before.pinned, today.pinned) == (False, True)
    pins = [message.reference for message in trial.channel.messages.values() if message.type == PIN_MESSAGE]
    assert pins in ([], [before.id], [today.id])  # a process that's killed can't delete the line about its pin


async def prepare_moved_pin(trial: Trial) -> None:
    """Do the same, but somebody has unpinned yesterday's and pinned something else."""
    await prepare_question(trial)
    trial.posts()[0].pinned = False
    trial.ada.says(trial.channel, "Bring your laptops").pinned = True


def check_moved_pin(trial: Trial) -> None:
    check_question(trial)
    [reminder] = [message for message in trial.channel.messages.values() if "laptops" in message.text]
    assert reminder.pinned


async def prepare_reveal(trial: Trial) -> None:
    await trial.say(trial.maya, "schedule setup 09:00 days=daily reveal=17:00")
    await trial.pass_until("09:00")
    trial.move_to("17:00")


def check_reveal(trial: Trial) -> None:
    question, reveal = trial.posts()
    assert "The answer is out." in question.text
    assert "The answer:" in reveal.text


async def prepare_count(trial: Trial) -> None:
    await trial.say(trial.maya, "schedule setup 09:00 days=daily")
    await trial.pass_until("09:00")
    await trial.answer(trial.ada)
    trial.discord.clock.forward(60)


def check_count(trial: Trial) -> None:
    [question] = trial.posts()
    assert "1 answer so far" in question.text


async def prepare_reminder(trial: Trial) -> None:
    await trial.say(trial.ada, "question vae")
    await trial.answer(trial.ada)
    await trial.say(trial.ada, "me zone=UTC remind=20:00")
    trial.discord.clock.forward(timedelta(days=1).total_seconds())
    trial.move_to("20:00")


def check_reminder(trial: Trial) -> None:
    [reminder] = trial.told(trial.ada)
    assert "Your streak of 1 day" in reminder


async def prepare_note(trial: Trial) -> None:
    """Discord refuses the question, so the schedule stops, and its manager is told."""
    await trial.say(trial.maya, "schedule setup 09:00 days=daily")
    assert trial.channel.guild is not None
    trial.channel.deny(trial.channel.guild.id, send_messages=True)
    trial.move_to("09:00")


def check_note(trial: Trial) -> None:
    assert not trial.posts()
    [note] = trial.told(trial.maya)
    assert "has stopped" in note


KINDS = {
    "question": (prepare_question, check_question, 8),
    "moved pin": (prepare_moved_pin, check_moved_pin, 8),
    "reveal": (prepare_reveal, check_reveal, 4),
    "count": (prepare_count, check_count, 2),
    "reminder": (prepare_reminder, check_reminder, 4),
    "note": (prepare_note, check_note, 5),
}
"""What is due, how to check that it was done once, and how many steps there are at least."""


QUICK = ("question",)
"""Kinds that `make test` tries; `make soak` tries all. tests/delivery tries all, on a simpler platform."""


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in QUICK else pytest.mark.soak) for k in KINDS])
@pytest.mark.parametrize(
    ("later", "chatter", "channel_type"),
    [
        pytest.param(LATER, CHATTER, TEXT, id="found in the channel"),
        pytest.param(SOON, 0, NEWS, id="by its nonce, in an announcement channel", marks=pytest.mark.soak),
    ],
)
async def test_a_process_killed_at_any_request_loses_and_doubles_nothing(
    *,
    nursery: Nursery,
    sqlite_template: Path,
    tmp_path: Path,
    library: Library,
    kind: str,
    later: timedelta,
    chatter: int,
    channel_type: int,
) -> None:
    prepare, check, steps = KINDS[kind]
    trial = Trial(nursery, SqliteDatabases(sqlite_template, tmp_path), library, channel_type)
    await trial.prepare(prepare)
    assert await trial.kill_at_every_step(check, later, chatter) >= steps


@pytest.mark.soak
async def test_where_the_bot_may_not_read_the_history_the_nonce_prevents_a_second_post(
    nursery: Nursery, sqlite_template: Path, tmp_path: Path, library: Library
) -> None:
    trial = Trial(nursery, SqliteDatabases(sqlite_template, tmp_path), library)
    await trial.prepare(prepare_reveal)
    assert trial.channel.guild is not None
    trial.channel.deny(trial.channel.guild.id, read_message_history=True)

    assert await trial.kill_at_every_step(check_reveal, SOON, chatter=0) >= 4


DEFERRED = (5, 6)
"""Callbacks that acknowledge an interaction without its answer."""


class Desk:
    """A process that serves members, and the next one after it was killed."""

    def __init__(self, nursery: Nursery, url: str) -> None:
        self.nursery, self.discord, self._url = nursery, nursery.discord, url
        guild = self.discord.guild()
        self.channel = self.discord.channel(guild, "papers")
        self.bob = Person.joins(self.discord, guild, "bob")

    async def begin(self) -> None:
        """Start a process."""
        await self.nursery.begin(self._url, "serve")

    async def open(self) -> None:
        """Start a process, and wait until it serves members."""
        gateway = self.discord.gateway
        connections = len(gateway.identified)
        await self.begin()
        await self.discord.until(lambda: len(gateway.identified) > connections and gateway.ready)

    async def close(self) -> None:
        """Kill the process."""
        self.nursery.kill()
        assert await self.nursery.answer() == KILLED

    @asynccontextmanager
    async def killing(self, at: Callable[[Call], bool]) -> AsyncIterator[None]:
        """Kill the process at the first such call that comes during the block, and wait for that."""
        killed = asyncio.Event()

        def crossing(call: Call) -> bool:
            if not at(call):
                return True
            self.nursery.kill()
            killed.set()
            return False

        self.discord.crossing = crossing
        yield
        await killed.wait()
        self.discord.crossing = lambda _call: True
        assert await self.nursery.answer() == KILLED

    async def killed_at(self, act: Callable[[], Interaction], *, acknowledged: bool) -> Interaction:
        """Let a member do something, and kill the process when it acknowledges that, before or after it arrives."""

        def is_deferral(call: Call) -> bool:
            return call.path.endswith("/callback") and call.json["type"] in DEFERRED

        async with self.killing(lambda call: is_deferral(call) and bool(call.status) is acknowledged):
            return act()

    async def answers(self) -> int:
        """Return how many answers are stored."""
        store = await Store.open(self._url)
        counted = select(func.count()).select_from(tables.answers)
        found = await store.query(lambda connection: int(connection.execute(counted).scalar_one()))
        await store.close()
        return found

    async def form(self) -> Interaction:
        """Open the form for an answer in one's own words."""
        asked = await self.bob.slash(self.channel, "question", topic="vae").answered()
        assert asked.message is not None
        return await self.bob.press(asked.message, "In my own words").answered()

    async def alone(self) -> Message:
        """Return a direct message with a button that belongs to the server."""
        alone = self.discord.conversation(self.bob.user)
        line = f"@{self.channel.guild.id if self.channel.guild else 0} team list"
        button = {"type": 2, "style": 2, "label": "Teams", "custom_id": line}
        body = {"flags": 1 << 15, "components": [{"type": 1, "components": [button]}]}
        return compose.create(self.discord, alone, body, {})


@pytest_asyncio.fixture(loop_scope="module")
async def desk(nursery: Nursery, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(nursery, SqliteDatabases(sqlite_template, tmp_path).with_tables())
    await made.open()
    yield made
    await made.close()


WORDS = "It maps data to a distribution over a latent space."


async def slash(desk: Desk) -> Callable[[], Interaction]:
    return lambda: desk.bob.slash(desk.channel, "ask", text="what is LoRA")


async def form(desk: Desk) -> Callable[[], Interaction]:
    opened = await desk.form()
    return lambda: desk.bob.submit(opened, text=WORDS)


async def button(desk: Desk) -> Callable[[], Interaction]:
    """Press one whose server answers so slowly that the press is acknowledged first."""
    alone = await desk.alone()
    desk.discord.hold("GET", r"/guilds/\d+/members/\d+")
    return lambda: desk.bob.press(alone, "Teams")


ACTIONS = {"a command": (slash, "LoRA"), "a form": (form, "The reference"), "a button": (button, "no teams yet")}


@pytest.mark.parametrize("action", ACTIONS)
async def test_what_was_acknowledged_is_answered_after_a_kill(desk: Desk, action: str) -> None:
    prepare, answer = ACTIONS[action]
    acting = await desk.killed_at(await prepare(desk), acknowledged=True)
    assert not acting.done.is_set()
    await desk.open()

    assert answer in (await acting.answered()).text
    assert not acting.followups


async def test_what_ends_two_processes_is_reported_instead(desk: Desk) -> None:
    acting = await desk.killed_at(await slash(desk), acknowledged=True)
    async with desk.killing(lambda call: call.method == "GET" and call.path.endswith("@original")):
        await desk.begin()
    await desk.open()

    assert "Something went wrong on our side" in (await acting.answered()).text


@pytest.mark.parametrize("minutes", [0, 16])
async def test_what_cannot_be_answered_anymore_is_not_carried_out(desk: Desk, minutes: int) -> None:
    """Discord never got the acknowledgment, or it's longer ago than an answer may take."""
    submit = await form(desk)
    acting = await desk.killed_at(submit, acknowledged=bool(minutes))
    desk.discord.clock.forward(60 * minutes)
    looks = len(desk.discord.asked("GET", ORIGINAL))
    await desk.open()
    await desk.discord.until(lambda: len(desk.discord.asked("GET", ORIGINAL)) > looks)
    again = await desk.bob.submit(await desk.form(), text=WORDS).answered()

    assert not acting.done.is_set()
    assert "The reference" in again.text
    assert await desk.answers() == 1
