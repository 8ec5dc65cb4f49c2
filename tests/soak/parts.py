"""The parts of a soak, each under 15 minutes: kills, properties with many examples, all tests on both databases.

The name of a part is a path, so that a folder names everything in it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.delivery.town import KINDS
from tests.soak.kills import MIN_KILLS, Tally, tried
from tests.soak.record import Result

TESTS = Path("tests")
DATABASES = ("sqlite", "postgresql")
PYTEST = ("-m", "pytest", "-n", "3", "--dist", "worksteal")
PROPERTIES = ("-m", "hypothesis", "--hypothesis-profile", "deep")
LONG = ("-m", "soak", "--soak")
BOTH_DATABASES = ("-m", "not hypothesis and not soak", "--databases", "both", "--soak")
NO_TESTS = 5
"""Pytest's exit status if none was chosen."""

Show = Callable[[str], None]
"""Shows how far a part is."""


class Part(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, seed: int, show: Show) -> Result: ...


@dataclass(frozen=True)
class Kills:
    """Random trials of one kind of delivery on one database."""

    kind: str
    database: str

    @property
    def name(self) -> str:
        return f"kills/{self.kind}/{self.database}"

    def run(self, seed: int, show: Show, only: int | None = None) -> Result:
        """Return what came of all trials, or of the one with the number `only`."""
        started = time.monotonic()
        tally = Tally()
        for tally in tried(self.kind, self.database, seed, only):
            show(f"{tally.trials} trials, {tally.kills} of {MIN_KILLS} kills")
        wrong = [f"{self.name} --seed {seed} --trial {number}" for number in tally.wrong]
        if only is None and tally.kills < MIN_KILLS:
            wrong.append(f"{self.name} --seed {seed}: only {tally.kills} kills")
        return Result(
            self.name,
            seed,
            time.monotonic() - started,
            tally.trials,
            tally.kills,
            tally.stops,
            tally.lost,
            tally.doubled,
            tally.half_done,
            tally.time_to_recover,
            wrong,
        )


@dataclass(frozen=True)
class Pytest:
    """Tests of a file or folder, chosen and run with some options."""

    group: str
    path: Path
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.group}/{self.path.relative_to(TESTS).with_suffix('')}"

    def run(self, seed: int, show: Show) -> Result:
        started = time.monotonic()
        command = [sys.executable, *PYTEST, *self.options, "--hypothesis-seed", str(seed), str(self.path)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        written = ""
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                written += line
                if progress := re.search(r"\[ *(\d+%)\]$", line.rstrip()):
                    show(progress[1])
        is_right = process.returncode in (os.EX_OK, NO_TESTS)
        tests = re.search(r"(\d+) tests took", written)
        return Result(
            self.name,
            seed,
            time.monotonic() - started,
            int(tests[1]) if tests else 0,
            wrong=[] if is_right else [f"{self.name} --seed {seed} --again", written],
        )


def all_parts() -> list[Part]:
    """Return every part, in the order in which they run."""
    kills = [Kills(kind, database) for kind in KINDS for database in DATABASES]
    files = sorted(TESTS.rglob("test_*.py"))
    properties = [
        Pytest("properties", file, PROPERTIES) for file in files if "from hypothesis import" in file.read_text()
    ]
    long = [Pytest("long", file, LONG) for file in files if "pytest.mark.soak" in file.read_text()]
    both = [Pytest("databases", folder, BOTH_DATABASES) for folder in sorted({_folder(file) for file in files})]
    return [*kills, *long, *properties, *both]


def _folder(file: Path) -> Path:
    """Return what a test file is run with: its folder, or below the platforms' theirs; itself if it's in none."""
    below = file.relative_to(TESTS).parts
    return TESTS.joinpath(*below[: 2 if below[0] == "platforms" else 1])
