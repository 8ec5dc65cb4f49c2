"""`studyhall db`: upgrade the database, or compare it with what the program expects."""

from __future__ import annotations

import logging

from bot.cli.console import load_config, out


def db_upgrade() -> None:
    """Migrate the database, and print each step."""
    from bot.store.upgrade import upgrade

    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade(load_config().database_url, lambda line: out.print(line, highlight=False, markup=False))
    out.print("The database is up to date.")


def db_check() -> None:
    """Compare revision and tables; exit with 1 if the tables differ. Raises DatabaseError if the revision does."""
    from bot.store.revision import refuse_unless_current
    from bot.store.upgrade import check
    from bot.store.urls import address, place

    url = load_config().database_url
    found = check(url)
    refuse_unless_current(found.revision, place(address(url)))
    for difference in found.differences:
        out.print(difference, markup=False, highlight=False)
    if not found.clean:
        raise SystemExit(1)
    out.print(f"The database matches this program (revision {found.revision}).", highlight=False)
