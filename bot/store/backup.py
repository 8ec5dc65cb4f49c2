"""Back up a database, SQLite or PostgreSQL, to one file, also while the program is running."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot.errors import DatabaseError
from bot.store import backup_file, files, postgresql, sqlite
from bot.store.backup_file import Progress
from bot.store.errors import connection_errors
from bot.store.revision import refuse_newer, revision_of
from bot.store.rows import copy_rows
from bot.store.upgrade import upgrade_within
from bot.store.urls import display_name, file_of, parse_url

WRITING_FAILED = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_IOERR_WRITE": errno.EIO, "SQLITE_IOERR_FSYNC": errno.EIO}
"""Errors of a copy that are about its own disk, not about the database's."""


def _silent(_done: int, _total: int) -> None:
    pass


def backup(url: str, target: Path, *, force: bool = False, progress: Progress = _silent) -> dict[str, int]:
    """Write a backup of one moment of the database, and return its number of rows by table.

    The target is whole, or unchanged, also if the process is killed. Without `force`, it must not exist.
    Raises DatabaseError.
    """
    source = parse_url(url)
    file = file_of(source)
    if file is not None:
        files.refuse_missing(file)
    try:
        _refuse_target(target, file, force=force)
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.new_file(target) as path:
            if file is not None:
                _copy_sqlite(source, path)
            else:
                _copy_postgresql(source, path, progress)
                progress = _silent  # the rest takes little longer
            with connection_errors(sqlite.url_of(path)):
                counts = backup_file.finish(path, progress)
            if not force and target.exists():  # made in the meantime
                raise _exists(target)
            files.replace(path, target)
    except OSError as error:
        raise files.write_error(error, target) from None
    return counts


def _refuse_target(target: Path, file: Path | None, *, force: bool) -> None:
    if target.is_symlink():
        raise DatabaseError(f"{target} is a link. Name the place it points to.")
    if target.is_dir():
        raise DatabaseError(f"{target} is a folder. Name a file, such as {target / 'studyhall.backup'}.")
    if not target.exists():
        return
    if not target.is_file():
        raise DatabaseError(f"{target} isn't a file. Name a file for the backup.")
    if file is not None and target.samefile(file):
        raise DatabaseError(f"{target} is the database itself. Name another file for the backup.")
    if not force:
        raise _exists(target)


def _exists(target: Path) -> DatabaseError:
    return DatabaseError(f"{target} already exists. Name another file, or use --force to overwrite it.")


def _copy_sqlite(source: URL, path: Path) -> None:
    """Copy a database. SQLite rewrites it, so what was deleted isn't in the copy, unlike in the database's free pages.

    It reads one snapshot and holds up nobody.
    """
    with connection_errors(source):
        sqlite.read(source, lambda connection: _refuse_revision(connection, display_name(source)))
        with closing(sqlite3.connect(source.database or "", isolation_level=None)) as connection:
            try:
                connection.execute("VACUUM INTO ?", (str(path),))
                return
            except sqlite3.OperationalError as error:
                code = WRITING_FAILED.get(error.sqlite_errorname)
                if code is None:
                    raise
    raise OSError(code, os.strerror(code))


def _copy_postgresql(source: URL, path: Path, progress: Progress) -> None:
    name = display_name(source)

    def copy(connection: Connection) -> None:
        revision = _refuse_revision(connection, name)
        target = sqlite.url_of(path)
        with connection_errors(target):
            sqlite.migrate(target, lambda made: upgrade_within(made, str(path), to=revision))
            sqlite.fill(target, lambda made: copy_rows(connection, made, progress))

    with connection_errors(source):
        postgresql.snapshot(source, copy)


def _refuse_revision(connection: Connection, name: str) -> str:
    revision = revision_of(connection)
    refuse_newer(revision, name)
    if revision is None:
        raise DatabaseError(f"The database at {name} has no tables yet, so there's nothing to back up.")
    return revision
