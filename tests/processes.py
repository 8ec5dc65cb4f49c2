"""Run `studyhall` in real processes that begin with everything imported: each is a fork of a server without threads.

They can be signaled, killed and waited for like any other. To import everything anew would take each of them a second.
Whether there's a terminal was found out before: what's drawn on one takes a process from `tests.commandline`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from multiprocessing.reduction import DupFd
from typing import IO, Any

from tests.clocks import HANG

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["bot.cli.bank", "bot.cli.run", "bot.platforms.slack.app", "bot.web.app", "bot.web.metrics", __name__]
)


class Descriptor:
    """A file descriptor that another process gets a duplicate of."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> object:
        return DupFd(self.number)

    def __setstate__(self, duplicate: Any) -> None:
        self.number = duplicate.detach()


def _main(environment: Mapping[str, str], words: tuple[str, ...], *files: Descriptor) -> None:
    """Become the program, with its environment, its arguments and its standard files."""
    from bot.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    for standard, file in enumerate(files):
        os.dup2(file.number, standard)
        os.close(file.number)
    sys.argv = ["studyhall", *words]
    sys.stdin, sys.stdout, sys.stderr = _text(0, "r"), _text(1, "w"), _text(2, "w")
    main()


def _text(number: int, mode: str) -> IO[str]:
    """Open a standard file as Python's UTF-8 mode does."""
    errors = "backslashreplace" if number == 2 else "surrogateescape"
    buffering = 1 if os.isatty(number) else -1
    return os.fdopen(number, mode, buffering, "utf-8", errors, closefd=False)


class Program:
    """A running `studyhall`. Its standard files are descriptors, or by default have and keep nothing."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *words: str,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        files = [Descriptor(nothing if file is None else file) for file in (stdin, stdout, stderr)]
        self._process = CONTEXT.Process(target=_main, args=(dict(environment), words, *files))
        self._process.start()
        os.close(nothing)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """Kill it, unless it has ended: then its id may be another process's."""
        if self._process.is_alive():
            self._process.kill()

    def wait(self) -> int | None:
        """Return the exit status, or minus the signal that ended it; None if it hangs."""
        self._process.join(HANG)
        return self._process.exitcode


@contextmanager
def conversation(
    program: type[Program], environment: Mapping[str, str], *words: str
) -> Iterator[tuple[Program, IO[str], IO[str]]]:
    """Start a program, and also yield a file that it reads and one that it writes to."""
    (heard, saying), (listening, said) = os.pipe(), os.pipe()
    running = program(environment, *words, stdin=heard, stdout=said)
    os.close(heard)
    os.close(said)
    with os.fdopen(saying, "w", buffering=1) as to, os.fdopen(listening) as answers:
        yield running, to, answers
        running.kill()
        running.wait()


@contextmanager
def fork_server() -> Iterator[type[Program]]:
    """Run the server while the block runs; it's waited for, so that its CPU time is counted."""
    yield Program
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
