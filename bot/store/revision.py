"""Which revision a database is at, which this program needs, and what to say when they differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import DatabaseError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def settings() -> Config:
    """Alembic's settings, the same from a checkout and from an installed package."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def revisions() -> tuple[str, ...]:
    """Every revision this program knows, newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(settings()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """The revision of the database; None before its first upgrade."""
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(revision: str | None, place: str) -> None:
    """Raises DatabaseError for a revision this program does not know."""
    if revision is not None and revision not in revisions():
        raise DatabaseError(
            f"The database at {place} is newer than this program: it is at revision {revision}, and the newest one "
            f"known here is {revisions()[0]}. Install the newer Studyhall; nothing was changed."
        )


def refuse_unless_current(revision: str | None, place: str) -> None:
    """Raises DatabaseError unless the database is at this program's newest revision."""
    refuse_newer(revision, place)
    if revision is None:
        raise DatabaseError(f"The database at {place} has no tables yet. Run `studyhall db upgrade`.")
    if revision != revisions()[0]:
        raise DatabaseError(f"The database at {place} is older than this program. Run `studyhall db upgrade`.")
