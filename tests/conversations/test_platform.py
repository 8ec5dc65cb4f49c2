"""What a platform does to the bot: members known by ids, posts refused half-way, other processes beside this one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlmodel import col, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.outbox import Outbox, PostError, PostExtras
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.replies import Reply
from bot.store.engine import Store
from bot.store.models import DeliveryKind, DeliveryState
from bot.store.orm import Answer, Delivery, Member, Round, Schedule, ViewedAnswer
from bot.study.daily import delivery, live_counts, planner
from tests.chat import Clock, plain

pytestmark = pytest.mark.both_databases

HERE = Location("discord", "1", "11", "A guild", "daily")
TAKEN = "123456789012345678"


class Box(Outbox):
    """A platform of which each test says what it refuses."""

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

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        self.posts.append((location, reply))
        return f"m{len(self.posts)}"

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        self.edits.append(reply)

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        self.told.append(reply)

    async def open_thread(self, location: Location, ref: str, name: str, *, again: bool = False) -> str:
        if self.thread_refused:
            raise self.thread_refused
        return f"t{ref}"

    async def pin(self, location: Location, ref: str, instead: str = "") -> None:
        if self.pin_refused:
            raise self.pin_refused

    async def owners(self, location: Location) -> Sequence[str]:
        if self.owners_refused:
            raise self.owners_refused
        return ()


@dataclass
class Guild:
    """One workspace of a platform, its bot, and who talks to it."""

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
        """What comes of a typed line, or of a command whose values the platform has bound by name."""
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
        await planner.enqueue_due(self.study, self.clock())
        return await delivery.send_due(self.study)

    async def schedule(self, **values: Any) -> None:
        await self.ask("1", "schedule setup", manager=True, time="09:00", zone="UTC", **values)

    async def all(self, what: type) -> list:  # type: ignore[type-arg]
        async with self.study.store.read() as session:
            return list((await session.exec(select(what).order_by(what.id))).all())  # type: ignore[attr-defined]


@pytest.fixture
def guild(store: Store, library: Library) -> Guild:
    box, clock = Box(), Clock()
    return Guild(Study(store=store, library=library, clock=clock, outboxes={"discord": box}), box, clock)


async def test_an_id_is_never_taken_for_a_name(guild: Guild) -> None:
    await guild.ask("666", "streak", name=TAKEN)

    assert "I don't know a member" in await guild.ask("1", "managers add", manager=True, member=TAKEN)
    assert "I don't know a member" in await guild.ask("1", f"managers add <@{TAKEN}>", manager=True)
    assert not [member for member in await guild.all(Member) if member.manager]
    assert "hasn't studied here yet" in await guild.ask("1", "profile", member=TAKEN)
    await guild.ask(TAKEN, "streak")
    await guild.ask("1", "managers add", manager=True, member=TAKEN)
    assert [member.external_id for member in await guild.all(Member) if member.manager] == [TAKEN]


async def test_who_keeps_to_themselves_is_seen_by_nobody(guild: Guild) -> None:
    await guild.ask("1", "me standings=hidden", name="Ada")

    for line in ("profile", "streak"):
        assert "Ada keeps their standing private." in await guild.ask("2", line, member="1")
    assert "Ada keeps" in await guild.ask("2", "streak", member="1", view="why")
    assert "Your streak" in await guild.ask("1", "streak", member="1")


async def test_a_question_that_waits_for_its_thread_is_posted_all_the_same(guild: Guild) -> None:
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
    [round] = await guild.all(Round)
    await guild.ask("5", f"answer {round.round_key} a")

    assert await live_counts.update_counts(replace(guild.study, outboxes={"slack": Box()})) == 0
    assert await live_counts.update_counts(guild.study) == 1
    assert "1 answer so far" in plain(guild.box.edits[-1])


async def test_nobody_to_tell_stops_no_other_post(guild: Guild) -> None:
    await guild.schedule()
    await guild.ask("1", "privacy delete everything")
    guild.box.lacks = "I am not in that server any more."
    guild.box.owners_refused = PostError("The channel, message or member is gone.")

    assert await guild.turn(hours=1, minutes=1) == 0
    [schedule] = await guild.all(Schedule)
    assert schedule.problem == "I am not in that server any more."


async def test_a_trouble_that_was_over_is_news_again(guild: Guild) -> None:
    await guild.schedule(pin="on")
    told = []
    for day, full in enumerate((True, False, True)):
        guild.box.pin_refused = PostError("The channel has as many pins as Discord allows.") if full else None
        await guild.turn(**({"days": 1.0} if day else {"hours": 1.0, "minutes": 1.0}))
        told.append(len(guild.box.told))

    assert told == [1, 1, 2]


async def test_a_test_that_is_refused_uses_no_question_up(guild: Guild) -> None:
    await guild.schedule()
    guild.box.lacks = "In #daily I still need Send Messages."

    assert "I still need Send Messages" in await guild.ask("1", "schedule test", manager=True)
    assert await guild.all(Round) == []


async def test_a_verdict_and_what_it_gives_away_are_kept_together(guild: Guild) -> None:
    await guild.schedule()
    await guild.turn(hours=1, minutes=1)
    other = replace(HERE, channel="12", channel_name="papers")
    await guild.ask("5", "streak", location=other)
    [posed] = await guild.all(Round)
    async with guild.study.store.write() as session:
        copy = posed.model_dump(exclude={"id", "round_key", "delivery_id", "channel_id"})
        session.add(Round(**copy, round_key="elsewhere", channel_id=posed.channel_id + 1))

    assert "now that you have seen its answer" in await guild.ask("5", f"answer {posed.round_key} a")
    assert len(await guild.all(Answer)) == 1
    async with guild.study.store.read() as session:
        peeks = (await session.exec(select(ViewedAnswer).order_by(col(ViewedAnswer.round_id)))).all()
    assert [peek.round_id for peek in peeks] == [posed.id + 1]
