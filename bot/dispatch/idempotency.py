"""Platforms deliver some requests twice: only the first process to claim a request carries it out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete

from bot.context.study import Study
from bot.store import tables
from bot.store.upsert import insert_on

MAX_AGE = timedelta(days=1)
"""Platforms send a request again within minutes."""
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
"""The time of a claim that never expires."""
CLEANUP_INTERVAL = 500
"""One in this many requests also deletes expired rows."""

_processed = tables.processed_requests.c
EXPIRED = delete(tables.processed_requests).where(_processed.at < bindparam("before"))


async def claim(study: Study, platform: str, request_id: str, *, forever: bool = False) -> bool:
    """Claim a request; False if a process has already claimed it. A claim is kept for a day, or `forever`."""
    return await study.store.transaction(claim_in, platform, request_id, FOREVER if forever else study.clock())


async def release(study: Study, platform: str, request_id: str) -> None:
    """Give up a claim: what it's for wasn't done."""
    await study.store.transaction(_release, platform, request_id)


def _release(connection: Connection, platform: str, request_id: str) -> None:
    own = (_processed.platform == platform, _processed.id == request_id)
    connection.execute(delete(tables.processed_requests).where(*own))


def claim_in(connection: Connection, platform: str, request_id: str, now: datetime) -> bool:
    """Claim a request in this transaction."""
    row = {"platform": platform, "id": request_id, "at": now}
    claimed = connection.execute(_insert(connection.dialect.name), row).first() is not None
    if claimed and now < FOREVER and sum(request_id.encode()) % CLEANUP_INTERVAL == 0:
        connection.execute(EXPIRED, {"before": now - MAX_AGE})
    return claimed


@cache
def _insert(dialect: str) -> Any:
    return insert_on(dialect, tables.processed_requests).on_conflict_do_nothing().returning(_processed.id)
