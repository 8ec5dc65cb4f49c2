"""New questions into a bank's folder: all of them or none, also when the program is killed half-way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from knowledge.format.reader import UNFINISHED, unfinished
from knowledge.format.writer import markdown
from knowledge.questions import Question
from knowledge.retrieval.array_file import settle

LOCK = ".importing.lock"


class Busy(Exception):
    """Another import into the same folder is under way."""


def add(folder: Path, questions: Sequence[Question]) -> None:
    """Write a file for each question. First a journal says which; without it they are there, with it they are not.

    Raises Busy, FileExistsError where a question's file is there already, NotADirectoryError where a topic's folder is
    a link, or another OSError; then nothing is changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        clear(folder)
        paths = [Path(question.topic) / f"{question.id}.md" for question in questions]
        if there := next((path for path in paths if (folder / path).exists()), None):
            raise FileExistsError(f"{folder / there} is there already")
        if link := next((path.parent for path in paths if (folder / path.parent).is_symlink()), None):
            raise NotADirectoryError(f"{folder / link} is a link: name the folder that it leads to with --into")
        _write(folder / UNFINISHED, "".join(f"{path.as_posix()}\n" for path in paths))
        try:
            for path, question in zip(paths, questions, strict=True):
                (folder / path).parent.mkdir(exist_ok=True)
                _write(folder / path, markdown(question))
            for changed in {folder, *(folder / path.parent for path in paths)}:
                settle(changed)
        except BaseException:
            clear(folder)
            raise
        (folder / UNFINISHED).unlink()  # from here on they are there
        settle(folder)


def clear(folder: Path) -> None:
    """Delete what an import that was cut off has left. Only files of questions are touched, and no link is followed."""
    for path in unfinished(folder):
        inside = len(path.parts) == 2 and ".." not in path.parts and not path.is_absolute()
        if inside and path.suffix == ".md" and not (folder / path.parent).is_symlink():
            with suppress(FileNotFoundError):
                (folder / path).unlink()
            with suppress(OSError):  # not empty: it was there before
                (folder / path.parent).rmdir()
    (folder / UNFINISHED).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system gives back when the program ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: two imports at once are then kept apart by the journal alone
        yield
        return
    # A bank may come from anywhere: a link in the lock's place is not followed, and nothing is written into the file.
    handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"Another import into {folder} is under way; try again when it has ended.") from None
        yield
