"""Time that only a test moves on, for several processes and their database, and computers whose clocks are wrong.

Every process reads the true time from one file, and so does PostgreSQL's own clock. So processes use the program's
clocks as they are, and a lease runs out without anybody waiting for it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

_wall, _monotonic = time.time, time.monotonic

WIDTH = 25
"""Letters per number in the file, so that each is read and written as a whole."""
RENAME_CLOCK = "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO computers_clock_timestamp"
REPLACE_CLOCK = """
CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$
SELECT pg_catalog.computers_clock_timestamp()
    + make_interval(secs => substr(pg_read_file('{file}'), 1, {width})::float8)
$$
"""


class SharedTime:
    """The true time, and how wrong the wall clock is of the computer that SQLite's processes share, both in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._descriptor = os.open(file, os.O_RDWR)

    def _read(self, number: int) -> float:
        return float(os.pread(self._descriptor, WIDTH, number * WIDTH))

    def _write(self, number: int, seconds: float) -> None:
        os.pwrite(self._descriptor, f"{seconds:+{WIDTH}.6f}".encode(), number * WIDTH)

    @property
    def offset(self) -> float:
        """Seconds from this computer's clock to the true time."""
        return self._read(0)

    @property
    def error(self) -> float:
        """Seconds from the true time to the wall clock of the computer that SQLite's processes share."""
        return self._read(1)

    def now(self) -> datetime:
        return datetime.fromtimestamp(_wall() + self.offset, UTC)

    def begin(self, moment: datetime) -> None:
        """Let it be this moment, and all clocks right."""
        self._write(0, moment.timestamp() - _wall())
        self._write(1, 0)

    def advance(self, span: timedelta) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._write(0, self.offset + span.total_seconds())
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def jump(self, error: float) -> None:
        """Let the wall clock that SQLite's processes share be wrong by so many seconds; the time goes on."""
        self._write(1, error)

    def rule(self, connection: Connection) -> None:
        """Let this PostgreSQL database's clock show the true time, and that of every copy of it."""
        connection.execute(text(RENAME_CLOCK))
        connection.execute(text(REPLACE_CLOCK.format(file=self.file, width=WIDTH)))

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def shared_time() -> Iterator[SharedTime]:
    """Make a time, in a file that the user of a PostgreSQL server can read."""
    descriptor, name = tempfile.mkstemp(prefix="study-time-")
    os.close(descriptor)
    file = Path(name)
    file.chmod(0o644)
    made = SharedTime(file)
    made.begin(datetime.now(UTC))
    try:
        yield made
    finally:
        made.close()
        file.unlink()


class Computer:
    """The clocks of one process, whose wall clock can jump: its own, or the one that it shares with all others."""

    def __init__(self, shared: SharedTime, *, is_shared: bool) -> None:
        self._shared, self._is_shared = shared, is_shared
        self._started = shared.offset
        self._error = 0.0

    def wall(self) -> float:
        return _wall() + self._shared.offset + (self._shared.error if self._is_shared else self._error)

    def monotonic(self) -> float:
        return _monotonic() + self._shared.offset - self._started

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)

    def jump(self, error: float) -> None:
        """Let the wall clock be wrong by so many seconds; the monotonic one goes on."""
        if self._is_shared:
            self._shared.jump(error)
        else:
            self._error = error

    def install(self) -> None:
        """Let this process, with its event loop and its leases, see this computer's clocks, as libfaketime would."""
        vars(time).update(time=self.wall, monotonic=self.monotonic)
