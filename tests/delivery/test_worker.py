"""The worker: claims, leases, waits, refusals, and places that hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import (
    FIRST_ATTEMPT,
    PLAIN,
    Attempt,
    LeaseExpiredError,
    Outbox,
    PostError,
    PostOptions,
    UnavailableError,
)
from bot.context.study import Study
from bot.delivery import queue
from bot.delivery.kinds import DONE, AbandonedError, DeliveryType, Outcome
from bot.delivery.lease import LEASE, Lease
from bot.delivery.queue import Claim
from bot.delivery.worker import MAX_CLAIMS, MAX_PER_WORKSPACE, MAX_SENDING, Worker
from bot.errors import DatabaseError
from bot.replies import Reply
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Delivery, DeliveryKind, DeliveryState, Workspace
from tests.chat import Clock
from tests.clocks import forward, within_hang

pytestmark = pytest.mark.both_databases

NOW = Clock().now


class Nowhere(Outbox):
    """A platform whose posts the tests' own kind of delivery never makes."""

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        raise NotImplementedError

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        raise NotImplementedError

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        raise NotImplementedError


class Office:
    """Workspaces with deliveries, and workers that send them as a test says, by a delivery's text."""

    def __init__(self, store: Store, library: Library) -> None:
        self.clock = Clock()
        self.study = Study(store=store, library=library, clock=self.clock, outboxes={"here": Nowhere()})
        self.sent: list[str] = []
        self.attempts: list[datetime | None] = []
        self.given_up: list[tuple[str, PostError]] = []
        self.reactions: dict[str, Callable[[Claim], Awaitable[Outcome | None]]] = {}

    def worker(self) -> Worker:
        return Worker(self.study, {DeliveryKind.NOTE: DeliveryType(self._send, self._give_up, is_kept=True)})

    async def _send(self, _study: Study, claim: Claim) -> Outcome:
        text = claim.delivery.text or ""
        self.attempts.append(claim.lease.since)
        if reaction := self.reactions.get(text):
            return await reaction(claim) or DONE
        self.sent.append(text)
        return DONE

    def _give_up(self, _connection: Connection, claim: Claim, refusal: PostError, _now: datetime) -> DeliveryState:
        self.given_up.append((claim.delivery.text or "", refusal))
        return DeliveryState.FAILED

    async def enqueue(self, *texts: str, workspace: int = 1) -> None:
        await self.study.store.transaction(_enqueue, texts, workspace, self.clock())

    async def run(self, **later: float) -> None:
        """Move the clock, then let a process send what's due."""
        self.clock.forward(**later)
        await self.worker().drain()

    async def deliveries(self) -> list[Delivery]:
        return await self.study.store.query(_all)

    def react(self, text: str, *outcomes: BaseException | None) -> None:
        """Raise these errors one after the other whenever this text is sent; None sends it."""
        left = list(outcomes)

        async def react(_claim: Claim) -> None:
            if (outcome := left.pop(0)) is not None:
                raise outcome
            self.sent.append(text)

        self.reactions[text] = react


def _enqueue(connection: Connection, texts: tuple[str, ...], workspace: int, now: datetime) -> None:
    known = connection.execute(select(tables.workspaces.c.id).where(tables.workspaces.c.id == workspace)).first()
    if known is None:
        new = Workspace(id=workspace, platform="here", external_id=f"W{workspace}", name="W", created_at=now)
        connection.execute(insert(tables.workspaces), new.columns())
    queue.add(
        connection,
        [
            Delivery(
                kind=DeliveryKind.NOTE, workspace_id=workspace, recipient="u1", text=text, due_at=now, available_at=now
            )
            for text in texts
        ],
    )


def _all(connection: Connection) -> list[Delivery]:
    return Delivery.all(connection.execute(select(tables.deliveries).order_by(tables.deliveries.c.id)).mappings())


@pytest.fixture
def office(store: Store, library: Library) -> Office:
    return Office(store, library)


async def test_deliveries_are_sent_in_the_order_they_became_due(office: Office) -> None:
    await office.enqueue("first", "second")
    office.clock.forward(seconds=1)
    await office.enqueue("third")

    await office.run()

    assert office.sent == ["first", "second", "third"]
    assert {delivery.state for delivery in await office.deliveries()} == {DeliveryState.DONE}


async def test_a_process_that_dies_uses_up_no_try(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", *[asyncio.CancelledError()] * 5, None)
    for _ in range(5):
        await office.run(seconds=91)
        await office.run(seconds=89)  # the lease lasts
        assert office.sent == []

    await office.run(seconds=91)

    [delivery] = await office.deliveries()
    assert office.sent == ["note"]
    assert (delivery.state, delivery.refusals) == (DeliveryState.DONE, 0)
    assert office.given_up == []


async def test_a_database_that_fails_uses_up_no_try(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", *[DatabaseError("gone")] * 4, None)
    for _ in range(5):
        await office.run(seconds=91)

    assert office.sent == ["note"]
    assert office.given_up == []


async def test_what_never_finishes_is_given_up_after_ten_claims(office: Office) -> None:
    await office.enqueue("poison", "fine")
    office.react("poison", *[asyncio.CancelledError()] * MAX_CLAIMS)
    for _ in range(MAX_CLAIMS):
        assert office.given_up == []
        await office.run(seconds=91)
    await office.run(seconds=91)

    [(text, reason)] = office.given_up
    assert text == "poison"
    assert isinstance(reason, AbandonedError)
    assert office.sent == ["fine"]
    assert [delivery.state for delivery in await office.deliveries()] == [DeliveryState.FAILED, DeliveryState.DONE]


async def test_a_bug_of_ours_is_no_refusal_but_is_given_up_in_the_end(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", *[KeyError("bug")] * MAX_CLAIMS)
    for _ in range(MAX_CLAIMS + 1):
        await office.run(seconds=91)

    [(_, reason)] = office.given_up
    assert isinstance(reason, AbandonedError)


async def test_a_platform_that_asks_to_wait_is_asked_again_then_and_not_before(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", *[UnavailableError("Slow down.", 30)] * 20, None)
    for _ in range(20):
        await office.run()
        await office.run(seconds=29)
        assert office.sent == []
        office.clock.forward(seconds=1)

    await office.run()

    assert office.sent == ["note"]
    assert len(office.attempts) == 21


async def test_a_platform_that_is_away_for_an_hour_costs_no_try_and_is_noticed_within_two_minutes(
    office: Office,
) -> None:
    await office.enqueue("note")
    away_until = office.clock() + timedelta(hours=1)

    async def reach(_claim: Claim) -> None:
        if office.clock() < away_until:
            raise ConnectionError
        office.sent.append("note")

    office.reactions["note"] = reach
    while office.clock() < away_until:
        await office.run(seconds=5)
    assert len(office.attempts) < 50

    for _ in range(24):
        await office.run(seconds=5)

    assert office.sent == ["note"]
    assert office.given_up == []


async def test_a_refusal_that_may_pass_is_tried_three_times(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", *[PostError("Not here.", retry=True)] * 3)
    for _ in range(10):
        await office.run(minutes=5)

    assert len(office.attempts) == 3
    assert [text for text, _ in office.given_up] == ["note"]


async def test_a_final_refusal_is_not_tried_again(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", PostError("The channel is gone."))
    for _ in range(3):
        await office.run(minutes=5)

    assert len(office.attempts) == 1
    assert [(delivery.state, delivery.problem) for delivery in await office.deliveries()] == [
        (DeliveryState.FAILED, "The channel is gone.")
    ]


async def test_a_later_attempt_knows_when_the_first_one_began(office: Office) -> None:
    await office.enqueue("note")
    office.react("note", asyncio.CancelledError(), UnavailableError("Busy.", 1), None)
    began = office.clock()
    await office.run()
    await office.run(seconds=91)
    await office.run(seconds=91)

    assert office.attempts == [None, began, began]


async def test_whoever_lost_a_claim_records_nothing(office: Office) -> None:
    await office.enqueue("note")

    async def stop_for_long(_claim: Claim) -> None:
        """As if this process was stopped while another one claimed the delivery and waits for the platform."""
        office.clock.forward(seconds=91)
        office.react("note", UnavailableError("Busy.", 500))
        await office.worker().drain()
        raise PostError("The channel is gone.")

    office.reactions["note"] = stop_for_long
    await office.run()

    [delivery] = await office.deliveries()
    assert (delivery.state, delivery.problem) == (DeliveryState.DUE, "Busy.")
    assert office.given_up == []


async def test_nothing_goes_out_once_the_lease_has_expired(office: Office) -> None:
    await office.enqueue("note")

    async def jump(claim: Claim) -> None:
        office.clock.forward(seconds=90)
        claim.lease.check()
        office.sent.append("note")

    office.reactions["note"] = jump
    await office.run()

    assert office.sent == []


@pytest.mark.parametrize("clock", ["shared", "wall", "monotonic"])
def test_a_lease_expires_by_the_first_of_three_clocks(clock: str) -> None:
    lease = Lease.begin(None, lambda: NOW)
    lease.check()
    expired = {
        "shared": replace(lease, until=NOW),
        "wall": replace(lease, wall_until=time.time() - 1),
        "monotonic": replace(lease, monotonic_until=time.monotonic() - 1),
    }
    with pytest.raises(LeaseExpiredError):
        expired[clock].check()


async def test_a_process_whose_clock_jumps_takes_nothing_over_from_itself(office: Office) -> None:
    await office.enqueue("note")
    started, released = asyncio.Event(), asyncio.Event()

    async def hang(_claim: Claim) -> None:
        started.set()
        await released.wait()
        office.sent.append("note")

    office.reactions["note"] = hang
    worker = office.worker()
    running = asyncio.create_task(worker.run())
    await started.wait()
    office.clock.forward(hours=1)
    other = asyncio.Event()

    async def send(_claim: Claim) -> None:
        office.sent.append("other")
        other.set()

    office.reactions["other"] = send
    await office.enqueue("other")  # which it does claim
    worker.wake()
    await other.wait()
    released.set()
    running.cancel()
    await worker.finish(10)

    assert office.sent == ["other", "note"]
    assert len(office.attempts) == 2


@pytest.mark.parametrize("hanging", [10, 40])
async def test_places_that_hang_delay_no_others(office: Office, hanging: int) -> None:
    """The bad ones come first, some in a workspace of their own and all others in the good ones' workspace."""
    released = asyncio.Event()

    async def hang(_claim: Claim) -> None:
        await released.wait()

    for number in range(hanging):
        office.reactions[f"bad {number}"] = hang
    await office.enqueue(*(f"bad {number}" for number in range(0, hanging, 2)), workspace=2)
    await office.enqueue(*(f"bad {number}" for number in range(1, hanging, 2)))
    office.clock.forward(seconds=1)
    good = [f"good {number}" for number in range(10)]
    await office.enqueue(*good)
    worker = office.worker()
    running = asyncio.create_task(worker.run())

    async def see() -> None:
        while len(office.sent) < len(good):
            forward(0.05)  # the hanging ones become slow
            await asyncio.sleep(0.01)

    await within_hang(see())
    assert sorted(office.sent) == sorted(good)

    released.set()
    running.cancel()
    await worker.finish(10)


async def test_a_workspace_with_many_deliveries_leaves_room_for_others(office: Office) -> None:
    """The first of them are being sent already when the others arrive."""
    started: list[str] = []
    released = asyncio.Event()
    begun = {"first": asyncio.Event(), "other": asyncio.Event()}

    async def hang(claim: Claim) -> None:
        text = claim.delivery.text or ""
        started.append(text)
        if text in begun:
            begun[text].set()
        await released.wait()

    many = [f"many {number}" for number in range(MAX_SENDING * 2)]
    office.reactions = dict.fromkeys([*many, "first", "other"], hang)
    await office.enqueue("first", workspace=2)
    worker = office.worker()
    running = asyncio.create_task(worker.run())
    await begun["first"].wait()
    await office.enqueue(*many, workspace=2)
    await office.enqueue("other")
    worker.wake()

    await begun["other"].wait()
    assert len(started) == MAX_PER_WORKSPACE + 1  # with the other one

    released.set()
    await worker.drain()
    running.cancel()


async def test_a_bot_that_left_a_workspace_sends_nothing_there(office: Office) -> None:
    await office.enqueue("note")
    await office.study.store.transaction(_leave, office.clock())

    await office.run()

    assert office.sent == []


def _leave(connection: Connection, at: datetime) -> None:
    connection.execute(update(tables.workspaces).values(left_at=at))


async def test_two_processes_share_a_queue(office: Office) -> None:
    texts = [f"note {number}" for number in range(100)]
    await office.enqueue(*texts)

    await asyncio.gather(*(office.worker().drain() for _ in range(4)))

    assert sorted(office.sent) == sorted(texts)


async def test_a_delivery_that_is_due_again_waits_until_then(office: Office) -> None:
    await office.enqueue("note")
    again = office.clock() + timedelta(seconds=10)
    moments: list[datetime] = []

    async def twice(_claim: Claim) -> Outcome:
        moments.append(office.clock())
        return Outcome(due_again=again) if len(moments) == 1 else DONE

    office.reactions["note"] = twice
    for _ in range(4):
        await office.run(seconds=5)

    assert moments == [NOW + timedelta(seconds=5), NOW + timedelta(seconds=10)]


async def test_an_interrupted_shutdown_leaves_a_lease(office: Office) -> None:
    await office.enqueue("note")

    started = asyncio.Event()

    async def hang(_claim: Claim) -> None:
        started.set()
        await asyncio.Event().wait()

    office.reactions["note"] = hang
    worker = office.worker()
    running = asyncio.create_task(worker.run())
    await started.wait()
    running.cancel()
    await worker.finish(0.01)

    [delivery] = await office.deliveries()
    assert (delivery.state, delivery.available_at) == (DeliveryState.SENDING, NOW + LEASE)
