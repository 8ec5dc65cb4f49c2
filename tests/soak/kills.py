"""Random trials of one kind of delivery on one database: several processes at once, killed, stopped and confused.

A trial follows from its seed, kind, database and number: how many processes there are, at which step each is killed or
stopped, or by how much its clock jumps, and what goes wrong on the platform. In which order processes get to run is up
to the computer, so a trial tried again may end differently.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

from bot import logs
from bot.context.library import Library
from bot.store.upgrade import upgrade
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.databases import Databases, PostgresqlDatabases, SqliteDatabases, serving
from tests.delivery.ledger import CLOCK_TOLERANCE
from tests.delivery.machine import shared_time
from tests.delivery.town import Size
from tests.delivery.trials import (
    AFTER_LEASE,
    COULD_NOT_START,
    KILLED,
    NOTHING,
    OK,
    STOPPED,
    Event,
    Nursery,
    Outcome,
    Trial,
)

SIZE = Size(workspaces=3, channels=2)
MIN_KILLS = 60
"""Kills after which a part is done; only processes that were ended by the signal count."""
MAX_TRIALS = 500
ERRORS = {
    "sqlite": (-timedelta(hours=3), CLOCK_TOLERANCE - timedelta(minutes=1)),
    "postgresql": (-timedelta(hours=6), timedelta(hours=6)),
}
"""How wrong a wall clock may get when it jumps. On SQLite, it's the clock that all processes go by: one that's further
ahead of the platform's than the tolerance would look for an earlier post among later ones only."""


@dataclass
class Tally:
    """What came of the trials so far. `wrong` has the numbers of those that weren't right."""

    trials: int = 0
    kills: int = 0
    stops: int = 0
    lost: int = 0
    doubled: int = 0
    half_done: int = 0
    wrong: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    def add(self, number: int, outcome: Outcome) -> None:
        self.trials += 1
        self.lost += outcome.lost
        self.doubled += outcome.doubled
        self.half_done += outcome.half_done
        self.took.append(outcome.took.total_seconds())
        if not outcome.is_right:
            self.wrong.append(number)

    @property
    def time_to_recover(self) -> str:
        """The median and the longest time until everything was done, in seconds."""
        return f"{median(self.took):.0f} / {max(self.took):.0f} s" if self.took else ""


class Plan:
    """What happens in one trial."""

    def __init__(self, seed: int, kind: str, database: str, number: int, steps: int) -> None:
        self._random = random.Random(f"{seed} {kind} {database} {number}")
        self._database = database
        count = self._random.randint(2, 4)
        self.first = [self._event(steps // count) for _ in range(count)]
        self.second = [self._event(steps // count) for _ in range(self._random.randint(1, 2))]
        self.has_trouble = self._random.random() < 0.5
        self.others_end_first = self._random.random() < 0.5

    def _event(self, steps: int) -> Event:
        what = self._random.choices(("kill", "stop", "jump", "nothing"), (60, 20, 15, 5))[0]
        if what == "nothing":
            return NOTHING
        error = self._random.uniform(*(limit.total_seconds() for limit in ERRORS[self._database]))
        return Event(what, self._random.randint(1, max(steps, 6)), error)

    def trouble(self) -> int | None:
        """Return a seed for another process's platform."""
        return self._random.randrange(2**32) if self.has_trouble else None


async def carry_out(plan: Plan, trial: Trial, databases: Databases, tally: Tally) -> Outcome:
    """Let processes begin at once. Then others take over, and those that were stopped go on meanwhile or afterwards."""
    trial.begin(databases)
    stopped = _ended([trial.start(event, trouble=plan.trouble()) for event in plan.first], trial, tally)
    trial.time.advance(AFTER_LEASE)
    others = [trial.start(event, trouble=plan.trouble()) for event in plan.second]
    if plan.others_end_first:
        stopped, others = [*stopped, *_ended(others, trial, tally)], []
    for process in stopped:
        trial.go_on(process)
    stopped = _ended([*stopped, *others], trial, tally)
    trial.time.advance(AFTER_LEASE)
    for process in stopped:
        trial.go_on(process)
    _ended(stopped, trial, tally)
    await trial.recover()
    return await trial.outcome()


def _ended(processes: list[int], trial: Trial, tally: Tally) -> list[int]:
    """Wait for processes, count those that were killed, and return those that were stopped."""
    stopped = []
    for process in processes:
        ended = trial.wait(process)
        assert ended in (OK, KILLED, STOPPED, COULD_NOT_START), ended
        tally.kills += ended == KILLED
        tally.stops += ended == STOPPED
        if ended == STOPPED:
            stopped.append(process)
    return stopped


@contextmanager
def databases_of(database: str, folder: Path) -> Iterator[Callable[[], Databases]]:
    """Yield what makes databases of one kind; they're dropped with `drop`, or at the end."""
    if database == "sqlite":
        template = folder / "tables.db"
        upgrade(f"sqlite:///{template}")
        yield lambda: SqliteDatabases(template, Path(tempfile.mkdtemp(dir=folder)))
    else:
        with serving() as server:
            yield lambda: PostgresqlDatabases(server)


def tried(kind: str, database: str, seed: int, only: int | None = None) -> Iterator[Tally]:
    """Yield the tally after each trial until there were enough kills; or after one trial, if `only` it is wanted."""
    tally = Tally()
    # That processes are interrupted is what a soak is for, so what they log about it is shown for one trial only.
    log_level = "critical" if only is None else "warning"
    logs.set_up(log_level)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="study-soak-")))
        library = Library(load().bank, folder / "index", Embedder())  # never searched
        stack.callback(library.close)
        make = stack.enter_context(databases_of(database, folder))
        time = stack.enter_context(shared_time())
        nursery = Nursery(log_level)
        stack.callback(nursery.close)
        runner = stack.enter_context(asyncio.Runner())
        trial = Trial(nursery, time, folder / "ledger", kind)
        prepared = make()
        runner.run(trial.prepare(prepared, library, SIZE))
        steps = trial.steps(prepared)
        number = only or 0
        while tally.kills < MIN_KILLS and tally.trials < MAX_TRIALS:
            copies = make()
            plan = Plan(seed, kind, database, number, steps)
            tally.add(number, runner.run(carry_out(plan, trial, copies, tally)))
            copies.drop()
            yield tally
            if only is not None:
                break
            number += 1
        prepared.drop()
