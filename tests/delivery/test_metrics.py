"""What the worker counts: what became of deliveries, why an attempt failed, and how late they were."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, update

from bot.context.outbox import LeaseExpiredError, PostError, UnavailableError
from bot.delivery.kinds import Outcome
from bot.delivery.queue import Claim
from bot.delivery.worker import MAX_CLAIMS
from bot.errors import DatabaseError
from bot.store import tables
from tests.delivery.test_worker import Office, office
from tests.readings import Moved

__all__ = ["office"]


def outcomes(moved: Moved) -> dict[str, float]:
    found = {outcome: moved("deliveries_total", kind="note", outcome=outcome) for outcome in OUTCOMES}
    return {outcome: count for outcome, count in found.items() if count}


def causes(moved: Moved) -> dict[str, float]:
    found = {cause: moved("delivery_problems_total", platform="here", cause=cause) for cause in CAUSES}
    return {cause: count for cause, count in found.items() if count}


OUTCOMES = ("done", "put_back", "given_up")
CAUSES = ("refused", "unavailable", "no_response", "lease_expired", "claim_lost", "database", "error", "abandoned")


async def test_what_is_done_is_counted_with_its_delay(office: Office) -> None:
    moved = Moved()
    await office.enqueue("first", "second")

    await office.run(seconds=42)

    assert outcomes(moved) == {"done": 2}
    assert causes(moved) == {}
    assert moved("delivery_delay_seconds_count", kind="note") == 2
    assert moved("delivery_delay_seconds_sum", kind="note") == 84


async def test_a_step_that_is_not_the_last_is_put_back(office: Office) -> None:
    moved = Moved()
    await office.enqueue("note")
    first = True

    async def react(_claim: Claim) -> Outcome | None:
        nonlocal first
        again, first = first, False
        return Outcome(due_again=office.clock()) if again else None

    office.reactions["note"] = react
    await office.run()

    assert outcomes(moved) == {"done": 1, "put_back": 1}
    assert moved("delivery_delay_seconds_count", kind="note") == 1


@pytest.mark.parametrize(
    ("problem", "cause", "outcome"),
    [
        (PostError("Not here."), "refused", {"given_up": 1}),
        (PostError("Not now.", retry=True), "refused", {"put_back": 1}),
        (UnavailableError("Slow down.", 30), "unavailable", {"put_back": 1}),
        (ConnectionError(), "no_response", {"put_back": 1}),
        (TimeoutError(), "no_response", {"put_back": 1}),
        (KeyError("bug"), "error", {"put_back": 1}),
        (LeaseExpiredError(), "lease_expired", {}),
        (DatabaseError("gone"), "database", {}),
    ],
    ids=repr,
)
async def test_a_problem_is_counted_by_its_cause(
    office: Office, problem: Exception, cause: str, outcome: dict[str, float]
) -> None:
    moved = Moved()
    await office.enqueue("note")
    office.react("note", problem)

    await office.run()

    assert causes(moved) == {cause: 1}
    assert outcomes(moved) == outcome
    assert moved("delivery_delay_seconds_count", kind="note") == 0


async def test_a_claim_that_another_process_took_over_counts_as_lost_and_not_as_done(office: Office) -> None:
    moved = Moved()
    await office.enqueue("note")

    async def react(_claim: Claim) -> None:
        await office.study.store.transaction(_take_over)

    office.reactions["note"] = react
    await office.run()

    assert causes(moved) == {"claim_lost": 1}
    assert outcomes(moved) == {}


def _take_over(connection: Connection) -> None:
    connection.execute(update(tables.deliveries).values(claim_token="another"))


async def test_what_never_finishes_is_counted_once_it_is_given_up(office: Office) -> None:
    moved = Moved()
    await office.enqueue("poison")
    office.react("poison", *[asyncio.CancelledError()] * MAX_CLAIMS)
    for _ in range(MAX_CLAIMS + 1):
        await office.run(seconds=91)

    assert causes(moved) == {"abandoned": 1}
    assert outcomes(moved) == {"given_up": 1}
