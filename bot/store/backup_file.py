"""The format of a backup: a SQLite database with the tables and rows, plus one table that describes them.

The rollback journal's mode is in its header, never the write-ahead log's: if somebody puts it next to the log of
another database, `files.refuse_unusable` can tell. `docs/operations.md` describes the format.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.errors import DatabaseError
from bot.store.files import HEADER_SIZE, MAGIC, write_ahead_log
from bot.store.revision import revisions

MANIFEST = "studyhall_backup"
"""The table with the description of a backup: one row, one column of JSON."""
REVISION = "alembic_version"
FORMAT = 1
BATCH = 2_000
"""Rows read at once. The checksums depend on it."""

Progress = Callable[[int, int], None]
"""Called with the number of rows done so far, and the total."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was checked. `made_at` is None for a copy of a SQLite database that `backup` didn't make."""

    path: Path
    revision: str
    made_at: datetime | None
    counts: Mapping[str, int]


def finish(path: Path, progress: Progress) -> dict[str, int]:
    """Turn a SQLite database into a backup, and return its number of rows by table. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(f"DROP TABLE IF EXISTS {MANIFEST}")  # a backup of a database that was restored by hand
        described = _tables(connection, progress)
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "made_by": f"studyhall {version('studyhall')}",
            "revision": _revision(connection),
            "tables": described,
        }
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE {MANIFEST} (manifest TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {MANIFEST} VALUES (?)", (json.dumps(manifest),))  # noqa: S608
        connection.execute("COMMIT")
    return {name: table["rows"] for name, table in described.items()}


def strip(path: Path) -> None:
    """Delete what makes a copy of a backup more than a database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(f"DROP TABLE IF EXISTS {MANIFEST}")


def check(path: Path, progress: Progress = lambda _done, _total: None) -> Backup:
    """Read a whole backup, and return what's in it. Raises DatabaseError, in words, if it isn't one or is damaged."""
    _refuse_other_files(path)
    try:
        with opened(path) as connection:
            return _checked(path, connection, progress)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
            raise DatabaseError(f"Can't read {path}: {error}.") from None
        raise _damaged(path) from None


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a backup so that nothing next to it is read, and nothing is written, not even a lock."""
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection


def _refuse_other_files(path: Path) -> None:
    if path.is_dir():
        raise DatabaseError(f"{path} is a folder. Name the file that `studyhall backup` wrote.")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_SIZE)
        size = path.stat().st_size
    except FileNotFoundError:
        raise DatabaseError(f"There's no file {path}.") from None
    except OSError as error:
        raise DatabaseError(f"Can't read {path}: {error.strerror}.") from None
    if not size:
        raise DatabaseError(f"{path} is empty, so it isn't a backup.")
    if header.startswith(b"PGDMP") or b"PostgreSQL database dump" in header:
        raise DatabaseError(f"{path} was made by pg_dump. Restore it with pg_restore or psql.")
    if not header.startswith(MAGIC) and not MAGIC.startswith(header):
        raise DatabaseError(f"{path} isn't a backup of Studyhall. `studyhall backup` makes one.")
    expected = int.from_bytes(header[16:18], "big") * int.from_bytes(header[28:32], "big")
    if len(header) < HEADER_SIZE or size < expected:
        raise DatabaseError(f"{path} is incomplete: its end is missing. Copy it again, or use another backup.")


def _checked(path: Path, connection: sqlite3.Connection, progress: Progress) -> Backup:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if REVISION not in names or not {"workspace", "member"} <= names:
        raise DatabaseError(
            f"{path} is a SQLite database, but not a backup of Studyhall. `studyhall backup` makes one."
        )
    manifest = _manifest(path, connection) if MANIFEST in names else None
    if manifest is None and _has_log(path):
        raise DatabaseError(
            f"{path} is a copy of a database that lacks what's in {write_ahead_log(path).name} next to it. "
            "Use a backup that `studyhall backup` made."
        )
    if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise _damaged(path)
    revision = _revision(connection)
    if revision not in revisions():
        raise DatabaseError(
            f"{path} is newer than this program: it's at revision {revision}, and the newest one known here is "
            f"{revisions()[0]}. Install the newer Studyhall; nothing was changed."
        )
    found = _tables(connection, progress)
    if manifest is not None and (manifest["tables"], manifest["revision"]) != (found, revision):
        raise _damaged(path)
    made_at = datetime.fromisoformat(manifest["made_at"]) if manifest else None
    return Backup(path, revision, made_at, {name: table["rows"] for name, table in found.items()})


def _revision(connection: sqlite3.Connection) -> str:
    row = connection.execute(f"SELECT version_num FROM {REVISION}").fetchone()  # noqa: S608
    return str(row[0]) if row else "unknown"


def _manifest(path: Path, connection: sqlite3.Connection) -> dict[str, Any]:
    row = connection.execute(f"SELECT manifest FROM {MANIFEST}").fetchone()  # noqa: S608
    try:
        manifest: dict[str, Any] = json.loads(row[0])
        if manifest["format"] > FORMAT:
            raise DatabaseError(
                f"{path} was made by a newer program ({manifest['made_by']}). Install that Studyhall; nothing was "
                "changed."
            )
        datetime.fromisoformat(manifest["made_at"])
        _ = manifest["tables"], manifest["revision"]
    except (TypeError, ValueError, KeyError):
        raise _damaged(path) from None
    return manifest


def _has_log(path: Path) -> bool:
    log = write_ahead_log(path)
    return log.exists() and log.stat().st_size > 0


def _tables(connection: sqlite3.Connection, progress: Progress) -> dict[str, dict[str, Any]]:
    """Return the number of rows of each table, and a SHA-256 of them: SQLite itself doesn't notice a changed letter."""
    listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    names = [name for (name,) in listed if name != MANIFEST and not name.startswith("sqlite_stat")]
    counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608
    done, total = 0, sum(counts.values())
    progress(done, total)
    found = {}
    for name in names:
        digest = hashlib.sha256()
        rows = connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid')  # noqa: S608
        while batch := rows.fetchmany(BATCH):
            digest.update(json.dumps(batch, default=bytes.hex)[1:].encode())  # as text, the same for any Python
            done += len(batch)
            progress(done, total)
        found[name] = {"rows": counts[name], "sha256": digest.hexdigest()}
    return found


def _damaged(path: Path) -> DatabaseError:
    return DatabaseError(f"{path} is damaged: its content isn't what was written. Use another backup.")
