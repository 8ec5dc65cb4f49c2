"""The clock that processes share, when a computer's own clock is wrong or jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.context.clock import DatabaseClock
from bot.store.engine import Store

pytestmark = pytest.mark.both_databases


class Computer:
    """A computer's clocks: one that can be set, and one that only counts."""

    def __init__(self, offset: timedelta) -> None:
        self._offset, self.seconds = offset, 0.0

    def wall(self) -> datetime:
        return datetime.now(UTC) + self._offset + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def jump(self, span: timedelta) -> None:
        self._offset += span

    def clock(self, store: Store) -> DatabaseClock:
        return DatabaseClock(store, self.wall, self.monotonic)


async def test_processes_on_computers_with_different_clocks_agree(store: Store) -> None:
    if store.dialect == "sqlite":
        pytest.skip("the processes of a SQLite database share a computer")
    clocks = [Computer(timedelta(hours=hours)).clock(store) for hours in (-30, 0, 2)]
    for clock in clocks:
        await clock.synchronize()

    assert max(clock() for clock in clocks) - min(clock() for clock in clocks) < timedelta(minutes=1)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_a_jump_has_no_effect_until_the_next_look(store: Store, hours: int) -> None:
    computer = Computer(timedelta())
    clock = computer.clock(store)
    await clock.synchronize()
    before = clock()

    computer.jump(timedelta(hours=hours))
    computer.seconds += 7

    assert clock() - before == timedelta(seconds=7)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_after_a_jump_the_database_is_right(store: Store, hours: int) -> None:
    computer = Computer(timedelta())
    clock = computer.clock(store)
    async with clock.running():
        before = clock()
        computer.jump(timedelta(hours=hours))
        await clock.synchronize()

    moved = clock() - before
    expected = timedelta(hours=hours) if store.dialect == "sqlite" else timedelta()
    assert abs(moved - expected) < timedelta(minutes=1)
