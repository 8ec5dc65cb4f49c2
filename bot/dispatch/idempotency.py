"""Requests that platforms deliver twice: whoever sees one first carries it out."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete

from bot.context.study import Study
from bot.store.orm import ProcessedRequest
from bot.store.upsert import insert_on

KEPT = timedelta(days=1)
"""Platforms deliver again within minutes; a request of yesterday is one nobody waits for."""
SWEPT = 500
"""Of so many requests, one sweeps what is older away."""


async def claim(study: Study, platform: str, id: str) -> bool:
    """Whether this is the first time that the request is seen, by any process."""
    now = study.clock()

    def marking(connection: Connection) -> bool:
        new = connection.execute(_marking(connection.dialect.name), {"platform": platform, "id": id, "at": now}).first()
        if new is not None and _lot(id):
            connection.execute(OLD, {"before": now - KEPT})
        return new is not None

    return await study.store.change(marking)


def _lot(id: str) -> bool:
    return sum(id.encode()) % SWEPT == 0


_seen: Any = ProcessedRequest.__table__  # type: ignore[attr-defined]
OLD = delete(_seen).where(_seen.c.at < bindparam("before", type_=_seen.c.at.type))


@cache
def _marking(dialect: str) -> Any:
    return insert_on(dialect, ProcessedRequest).on_conflict_do_nothing().returning(_seen.c.id)
