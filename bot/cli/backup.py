"""`studyhall backup`, `restore` and `db copy`: everything in the database, to a file, back, or to another one."""

from __future__ import annotations

import logging
from pathlib import Path

from bot.cli.console import ProgressBar, err, load_config
from bot.errors import SetupError


def backup(target: Path, *, force: bool) -> None:
    """Write the backup. Raises DatabaseError."""
    from bot.store.backup import backup as write
    from bot.store.restore import in_words

    counts = write(load_config().database_url, target, force=force, progress=_progress("Backing up"))
    _say(f"✓ Backed up {in_words(counts)} to {target}. It has your members' answers, so keep it private.")


def restore(source: Path, *, force: bool) -> None:
    """Replace what's in the configured database. Raises DatabaseError."""
    from bot.store.restore import in_words
    from bot.store.restore import restore as replace

    found = replace(source, load_config().database_url, force=force, progress=_progress("Restoring"))
    made = f", made on {found.made_at:%Y-%m-%d at %H:%M} UTC" if found.made_at else ""
    _say(f"✓ Restored {in_words(found.counts)} from {source}{made}.")


def copy(url: str | None, *, force: bool) -> None:
    """Copy the configured database to another one. Raises DatabaseError, or SetupError if none is named."""
    from bot.store.restore import copy_database, in_words
    from bot.store.urls import display_name, parse_url

    config = load_config()
    target = url or config.target_database.get_secret_value()
    if not target:
        raise SetupError("Name the database to copy to: set TARGET_DATABASE_URL, or pass a URL.")
    name = display_name(parse_url(target))
    found = copy_database(config.database_url, target, force=force, progress=_progress("Copying"))
    _say(f"✓ Copied {in_words(found.counts)} to {name}. To use it, set DATABASE_URL to its URL.")


def _progress(title: str) -> ProgressBar:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return ProgressBar(title, "rows")


def _say(line: str) -> None:
    err.print(line, markup=False, highlight=False, soft_wrap=True)
