"""Upgrade a database to this program's tables, and check whether it has them.

These functions block: call them from the command line, or in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlmodel import SQLModel

from bot.errors import DatabaseError
from bot.store import files, models, postgresql, sqlite  # noqa: F401  # the models fill the metadata
from bot.store.backup_file import MANIFEST
from bot.store.errors import connection_errors
from bot.store.revision import alembic_config, refuse_newer, revision_of, revisions
from bot.store.urls import display_name, file_of, parse_url

UPGRADE_LOCK = 7_239_840_121
"""PostgreSQL's advisory lock that lets one replica upgrade while the others wait: any number nobody else uses."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """How a database compares with the program. `differences` are between its tables and those of the code."""

    revision: str | None
    newest: str
    differences: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return self.revision == self.newest and not self.differences


def upgrade(url: str, progress: Callable[[str], None] = lambda _line: None) -> None:
    """Migrate to the newest revision, all or nothing; create a SQLite file and its folder first if they're missing.

    `progress` gets a sentence for each step. Raises DatabaseError, also for a database newer than this program.
    """
    parsed = parse_url(url)
    file = file_of(parsed)
    if file is not None:
        files.refuse_unusable(file)
        files.create(file)
        files.refuse_unwritable(file)
    _in_transaction(parsed, lambda connection: upgrade_within(connection, display_name(parsed), progress))


def check(url: str) -> Check:
    """Compare the revision and the tables with the program's; change nothing."""
    return _in_transaction(_existing(url), _check)


def _existing(url: str) -> URL:
    parsed = parse_url(url)
    file = file_of(parsed)
    if file is not None:
        files.refuse_missing(file)
    return parsed


def upgrade_within(
    connection: Connection, name: str, progress: Callable[[str], None] = lambda _line: None, to: str = "head"
) -> None:
    """Migrate in the open transaction, on SQLite one that ignores foreign keys. `name` says which database.

    `to` is the revision to stop at, for a database without tables. Raises DatabaseError.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
    revision = revision_of(connection)
    refuse_newer(revision, name)
    if revision == revisions()[0]:
        return
    config = alembic_config()
    config.attributes["connection"] = connection
    config.attributes["progress"] = progress
    # A batch migration builds a table anew, and forgets the last id of rows that were deleted.
    given = sqlite.last_ids(sqlite.driver(connection)) if on_sqlite else {}
    command.upgrade(config, to)
    if on_sqlite:
        sqlite.reserve_ids(sqlite.driver(connection), given)
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if orphans:
            raise DatabaseError(
                f"The upgrade of {name} was rolled back, because it would leave {len(orphans)} rows without "
                f"the rows they refer to, the first of them in the table {orphans[0][0]}. "
                "Restore a backup, or report this."
            )


def _check(connection: Connection) -> Check:
    # A backup that somebody put in the database's place by hand still has its description.
    context = MigrationContext.configure(connection, opts={"include_name": lambda name, *_: name != MANIFEST})
    differences = compare_metadata(context, SQLModel.metadata)
    return Check(context.get_current_revision(), revisions()[0], tuple(map(_in_words, differences)))


def _in_words(difference: Any) -> str:
    """Return one of Alembic's differences as text: what would have to change, and the names it affects."""
    if isinstance(difference, list):  # changes of one column come together
        return "; ".join(map(_in_words, difference))
    operation, *operands = difference
    names = [str(getattr(each, "name", each)) for each in operands if isinstance(each, str) or hasattr(each, "name")]
    return f"{operation.replace('_', ' ')}: {' '.join(names)}"


def _in_transaction(url: URL, work: Callable[[Connection], T]) -> T:
    migrate = postgresql.migrate if file_of(url) is None else sqlite.migrate
    with connection_errors(url):
        return migrate(url, work)
