"""Run something in forked processes that are killed, one at its first step, the next some steps later, until one ends.

A step is a call that creates, opens, changes, renames or deletes a file, or a report of progress. What each process
left behind is printed, as JSON. This is a program of its own, because the tests' process has threads.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import DatabaseError
from bot.store import backup_file
from bot.store.backup import backup
from bot.store.files import companions
from bot.store.restore import restore
from bot.store.upgrade import check, upgrade
from tests.store.filling import contents

STEPS = {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.copyfile"} | {
    "sqlite3.connect",
    "sqlite3.connect/handle",
    "tempfile.mkdtemp",
    "tempfile.mkstemp",
}


class Countdown:
    """Kills the process at a step."""

    def __init__(self, step: int, folder: Path) -> None:
        self._left, self._folder = step, str(folder)

    def __call__(self, *_: object) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in STEPS or (event == "open" and str(arguments[0]).startswith(self._folder)):
            self()


def killed_at_every_step(
    folder: Path,
    prepare: Callable[[], None],
    work: Callable[[Callable[[int, int], None]], object],
    look: Callable[[], str],
    stride: int,
) -> list[str]:
    states = []
    for step in itertools.count(1, stride):
        prepare()
        child = os.fork()
        if not child:
            countdown = Countdown(step, folder)
            sys.addaudithook(countdown.audit)
            work(countdown)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        states.append(look())
        if not os.WIFSIGNALED(status):
            assert status == 0
            return states
    raise AssertionError


def backing_up(folder: Path, stride: int, url: str) -> list[str]:
    target = folder / "target" / "study.backup"

    def prepare() -> None:
        shutil.rmtree(target.parent, ignore_errors=True)

    def look() -> str:
        return str(backup_file.check(target).counts["answer"]) if target.exists() else "absent"

    return killed_at_every_step(folder, prepare, lambda progress: backup(url, target, progress=progress), look, stride)


def overwriting(folder: Path, stride: int, url: str) -> list[str]:
    target = folder / "target" / "study.backup"

    def prepare() -> None:
        target.parent.mkdir(exist_ok=True)
        target.write_text("old")

    def look() -> str:
        if target.read_bytes() == b"old":
            return "old"
        return str(backup_file.check(target).counts["answer"])

    return killed_at_every_step(
        folder, prepare, lambda progress: backup(url, target, force=True, progress=progress), look, stride
    )


def restoring(folder: Path, stride: int, url: str, source: str) -> list[str]:
    """Restore into a database that has other rows. On SQLite, it comes with a write-ahead log after a crash."""
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None
    before = contents(url)
    saved = folder / "saved"
    if file is not None:
        shutil.copyfile(file, saved)

    def prepare() -> None:
        if file is not None:
            for companion in companions(file):
                companion.unlink(missing_ok=True)
            shutil.copyfile(saved, file)

    def look() -> str:
        found = contents(url)
        return "old" if found == before else str(len(found["answer"]))

    return killed_at_every_step(
        folder, prepare, lambda progress: restore(Path(source), url, force=True, progress=progress), look, stride
    )


def upgrading(folder: Path, stride: int, url: str) -> list[str]:
    """Create a database; whoever is killed at it, the next one carries on."""
    file = Path(url.removeprefix("sqlite:///"))

    def prepare() -> None:
        for path in (file, *companions(file)):
            path.unlink(missing_ok=True)

    def look() -> str:
        try:
            upgrade(url)
        except DatabaseError as problem:
            return str(problem)
        return "clean" if check(url).clean else "other tables"

    return killed_at_every_step(folder, prepare, lambda _progress: upgrade(url), look, stride)


if __name__ == "__main__":
    name, place, every, *rest = sys.argv[1:]
    print(json.dumps(globals()[name](Path(place), int(every), *rest)))
