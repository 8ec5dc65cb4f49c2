"""What platforms bring: members known by ids, posts refused halfway, and other processes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, insert, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostError, PostExtras, PostOptions
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Answer, Delivery, DeliveryKind, DeliveryState, Member, Round, Schedule, ViewedAnswer
from bot.store.models.row import Row
from bot.study.workspaces import onboarding
from tests.chat import Clock, plain

pytestmark = pytest.mark.both_databases

HERE = Location("discord", "1", "11", "A guild", "daily")
TAKEN = "123456789012345678"
TABLES = {
    Answer: tables.answers,
    Delivery: tables.deliveries,
    Member: tables.members,
    Round: tables.rounds,
    Schedule: tables.schedules,
    ViewedAnswer: tables.viewed_answers,
}
R = TypeVar("R", bound=Row)


def all_rows(connection: Connection, kind: type[R]) -> list[R]:
    table = TABLES[kind]
    return kind.all(connection.execute(select(table).order_by(*table.primary_key)).mappings())


class Box(Outbox):
    """A platform that refuses what a test tells it to."""

    capabilities = frozenset({"thread", "pin", "role"})

    def __init__(self) -> None:
        self.posts: list[tuple[Location, Reply]] = []
        self.edits: list[Reply] = []
        self.told: list[Reply] = []
        self.lacks = ""
        self.thread_refused: PostError | None = None
        self.pin_refused: PostError | None = None
        self.owners_refused: PostError | None = None

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        return self.lacks

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        if self.lacks:
            raise PostError(self.lacks)
        self.posts.append((location, reply))
        return f"m{len(self.posts)}"

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        self.edits.append(reply)

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        self.told.append(reply)

    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        if self.thread_refused:
            raise self.thread_refused
        return f"t{ref}"

    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        if self.pin_refused:
            raise self.pin_refused

    async def owners(self, location: Location) -> Sequence[str]:
        if self.owners_refused:
            raise self.owners_refused
        return ()


@dataclass
class Guild:
    """One workspace of a platform with the bot in it."""

    study: Study
    box: Box
    clock: Clock
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def ask(
        self,
        who: str,
        line: str = "",
        *,
        name: str = "",
        location: Location = HERE,
        manager: bool = False,
        **values: str,
    ) -> str:
        """Return the reply to a typed line, or to a command with named values from the platform."""
        command: Mapping[str, str] = values
        request = Request(
            location,
            Actor(who, name or f"member {who}", manager=manager),
            f"r{next(self.numbers)}",
            self.clock(),
            line="" if command else line,
            command=line if command else "",
            values=command,
        )
        return plain([reply async for reply in handle(registry(), self.study, request)][-1])

    async def turn(self, **forward: float) -> int:
        self.clock.forward(**forward)
        before = len(self.box.posts)
        await Scheduler(self.study, seconds=5).run_once()
        return len(self.box.posts) - before

    async def schedule(self, **values: Any) -> None:
        await self.ask("1", "schedule setup", manager=True, time="09:00", zone="UTC", **values)

    async def all(self, kind: type[R]) -> list[R]:
        return await self.study.store.query(all_rows, kind)


@pytest.fixture
def guild(store: Store, library: Library) -> Guild:
    box, clock = Box(), Clock()
    return Guild(Study(store=store, library=library, clock=clock, outboxes={"discord": box}), box, clock)


async def test_an_id_is_never_taken_for_a_name(guild: Guild) -> None:
    await guild.ask("666", "streak", name=TAKEN)

    assert "hasn't used Studyhall here yet" in await guild.ask("1", "managers add", manager=True, member=TAKEN)
    assert "hasn't used Studyhall here yet" in await guild.ask("1", f"managers add <@{TAKEN}>", manager=True)
    assert not [member for member in await guild.all(Member) if member.manager]
    assert "hasn't studied here yet" in await guild.ask("1", "profile", member=TAKEN)
    await guild.ask(TAKEN, "streak")
    await guild.ask("1", "managers add", manager=True, member=TAKEN)
    assert [member.external_id for member in await guild.all(Member) if member.manager] == [TAKEN]


async def test_a_member_who_hides_their_standing_is_seen_by_nobody_else(guild: Guild) -> None:
    await guild.ask("1", "me standings=hidden", name="Ada")

    for line in ("profile", "streak"):
        assert "Ada keeps their standing private." in await guild.ask("2", line, member="1")
    assert "Ada keeps" in await guild.ask("2", "streak", member="1", view="why")
    assert "Your streak" in await guild.ask("1", "streak", member="1")


async def test_a_question_still_without_its_thread_is_posted_anyway(guild: Guild) -> None:
    await guild.schedule(thread="on")
    guild.box.thread_refused = PostError("Discord cannot take messages just now.", retry=True)
    await guild.turn(hours=1, minutes=1)

    assert "No question here yet" not in await guild.ask("5", "daily")
    guild.box.thread_refused = None
    await guild.turn(hours=13)  # nobody was there until after the reveal
    await guild.turn(minutes=5)

    [question, reveal] = await guild.all(Delivery)
    assert (question.state, question.thread_ref) == (DeliveryState.DONE, "tm1")
    assert (reveal.kind, reveal.state) == (DeliveryKind.REVEAL, DeliveryState.DONE)
    assert len(guild.box.posts) == 2


async def test_a_process_of_another_platform_leaves_the_counts_alone(guild: Guild) -> None:
    await guild.schedule()
    await guild.turn(hours=1, minutes=1)
    [question_round] = await guild.all(Round)
    await guild.ask("5", f"answer {question_round.round_key} a")

    elsewhere = Box()
    await Scheduler(replace(guild.study, outboxes={"slack": elsewhere}), seconds=5).run_once()
    assert (elsewhere.edits, guild.box.edits) == ([], [])
    await guild.turn()
    assert "1 answer so far" in plain(guild.box.edits[-1])


async def test_a_problem_that_cannot_be_reported_does_not_stop_other_posts(guild: Guild) -> None:
    await guild.schedule()
    await guild.ask("1", "privacy delete everything")
    guild.box.lacks = "I am not in that server any more."
    guild.box.owners_refused = PostError("The channel, message or member is gone.")

    assert await guild.turn(hours=1, minutes=1) == 0
    [schedule] = await guild.all(Schedule)
    assert schedule.problem == "I am not in that server any more."


async def test_a_problem_that_comes_back_is_reported_again(guild: Guild) -> None:
    await guild.schedule(pin="on")
    told = []
    for day, full in enumerate((True, False, True)):
        guild.box.pin_refused = PostError("The channel has as many pins as Discord allows.") if full else None
        await guild.turn(**({"days": 1.0} if day else {"hours": 1.0, "minutes": 1.0}))
        told.append(len(guild.box.told))

    assert told == [1, 1, 2]


async def test_a_refused_test_post_uses_up_no_question(guild: Guild) -> None:
    await guild.schedule()
    guild.box.lacks = "In #daily I still need Send Messages."

    assert "I still need Send Messages" in await guild.ask("1", "schedule test", manager=True)
    assert await guild.all(Round) == []


async def test_a_verdict_and_the_answer_it_reveals_are_stored_together(guild: Guild) -> None:
    await guild.schedule()
    await guild.turn(hours=1, minutes=1)
    other = replace(HERE, channel="12", channel_name="papers")
    await guild.ask("5", "streak", location=other)
    [first] = await guild.all(Round)
    copy = first.columns() | {"round_key": "elsewhere", "delivery_id": None, "channel_id": first.channel_id + 1}
    del copy["id"]
    await guild.study.store.transaction(add_round, copy)

    assert "seen the answer" in await guild.ask("5", f"answer {first.round_key} a")
    assert len(await guild.all(Answer)) == 1
    assert [viewed.round_id for viewed in await guild.all(ViewedAnswer)] == [first.id + 1]


def add_round(connection: Connection, columns: Mapping[str, Any]) -> None:
    connection.execute(insert(tables.rounds).values(columns))


async def test_a_question_that_waits_for_its_pin_counts_as_posted_when_the_bot_is_removed(guild: Guild) -> None:
    guild.box.pin_refused = PostError("Too many requests.", retry=True)
    await guild.schedule(pin="yes")
    await guild.turn(hours=1)

    await onboarding.on_left(guild.study, HERE)

    assert [delivery.state for delivery in await guild.all(Delivery)] == [DeliveryState.DONE, DeliveryState.FAILED]


async def test_a_problem_with_threads_is_over_once_nobody_wants_threads(guild: Guild) -> None:
    guild.box.thread_refused = PostError("I may not open threads here.")
    await guild.schedule(thread="yes")
    await guild.turn(hours=1)
    assert [schedule.problem for schedule in await guild.all(Schedule)] == ["I may not open threads here."]

    await guild.ask("1", "schedule change", manager=True, thread="no")

    assert [schedule.problem for schedule in await guild.all(Schedule)] == [None]


async def test_the_home_leaves_out_a_question_that_was_never_posted(guild: Guild) -> None:
    await guild.schedule()
    await guild.turn(hours=1)
    [first] = await guild.all(Round)
    await guild.ask("2", f"answer {first.round_key} a")  # which makes this a channel of theirs
    await guild.ask("1", "schedule setup", manager=True, time="10:00", zone="UTC", topics="vae")
    guild.box.lacks = "I need Send Messages."
    await guild.turn(hours=1)

    assert len(await guild.all(Round)) == 2
    assert "Question of the day" not in await guild.ask("2", "home")
