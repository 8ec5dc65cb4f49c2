"""`studyhall db`: upgrade or repair the database, or compare it with what the program expects."""

from __future__ import annotations

import asyncio
import logging

from bot.cli.console import load_config, out
from bot.text.plural import plural


def upgrade() -> None:
    """Migrate the database, and print each step."""
    from bot.store.upgrade import upgrade as migrate

    logging.getLogger("alembic").setLevel(logging.WARNING)
    migrate(load_config().database_url, lambda line: out.print(line, highlight=False, markup=False))
    out.print("The database is up to date.")


def check() -> None:
    """Compare revision and tables; exit with 1 if the tables differ. Raises DatabaseError if the revision does."""
    from bot.store.revision import refuse_unless_current
    from bot.store.upgrade import check as compare
    from bot.store.urls import display_name, parse_url

    url = load_config().database_url
    comparison = compare(url)
    refuse_unless_current(comparison.revision, display_name(parse_url(url)))
    for difference in comparison.differences:
        out.print(difference, markup=False, highlight=False)
    if not comparison.clean:
        raise SystemExit(1)
    out.print(f"The database matches this program (revision {comparison.revision}).", highlight=False)


def rebuild_totals() -> None:
    """Recompute all points from the answers. Raises DatabaseError."""
    from bot.store.engine import Store
    from bot.study.progress.totals import rebuild_all

    async def rebuild() -> int:
        store = await Store.open(load_config().database_url)
        try:
            await store.ready()
            return await rebuild_all(store)
        finally:
            await store.close()

    out.print(f"Rebuilt the totals of {plural(asyncio.run(rebuild()), 'workspace')}.", highlight=False)
