"""Restore a backup into a database, SQLite or PostgreSQL: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from bot.errors import DatabaseError
from bot.store import backup_file, files, postgresql, sqlite
from bot.store.backup import backup
from bot.store.backup_file import Backup, Progress
from bot.store.errors import connection_errors
from bot.store.revision import refuse_newer, revision_of, revisions
from bot.store.rows import copy_rows, count_rows, table_names
from bot.store.upgrade import UPGRADE_LOCK, upgrade_within
from bot.store.urls import display_name, file_of, parse_url

LOCK_TIMEOUT_S = 10
"""How long PostgreSQL waits for another program that uses the tables."""
NAMED = {"workspace": "workspaces", "member": "members", "answer": "answers"}
"""The tables that say how much there is."""
FOREIGN_KEYS = text(
    "SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint "
    "JOIN pg_class ON pg_class.oid = conrelid "
    "WHERE contype = 'f' AND relnamespace = current_schema()::regnamespace AND relname = ANY(:tables)"
)


def _silent(_done: int, _total: int) -> None:
    pass


def restore(source: Path, url: str, *, force: bool = False, progress: Progress = _silent) -> Backup:
    """Replace everything in the database with a backup, upgraded if it's older. Return what was restored.

    A kill in the middle leaves the old data or the new. Raises DatabaseError: for a file that isn't an intact backup,
    if the database is in use, and unless `force`, if it has data.
    """
    target = parse_url(url)
    file = file_of(target)
    if file is not None and _is_same_file(file, source):
        raise DatabaseError(f"{source} is the database itself. Name the file that `studyhall backup` wrote.")
    found = backup_file.check(source, _silent if file is None else progress)
    if file is None:
        _restore_postgresql(found, target, force=force, progress=progress)
    else:
        _restore_sqlite(found, file, force=force)
    return found


def copy_database(source: str, target: str, *, force: bool = False, progress: Progress = _silent) -> Backup:
    """Replace everything in one database with what's in another. Raises DatabaseError, as for `restore`."""
    if _is_same(parse_url(source), parse_url(target)):
        raise DatabaseError("Both are the same database. Name another one to copy to.")
    with tempfile.TemporaryDirectory(prefix="studyhall-") as folder:
        path = Path(folder) / "copy.backup"
        backup(source, path)
        return restore(path, target, force=force, progress=progress)


def in_words(counts: Mapping[str, int]) -> str:
    """Return how much data there is: "2 workspaces, 31 members and 4,100 answers"."""
    parts = [
        f"{counts.get(name, 0):,} {words[: None if counts.get(name) != 1 else -1]}" for name, words in NAMED.items()
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _is_same(one: URL, other: URL) -> bool:
    file, second = file_of(one), file_of(other)
    if file is None or second is None:
        return display_name(one) == display_name(other)
    return file.absolute() == second.absolute() or _is_same_file(file, second)


def _is_same_file(one: Path, other: Path) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def _prepare(found: Backup, path: Path) -> None:
    """Copy the backup to `path` and turn it into a database with this program's tables. Raises OSError."""
    shutil.copyfile(found.path, path)
    address = sqlite.url_of(path)
    with connection_errors(address):
        if found.revision != revisions()[0]:
            sqlite.migrate(address, lambda connection: upgrade_within(connection, str(found.path)))
        backup_file.strip(path)


def _restore_sqlite(found: Backup, file: Path, *, force: bool) -> None:
    file = Path(os.path.realpath(file))  # a link stays a link
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.new_file(file) as path:
            _prepare(found, path)
            with _vacated(file, force=force) as given:
                with closing(sqlite3.connect(path)) as restored:  # platforms may know ids given since the backup
                    sqlite.reserve_ids(restored, given)
                    restored.commit()
                _take_over_permissions(file, path)
                files.replace(path, file)
    except OSError as error:
        raise files.write_error(error, file, exists=os.path.exists(file)) from None


@contextmanager
def _vacated(file: Path, *, force: bool) -> Iterator[dict[str, int]]:
    """Make sure that the file may be replaced, has no write-ahead log, and stays like that while the block runs.

    Yields the last id that it gave in each table that keeps it.
    """
    try:
        files.refuse_unusable(file)
    except DatabaseError:
        log = files.write_ahead_log(file)
        if log.exists() and log.stat().st_size and not force:
            raise DatabaseError(
                f"{log} belongs to a database that's no longer there. If you don't need it anymore, use --force to "
                "delete it."
            ) from None
        files.delete_companions(file)
    given: dict[str, int] = {}
    if not file.exists() or not file.stat().st_size:
        yield given
        return
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            given = _vacate(file, connection, force=force)
        except sqlite3.DatabaseError as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith("SQLITE_BUSY"):
                raise _in_use(str(file)) from None
            if not name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                raise DatabaseError(f"Can't use {file}: {error}.") from None
            if not force:
                raise DatabaseError(
                    f"{file} is damaged, or isn't a database at all. If you don't need it anymore, use --force to "
                    "replace it."
                ) from None
            connection.close()
            files.delete_companions(file)
        yield given


def _vacate(file: Path, connection: sqlite3.Connection, *, force: bool) -> dict[str, int]:
    """Lock a database against all other programs, fold its write-ahead log into it, and return the last ids."""
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    names = {name for (name,) in listed}
    if names and backup_file.REVISION not in names:
        raise DatabaseError(f"{file} belongs to another program. Choose another file.")
    names -= {backup_file.REVISION, backup_file.MANIFEST}
    counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608
    _refuse_data(str(file), counts, force=force)
    given = sqlite.last_ids(connection)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=DELETE")
    # Now a plain lock will do, and the journal that the exclusive mode keeps is deleted.
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("BEGIN EXCLUSIVE")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("delete",):
        raise _in_use(str(file))  # another program was faster
    return given


def _take_over_permissions(file: Path, path: Path) -> None:
    """Give the new file the mode and owner of the old one: whoever restores may not be who runs the program."""
    if file.exists():
        old = file.stat()
        path.chmod(old.st_mode & 0o777)
        with suppress(PermissionError):
            os.chown(path, old.st_uid, old.st_gid)


def _restore_postgresql(found: Backup, target: URL, *, force: bool, progress: Progress) -> None:
    name = display_name(target)
    with tempfile.TemporaryDirectory(prefix="studyhall-") as folder:
        path = Path(folder) / "restored.db"
        try:
            path.touch(0o600)
            _prepare(found, path)
        except OSError as error:
            raise files.write_error(error, path) from None

        def replace_rows(connection: Connection) -> None:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
            if _is_in_use(connection):
                raise _in_use(f"the database at {name}")
            refuse_newer(revision_of(connection), name)
            upgrade_within(connection, name)
            _refuse_data(f"The database at {name}", count_rows(connection, _names(connection)), force=force)
            sqlite.read(sqlite.url_of(path), lambda source: _replace_rows(source, connection, progress))

        with connection_errors(target):
            postgresql.migrate(target, replace_rows)


def _replace_rows(source: Connection, target: Connection, progress: Progress) -> None:
    """Replace all rows. The foreign keys are made again afterwards, so rows can come in any order."""
    names = _names(source)
    quoted = ", ".join(map(_quoted, names))
    keys = target.execute(FOREIGN_KEYS, {"tables": names}).all()
    for table, key, _ in keys:
        target.execute(text(f"ALTER TABLE {_quoted(table)} DROP CONSTRAINT {_quoted(key)}"))
    target.execute(text(f"TRUNCATE {quoted}"))
    copy_rows(source, target, progress)
    for table, key, definition in keys:
        try:
            target.execute(text(f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(key)} {definition}"))
        except IntegrityError:
            raise DatabaseError(
                f"Rows in the table {table} refer to rows that are missing, which PostgreSQL doesn't allow. Nothing "
                "was changed. Please report this."
            ) from None


def _names(connection: Connection) -> list[str]:
    """Return the tables that this program knows, which on PostgreSQL may share the database with others."""
    return [name for name in table_names(connection) if name in SQLModel.metadata.tables]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_in_use(connection: Connection) -> bool:
    """Return whether a running program is connected to the database."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
    )
    return bool(connection.execute(others, {"name": postgresql.APPLICATION_NAME}).scalar())


def _in_use(name: str) -> DatabaseError:
    return DatabaseError(f"{name[0].upper()}{name[1:]} is in use: Studyhall is running. Stop it, and try again.")


def _refuse_data(name: str, counts: Mapping[str, int], *, force: bool) -> None:
    if any(counts.values()) and not force:
        raise DatabaseError(
            f"{name} has data that would be replaced: {in_words(counts)}. Back it up with `studyhall backup`, "
            "then use --force to replace it."
        )
