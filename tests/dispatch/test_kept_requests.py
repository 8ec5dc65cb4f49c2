"""Requests that were acknowledged and then lost with their process."""

from __future__ import annotations

import pytest

from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch import idempotency, kept_requests
from bot.dispatch.kept_requests import LEASE, MAX_AGE
from bot.store.engine import Store
from tests.chat import Clock

pytestmark = pytest.mark.both_databases


class Desk:
    """A process that keeps the requests of one member."""

    def __init__(self, store: Store, library: Library) -> None:
        self.clock = Clock()
        self.study = Study(store=store, library=library, clock=self.clock)

    async def keep(self, request_id: str) -> bool:
        payload = {"line": f"streak {request_id}"}
        return await kept_requests.keep(self.study, "slack", request_id, workspace="T1", actor="U1", payload=payload)

    async def abandoned(self, *, at_start: bool = False) -> list[tuple[str, bool]]:
        taken = await kept_requests.take_abandoned(self.study, "slack", at_start=at_start)
        return [(request.payload["line"], request.is_hopeless) for request in taken]


@pytest.fixture
def desk(store: Store, library: Library) -> Desk:
    return Desk(store, library)


async def test_a_request_is_kept_once_however_often_it_is_delivered(desk: Desk) -> None:
    assert await desk.keep("r1")
    assert not await desk.keep("r1")
    await kept_requests.finish(desk.study, "slack", "r1")
    assert not await desk.keep("r1")
    assert not await idempotency.claim(desk.study, "slack", "r1")

    desk.clock.now += LEASE
    assert await desk.abandoned() == []


async def test_a_request_is_taken_over_once_its_process_had_time_for_it(desk: Desk) -> None:
    await desk.keep("r1")
    desk.clock.now += LEASE / 2
    assert await desk.abandoned() == []

    desk.clock.now += LEASE / 2
    assert await desk.abandoned() == [("streak r1", False)]
    assert await desk.abandoned() == []


async def test_after_a_restart_on_sqlite_nobody_waits(desk: Desk) -> None:
    await desk.keep("r1")

    expected = [("streak r1", False)] if desk.study.store.dialect == "sqlite" else []
    assert await desk.abandoned(at_start=True) == expected


async def test_a_request_that_ends_every_process_is_given_up(desk: Desk) -> None:
    await desk.keep("r1")
    found = []
    for _ in range(3):
        desk.clock.now += LEASE
        found += await desk.abandoned()

    assert found == [("streak r1", False), ("streak r1", True)]


async def test_a_request_too_old_to_be_answered_is_dropped(desk: Desk) -> None:
    await desk.keep("r1")
    desk.clock.now += MAX_AGE * 1.1

    assert await desk.abandoned(at_start=True) == []
    assert await desk.abandoned() == []


async def test_other_platforms_requests_are_left_alone(desk: Desk) -> None:
    await desk.keep("r1")
    desk.clock.now += LEASE

    assert await kept_requests.take_abandoned(desk.study, "discord", at_start=True) == []
    assert await desk.abandoned() == [("streak r1", False)]
