"""Keep requests that a platform was told are taken, so that a crash doesn't lose them.

A request is kept before it's acknowledged, and deleted once it's carried out. What a dead process left is carried out
by another one, under the same id, so nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, select, update

from bot.context.study import Study
from bot.dispatch.idempotency import claim_in
from bot.store import tables
from bot.store.models import KeptRequest

log = structlog.get_logger()

LEASE = timedelta(minutes=3)
"""How long a process has for a request, more than the longest explanation takes."""
MAX_AGE = timedelta(minutes=25)
"""How old a request may be; platforms let us answer it for half an hour."""
MAX_ATTEMPTS = 2
BATCH_SIZE = 20

_kept = tables.kept_requests.c
_KEEP = tables.kept_requests.insert()
_FINISH = delete(tables.kept_requests).where(
    _kept.platform == bindparam("on_platform"), _kept.id == bindparam("request_id")
)


async def keep(
    study: Study,
    platform: str,
    request_id: str,
    *,
    workspace: str,
    actor: str,
    payload: Mapping[str, Any],
    is_claimed: bool = False,
) -> bool:
    """Claim and keep a request; False if a process has already claimed it, and not this one. Raises DatabaseError."""
    now = study.clock()
    kept = KeptRequest(
        platform=platform,
        id=request_id,
        workspace=workspace,
        actor=actor,
        payload=dict(payload),
        at=now,
        available_at=now + LEASE,
    )
    return await study.store.transaction(_keep, kept, is_claimed=is_claimed)


def _keep(connection: Connection, kept: KeptRequest, *, is_claimed: bool) -> bool:
    if not is_claimed and not claim_in(connection, kept.platform, kept.id, kept.at):
        return False
    connection.execute(_KEEP, dict(vars(kept)))
    return True


async def finish(study: Study, platform: str, request_id: str) -> None:
    """Delete a request that was carried out. Raises DatabaseError."""
    await study.store.transaction(_finish, platform, request_id)


def _finish(connection: Connection, platform: str, request_id: str) -> None:
    connection.execute(_FINISH, {"on_platform": platform, "request_id": request_id})


@dataclass(frozen=True, slots=True)
class AbandonedRequest:
    """A request that a dead process left. `is_hopeless`: every process that tried has died, and it's deleted."""

    id: str
    payload: Mapping[str, Any]
    is_hopeless: bool


async def take_abandoned(study: Study, platform: str, *, at_start: bool) -> list[AbandonedRequest]:
    """Return requests that a dead process left, now this one's; those too old to be answered are deleted.

    `at_start`: this process has just started. On SQLite there's no other one, so every kept request is abandoned.
    Raises DatabaseError.
    """
    everything = at_start and study.store.dialect == "sqlite"
    taken = await study.store.transaction(_take, platform, study.clock(), everything=everything)
    return [AbandonedRequest(kept.id, kept.payload, kept.attempts >= MAX_ATTEMPTS) for kept in taken]


def _take(connection: Connection, platform: str, now: datetime, *, everything: bool) -> list[KeptRequest]:
    """Return the requests as they were before they were taken."""
    old = delete(tables.kept_requests).where(_kept.platform == platform, _kept.at < now - MAX_AGE)
    if lost := connection.execute(old).rowcount:
        log.warning("requests too old to answer", count=lost)
    found = select(tables.kept_requests).where(_kept.platform == platform).order_by(_kept.at).limit(BATCH_SIZE)
    if not everything:
        found = found.where(_kept.available_at <= now)
    taken = KeptRequest.all(connection.execute(found.with_for_update(skip_locked=True)).mappings())
    for kept in taken:
        own = (_kept.platform == platform, _kept.id == kept.id)
        if kept.attempts >= MAX_ATTEMPTS:
            connection.execute(delete(tables.kept_requests).where(*own))
        else:
            again = update(tables.kept_requests).where(*own)
            connection.execute(again.values(available_at=now + LEASE, attempts=kept.attempts + 1))
    return taken
