"""Add questions to a bank's folder: all of them or none, even if the program is killed halfway."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from knowledge.durable import sync_folder
from knowledge.format.reader import JOURNAL, NAME_LIMIT, unfinished
from knowledge.format.writer import markdown
from knowledge.questions import NAME, Question

LOCK = ".importing.lock"
QUESTION_FILE = re.compile(rf"{NAME.pattern}/{NAME.pattern}\.md")
MAX_PART_LENGTH = NAME_LIMIT + len(".md")


class ImportInProgressError(Exception):
    """Another import into the same folder is running."""


def add(folder: Path, questions: Sequence[Question]) -> None:
    """Write a file for each question. While the journal exists, the bank doesn't count them; deleting it commits.

    Raises ImportInProgressError, FileExistsError if a question's file exists, NotADirectoryError if a topic's folder is
    a link, or another OSError. Then nothing has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        clear(folder)
        paths = [Path(question.topic) / f"{question.id}.md" for question in questions]
        if existing := next((path for path in paths if (folder / path).exists()), None):
            raise FileExistsError(f"{folder / existing} already exists")
        if link := next((path.parent for path in paths if (folder / path.parent).is_symlink()), None):
            raise NotADirectoryError(f"{folder / link} is a link: pass the folder it points to with --into")
        _write(folder / JOURNAL, "".join(f"{path.as_posix()}\n" for path in paths))
        sync_folder(folder)  # a power loss must not keep the questions and lose the journal
        try:
            for path, question in zip(paths, questions, strict=True):
                (folder / path).parent.mkdir(exist_ok=True)
                _write(folder / path, markdown(question))
            for changed in {folder, *(folder / path.parent for path in paths)}:
                sync_folder(changed)
        except BaseException:
            clear(folder)
            raise
        (folder / JOURNAL).unlink()  # from here on, the bank has them
        sync_folder(folder)


def clear(folder: Path) -> None:
    """Delete what a killed import left behind. Touches only question files, and follows no links."""
    for path in unfinished(folder):
        is_ours = QUESTION_FILE.fullmatch(path.as_posix()) and all(len(part) <= MAX_PART_LENGTH for part in path.parts)
        if is_ours and not (folder / path.parent).is_symlink():
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                (folder / path).unlink()
            with suppress(OSError):  # it has other files, so it stays
                (folder / path.parent).rmdir()
    (folder / JOURNAL).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system releases whenever and however the program ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where only the journal keeps two imports apart
        yield
        return
    # A bank may come from anywhere, so don't follow a link in the lock's place, and write nothing into the file.
    handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportInProgressError(f"Another import into {folder} is running; try again when it's done.") from None
        yield
