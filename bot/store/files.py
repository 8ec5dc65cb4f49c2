"""The files of a SQLite database: creating them whole, replacing them whole, and noticing what's wrong with them."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from bot.errors import DatabaseError

STALE_AFTER_S = 3600.0
"""Age of a half-written file at which it must be a killed process's."""
HEADER_SIZE = 100
MAGIC = b"SQLite format 3\0"
WRITE_AHEAD = 2
"""The header's version number while a database uses a write-ahead log."""
APPLICATION_ID = 0x53545544
"""Marks our databases; file(1) shows it. Only its presence matters: without any content, a new file would be empty."""

_opened: dict[tuple[int, int], int] = {}
"""Descriptors by device and inode, which stay open. Closing one would drop all locks that SQLite holds on the file in
this process, if the database is open here too (POSIX wants it so)."""


def refuse_unusable(file: Path) -> None:
    """Raise DatabaseError if the file, or what lies next to it, shows that something happened to the database.

    A file that isn't there is fine, unless its write-ahead log is. SQLite notices other damage by itself.
    """
    file = Path(os.path.realpath(file))  # SQLite keeps the log next to the file that a link points to
    log = write_ahead_log(file)
    # The log before the header: a database that's switching to the log right now writes its header first.
    log_size = _size(log)
    size = _size(file)
    if size == 0:
        raise DatabaseError(
            f"{file} is empty (0 bytes), so the database that used to be there is most likely lost. Restore a backup "
            "with `studyhall restore`, or delete the empty file to start fresh."
        )
    if size is None and log_size:
        raise DatabaseError(
            f"{file} is missing, but its write-ahead log {log} is still there, so the database was most likely lost or "
            "moved. Put it back, or restore a backup with `studyhall restore`. To start fresh, delete the log."
        )
    if size and log_size and not _expects_log(file):
        raise DatabaseError(
            f"{file} was replaced, for example by a backup, but {log} belongs to the database before it and would "
            f"overwrite it. To keep {file.name} as it is now, delete {log.name} and {shared_memory(file).name}. "
            "Next time, use `studyhall restore`, which takes care of that."
        )


def refuse_missing(file: Path) -> None:
    """Raise DatabaseError if there's no database in the file, or if it's unusable."""
    refuse_unusable(file)
    try:
        file.stat()
    except PermissionError:
        raise DatabaseError(f"This user isn't allowed to look into the folder of {file}. Give it access.") from None
    except OSError:
        raise DatabaseError(f"There's no database at {file} yet. Run `studyhall db upgrade`.") from None


def refuse_unwritable(file: Path) -> None:
    """Raise DatabaseError with the reason if this user can't write to an existing database or next to it."""
    if os.path.isdir(file):
        raise DatabaseError(f"{file} is a folder. Name a file for the database, such as {file / 'studyhall.db'}.")
    for path in (file, file.parent):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise write_error(OSError(errno.EROFS, ""), file, exists=True)
    if not os.access(file, os.R_OK | os.W_OK):
        raise write_error(OSError(errno.EACCES, ""), file, exists=True)
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise DatabaseError(
            f"The folder {file.parent} is read-only for this user, but SQLite has to create files there, next to "
            f"{file.name}. Give this user write access to the folder (chmod u+w, chown)."
        )


def create(file: Path) -> None:
    """Create a database without tables, unless the file exists: whole or not at all, for this user only.

    Its folder is created too. Raises DatabaseError.
    """
    if os.path.exists(file):
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with new_file(file) as path:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            _place(path, file)
    except OSError as error:
        raise write_error(error, file) from None
    except sqlite3.OperationalError as error:
        reason = errno.ENOSPC if error.sqlite_errorname == "SQLITE_FULL" else errno.EIO
        raise write_error(OSError(reason, os.strerror(reason)), file) from None


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Make an empty file next to the target that only this user can read; delete it if it's still there at the end.

    Files that killed processes left behind are deleted first. Raises OSError.
    """
    _delete_stale(target)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for leftover in (path, *companions(path)):
            with suppress(OSError):
                leftover.unlink()


def replace(path: Path, target: Path) -> None:
    """Put a finished file in the target's place. A power loss leaves the old one or the new one. Raises OSError."""
    _sync(path)
    os.replace(path, target)
    _sync(target.parent)


def delete_companions(file: Path) -> None:
    """Delete what SQLite keeps next to a database, so that it can't be applied to another one. Raises OSError."""
    for companion in companions(file):
        companion.unlink(missing_ok=True)
    _sync(file.parent)


def companions(file: Path) -> tuple[Path, ...]:
    return write_ahead_log(file), shared_memory(file), file.with_name(f"{file.name}-journal")


def write_ahead_log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def shared_memory(file: Path) -> Path:
    return file.with_name(f"{file.name}-shm")


def write_error(error: OSError, file: Path, *, exists: bool = False) -> DatabaseError:
    """Return what's wrong, in words, if a file can't be written or created, and what would be right."""
    what = f"{file} exists, but it can't be written" if exists else f"Can't create {file}"
    match error.errno:
        case errno.EACCES | errno.EPERM if exists:
            return DatabaseError(
                f"{file} exists, but it's read-only for this user. Give this user write access (chmod u+w, chown)."
            )
        case errno.EACCES | errno.EPERM:
            return DatabaseError(
                f"{what}: this user isn't allowed to write to the folder {_existing(file.parent)}. Give this user "
                "write access to it, or choose another place."
            )
        case errno.EROFS:
            return DatabaseError(f"{what}: its disk is mounted read-only. Make it writable, or choose another place.")
        case errno.ENOSPC | errno.EDQUOT:
            return DatabaseError(f"{what}: the disk is full. Free up some space, or choose another place.")
        case errno.ENOTDIR | errno.EEXIST:
            return DatabaseError(
                f"{what}: {_existing(file.parent)} is a file, not a folder. Move it, or choose another place."
            )
    return DatabaseError(f"{what}: {error.strerror}.")


def _place(path: Path, file: Path) -> None:
    """Give a new file its name, unless another process was faster."""
    _sync(path)
    try:
        os.link(path, file)
    except FileExistsError:
        return
    except OSError:  # the file system has no links
        if not file.exists():
            os.rename(path, file)
    _sync(file.parent)


def _expects_log(file: Path) -> bool:
    """Return whether the header says that the database uses a write-ahead log; True if it isn't a database at all."""
    try:
        found = file.stat()
        key = (found.st_dev, found.st_ino)
        if key not in _opened:
            _opened[key] = os.open(file, os.O_RDONLY)
        header = os.pread(_opened[key], HEADER_SIZE, 0)
    except OSError:
        return True
    return not header.startswith(MAGIC) or header[19] == WRITE_AHEAD


def _size(file: Path) -> int | None:
    """Return the size in bytes; None if it isn't there or isn't a file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _delete_stale(target: Path) -> None:
    for part in target.parent.glob(f".{target.name}.*.part*"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE_AFTER_S:
                part.unlink()


def _sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power loss, on systems that can."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
