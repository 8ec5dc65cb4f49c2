"""The files of a SQLite database: what's wrong with them is said in words, and what would be right."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import DatabaseError
from bot.store.engine import Store
from bot.store.files import create, refuse_unusable, write_error
from bot.store.upgrade import check, upgrade
from tests.clocks import HANG


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "study.db"


def open_store(url: str) -> None:
    asyncio.run(Store.open(url))


def refusal(file: Path) -> str:
    """Return what everything that opens the database says."""
    said = set()
    for use in (upgrade, check, open_store):
        with pytest.raises(DatabaseError) as caught:
            use(f"sqlite:///{file}")
        said.add(str(caught.value))
    (only,) = said
    return only


def test_an_empty_file_is_most_likely_a_lost_database(file: Path) -> None:
    file.touch()

    assert refusal(file) == (
        f"{file} is empty (0 bytes), so the database that used to be there is most likely lost. Restore a backup with "
        "`studyhall restore`, or delete the empty file to start fresh."
    )
    assert file.stat().st_size == 0


def test_a_log_whose_database_is_gone_is_kept(file: Path) -> None:
    log = file.with_name("study.db-wal")
    log.write_bytes(b"all that's left")

    assert "is missing, but its write-ahead log" in refusal(file)
    assert log.read_bytes() == b"all that's left"
    assert not file.exists()


def test_a_log_that_belongs_to_another_database_is_not_applied(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    file.with_name("study.db-wal").write_bytes(b"of another database")

    assert "delete study.db-wal and study.db-shm" in refusal(file)


def test_a_crashed_database_still_opens_with_its_log(file: Path, tmp_path: Path) -> None:
    upgrade(f"sqlite:///{file}")
    copied = tmp_path / "copied.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO person (created_at) VALUES ('2026-11-16 09:30:00')")
        connection.commit()
        for ending in ("", "-wal"):
            shutil.copyfile(f"{file}{ending}", f"{copied}{ending}")
    upgrade(f"sqlite:///{copied}")

    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("SELECT count(*) FROM person").fetchone() == (1,)


def test_a_check_does_not_drop_the_locks_of_a_database_that_is_open_here(file: Path) -> None:
    """Closing any descriptor of a file drops all of a process's locks on it."""
    upgrade(f"sqlite:///{file}")
    take = (
        "import sqlite3, sys\n"
        "other = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "other.execute('PRAGMA locking_mode=EXCLUSIVE')\n"
        "other.execute('BEGIN EXCLUSIVE')\n"
    )
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO person (created_at) VALUES ('2026-11-16 09:30:00')")
        connection.commit()
        refuse_unusable(file)
        taken = subprocess.run([sys.executable, "-c", take, file], capture_output=True, text=True, check=False)

    assert "database is locked" in taken.stderr


def test_a_new_file_is_never_empty_and_only_for_this_user(file: Path) -> None:
    create(file)

    assert file.read_bytes().startswith(b"SQLite format 3\0")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [*file.parent.iterdir()] == [file]


def test_a_file_that_exists_is_left_alone(file: Path) -> None:
    file.write_text("mine")
    create(file)

    assert file.read_text() == "mine"


def test_a_folder_in_the_databases_place_is_named(file: Path) -> None:
    file.mkdir()

    for use in (upgrade, open_store):
        with pytest.raises(DatabaseError, match=r"is a folder\. Name a file"):
            use(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("code", "exists", "words"),
    [
        (errno.ENOSPC, False, "Can't create .*: the disk is full. Free up some space"),
        (errno.ENOSPC, True, "exists, but it can't be written: the disk is full"),
        (errno.EDQUOT, False, "the disk is full"),
        (errno.EROFS, False, "Can't create .*: its disk is mounted read-only"),
        (errno.EROFS, True, "exists, but it can't be written: its disk is mounted read-only"),
        (errno.EACCES, False, "isn't allowed to write to the folder .*Give this user write access"),
        (errno.EACCES, True, "exists, but it's read-only for this user. Give this user write access"),
        (errno.ENAMETOOLONG, False, "Can't create .*: File name too long"),
    ],
)
def test_the_reason_is_said_with_what_would_be_right(file: Path, code: int, exists: bool, words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        raise write_error(OSError(code, os.strerror(code)), file, exists=exists)


@pytest.fixture
def anyones() -> Iterator[Path]:
    """Make a folder that every user reaches; root, who may write anywhere, becomes somebody else there."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


AS_SOMEBODY = """
import os, sys
from bot.errors import DatabaseError
from bot.store.upgrade import upgrade

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    upgrade(f"sqlite:///{sys.argv[1]}")
except DatabaseError as problem:
    print(problem)
"""


def as_somebody(file: Path) -> str:
    """Return what a user who isn't root hears about a database."""
    command = [sys.executable, "-c", AS_SOMEBODY, str(file)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=HANG, check=True).stdout


def test_a_read_only_file_is_said_to_be_read_only(anyones: Path) -> None:
    upgrade(f"sqlite:///{anyones / 'studyhall.db'}")
    (anyones / "studyhall.db").chmod(0o444)

    said = as_somebody(anyones / "studyhall.db")
    assert "studyhall.db exists, but it's read-only for this user. Give this user write access" in said


def test_a_read_only_folder_of_a_database_is_said_to_be_read_only(anyones: Path) -> None:
    upgrade(f"sqlite:///{anyones / 'studyhall.db'}")
    (anyones / "studyhall.db").chmod(0o666)
    anyones.chmod(0o555)

    assert "is read-only for this user, but SQLite has to create files there" in as_somebody(anyones / "studyhall.db")


def test_a_read_only_folder_for_a_new_database_is_named(anyones: Path) -> None:
    anyones.chmod(0o555)

    said = as_somebody(anyones / "data" / "studyhall.db")
    assert f"isn't allowed to write to the folder {anyones}. Give this user write access" in said
    assert "isn't allowed to write to the folder" in as_somebody(anyones / "studyhall.db")
