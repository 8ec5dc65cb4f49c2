"""Which revision a database is at, which one this program needs, and what to say when they differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import DatabaseError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def alembic_config() -> Config:
    """Return Alembic's settings, the same from a checkout and from an installed package."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def revisions() -> tuple[str, ...]:
    """Return every revision this program knows, newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the database; None before its first upgrade."""
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(revision: str | None, name: str) -> None:
    """Raise DatabaseError for a revision this program doesn't know. `name` says which database."""
    if revision is not None and revision not in revisions():
        raise DatabaseError(
            f"The database at {name} is newer than this program: it's at revision {revision}, and the newest one "
            f"known here is {revisions()[0]}. Install the newer Studyhall; nothing was changed."
        )


def refuse_unless_current(revision: str | None, name: str) -> None:
    """Raise DatabaseError unless the database is at this program's newest revision."""
    refuse_newer(revision, name)
    if revision is None:
        raise DatabaseError(f"The database at {name} has no tables yet. Run `studyhall db upgrade`.")
    if revision != revisions()[0]:
        raise DatabaseError(f"The database at {name} is older than this program. Run `studyhall db upgrade`.")
