"""The bookkeeping of `make soak`, with parts that only note that they ran."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from tests.soak.__main__ import soak
from tests.soak.parts import Show, all_parts
from tests.soak.record import Result


@dataclass
class Rehearsal:
    """A part that notes the seeds with which it ran, and can be interrupted once, or go wrong."""

    name: str
    is_interrupted: bool = False
    wrong: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def run(self, seed: int, show: Show) -> Result:
        if self.is_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt
        show("half")
        self.seeds.append(seed)
        return Result(self.name, seed, 1.0, trials=3, kills=60, lost=len(self.wrong), wrong=self.wrong)


class Bench:
    def __init__(self, folder: Path, *parts: Rehearsal) -> None:
        self.parts = parts
        self._file = folder / ".soak" / "results.jsonl"
        self.shown = ""

    def soak(self, *arguments: str) -> int:
        written = io.StringIO()
        try:
            return soak(self.parts, self._file, arguments, Console(file=written, width=120))
        finally:
            self.shown = written.getvalue()


def test_an_interrupted_soak_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first, second, third = Rehearsal("kills/pin/sqlite"), Rehearsal("b", is_interrupted=True), Rehearsal("c")
    bench = Bench(tmp_path, first, second, third)
    with pytest.raises(KeyboardInterrupt):
        bench.soak()

    assert bench.soak() == 0

    assert first.seeds == second.seeds == third.seeds
    assert len(first.seeds) == 1
    assert "2 of 3 parts to run" in bench.shown
    assert "kills/pin" in bench.shown  # the table has all three


def test_a_finished_soak_is_followed_by_another_one_with_a_new_seed(tmp_path: Path) -> None:
    first, second = Rehearsal("a"), Rehearsal("b")
    bench = Bench(tmp_path, first, second)
    for _ in range(2):
        assert bench.soak() == 0

    assert len(set(first.seeds)) == 2
    assert first.seeds == second.seeds


def test_what_went_wrong_fails_the_soak_even_if_later_parts_go_well(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Rehearsal("a", wrong=["kills/pin/sqlite --seed 7 --trial 12"]), Rehearsal("b"))

    assert bench.soak() == 1

    assert "kills/pin/sqlite --seed 7 --trial 12" in bench.shown


def test_a_folder_names_all_parts_in_it(tmp_path: Path) -> None:
    parts = [Rehearsal(name) for name in ("kills/pin/sqlite", "kills/pin/postgresql", "kills/pinned", "text")]

    assert Bench(tmp_path, *parts).soak("kills/pin") == 0

    assert [len(part.seeds) for part in parts] == [1, 1, 0, 0]


def test_a_part_is_run_again_with_the_seed_that_it_had(tmp_path: Path) -> None:
    part, other = Rehearsal("a"), Rehearsal("b")
    bench = Bench(tmp_path, part, other)
    for options in ((), (), ("--again",)):
        assert bench.soak("a", "--seed", "7", *options) == 0

    assert part.seeds == [7, 7]
    assert other.seeds == []


def test_every_kind_of_delivery_is_tried_on_both_databases() -> None:
    names = {part.name for part in all_parts()}

    kinds = ("question", "thread", "pin", "reveal", "count", "reminder", "note")
    assert names >= {f"kills/{kind}/{database}" for kind in kinds for database in ("sqlite", "postgresql")}
    assert names >= {"properties/study/progress/test_streaks", "databases/conversations"}
