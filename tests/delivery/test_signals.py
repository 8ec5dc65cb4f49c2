"""Processes killed or stopped at every step: nothing is lost, doubled or left half done, on both databases.

Each kind of delivery is killed on one database and stopped on the other, at some of its steps; `make soak` does both on
both, at all steps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.context.library import Library
from tests.databases import Databases, SqliteDatabases
from tests.delivery.machine import shared_time
from tests.delivery.town import KINDS
from tests.delivery.trials import AFTER_LEASE, KILLED, OK, STOPPED, Event, Nursery, Trial

TRIED = sorted(KINDS.keys() - {"thread"})
"""A pin comes after a thread, so its steps are a thread's, too."""
COMBINATIONS = [(database, kind) for kind in TRIED for database in ("sqlite", "postgresql")]
KILLED_ON = {"sqlite": TRIED[::2], "postgresql": TRIED[1::2]}


def tried_on(chosen: dict[str, list[str]]) -> pytest.MarkDecorator:
    """Try the chosen kinds on each database; in `make soak` all of them."""
    cases = [
        pytest.param(database, kind, marks=() if kind in chosen[database] else pytest.mark.soak)
        for database, kind in COMBINATIONS
    ]
    return pytest.mark.parametrize(("databases", "trial"), cases, indirect=True)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
async def trial(
    request: pytest.FixtureRequest, databases: Databases, library: Library, nursery: Nursery, tmp_path: Path
) -> AsyncIterator[Trial]:
    with shared_time() as time:
        made = Trial(nursery, time, tmp_path / "ledger", request.param)
        await made.prepare(databases, library)
        yield made


@pytest.fixture
def stride(request: pytest.FixtureRequest, databases: Databases) -> int:
    """Try every second step on SQLite, and every fourth on PostgreSQL, which takes longer; `make soak` tries all."""
    return 1 if request.config.getoption("soak") else 2 if isinstance(databases, SqliteDatabases) else 4


@tried_on(KILLED_ON)
async def test_a_process_killed_at_any_step_loses_and_doubles_nothing(
    trial: Trial, databases: Databases, stride: int
) -> None:
    step = 1 - stride  # begins at the first
    ended = KILLED
    while ended == KILLED:
        step += stride
        trial.begin(databases)
        ended = trial.run(Event("kill", step))
        trial.time.advance(AFTER_LEASE)
        await trial.recover()
        outcome = await trial.outcome()
        assert outcome.is_right, (step, outcome)
    assert ended == OK
    assert step > 5


@tried_on({"sqlite": KILLED_ON["postgresql"], "postgresql": KILLED_ON["sqlite"]})
async def test_a_process_stopped_at_any_step_for_longer_than_its_lease_doubles_nothing(
    trial: Trial, databases: Databases, stride: int
) -> None:
    step = 1 - stride
    ended = STOPPED
    while ended == STOPPED:
        step += stride
        trial.begin(databases)
        process = trial.start(Event("stop", step))
        ended = trial.wait(process)
        if ended == STOPPED:
            trial.time.advance(AFTER_LEASE)
            assert trial.run() == OK
            trial.go_on(process)
            assert trial.wait(process) == OK
        await trial.recover()
        outcome = await trial.outcome()
        assert outcome.is_right, (step, outcome)
    assert ended == OK
    assert step > 2


@pytest.mark.parametrize(
    ("databases", "trial"),
    [("sqlite", "question"), pytest.param("postgresql", "question", marks=pytest.mark.soak)],
    indirect=True,
)
async def test_a_platform_that_forgets_a_message_is_found_out(
    trial: Trial, databases: Databases, tmp_path: Path
) -> None:
    """Or else no trial could fail."""
    ledger, step = tmp_path / "ledger", 0
    while not (ledger.exists() and ledger.read_text()):  # until the process dies after the post
        step += 1
        trial.begin(databases)
        assert trial.run(Event("kill", step)) == KILLED
    killed = await trial.outcome()
    ledger.write_text(ledger.read_text().replace("delivery-", "somewhat-like-delivery-"))
    trial.time.advance(AFTER_LEASE)
    await trial.recover()
    repeated = await trial.outcome()
    ledger.write_text("")
    emptied = await trial.outcome()

    assert (killed.lost, killed.doubled, killed.half_done) == (0, 0, 1)
    assert (repeated.lost, repeated.doubled, repeated.half_done) == (0, 1, 0)
    assert (emptied.lost, emptied.doubled, emptied.half_done) == (1, 0, 0)
