"""What came of each part of a soak, kept in a file, so that a soak that's interrupted goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What came of one part. `wrong` says how to see again what went wrong; a part without any is right."""

    part: str
    seed: int
    seconds: float
    trials: int
    kills: int = 0
    stops: int = 0
    lost: int = 0
    doubled: int = 0
    half_done: int = 0
    time_to_recover: str = ""
    wrong: list[str] = field(default_factory=list)


class Record:
    """A file with one result per line, in the order in which they came. A soak is all results with one seed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _all(self) -> list[Result]:
        if not self._file.exists():
            return []
        return [Result(**json.loads(line)) for line in self._file.read_text().splitlines()]

    @property
    def last_seed(self) -> int | None:
        """The seed of the latest soak; None before the first."""
        return next((result.seed for result in reversed(self._all())), None)

    def results(self, seed: int) -> dict[str, Result]:
        """Return the latest result of each part of a soak."""
        return {result.part: result for result in self._all() if result.seed == seed}

    def add(self, result: Result) -> None:
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
