"""Start and end the drawing process, and talk to it."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, cast

from bot.drawing.program import Subject

COMMAND = (sys.executable, "-P", "-m", "bot.drawing.program")
"""-P: modules in the folder that the bot was started in must not take the place of ours."""
STOP_TIMEOUT = 1.0
"""Seconds that the process gets to end by itself, and to remove its files."""


class DrawingError(Exception):
    """A picture couldn't be drawn; the message says why."""


class Worker:
    """A process that draws one picture at a time. It loads the libraries for the first one, in half a second."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 (ours)
        self._subjects, self._answers = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def draw(self, subject: Subject) -> bytes | None:
        """Wait for the picture; None if it's a formula that can't be drawn. Raises DrawingError."""
        try:
            pickle.dump(subject, self._subjects)
            self._subjects.flush()
            png, problem = pickle.load(self._answers)  # noqa: S301 (from our own process)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:  # ValueError: the pipe is closed
            raise DrawingError("the drawing process ended") from error
        if problem:
            raise DrawingError(problem)
        return png  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End the process, even in the middle of a drawing, and wait until it has ended. Safe to call twice."""
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._subjects.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
