"""SQL statements for the queue of deliveries: add some, claim those that are due, record what became of them."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    text,
    update,
)

from bot.context.identity import Location
from bot.delivery.lease import LEASE, Lease
from bot.store import tables
from bot.store.models import OPEN_DELIVERY, Delivery, DeliveryKind, DeliveryState
from bot.store.upsert import insert_on

deliveries, channels = tables.deliveries.c, tables.channels.c
workspaces, members = tables.workspaces.c, tables.members.c

P = ParamSpec("P")
T = TypeVar("T")


class ClaimLostError(Exception):
    """Another process has claimed the delivery, or it's gone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process has claimed, where it goes, and the lease it holds.

    `recipient` is the platform's id of the member that a direct message goes to, "" for a post in a channel. `salt`
    tells the database apart from others that the same bot has, or once had.
    """

    delivery: Delivery
    location: Location
    recipient: str
    lease: Lease
    salt: str

    @property
    def key(self) -> str:
        """Return the key by which the platform recognizes the post if it's sent again."""
        return f"delivery-{self.delivery.id}-{self.salt}"


ON_PLATFORMS = exists().where(
    workspaces.id == deliveries.workspace_id,
    workspaces.platform.in_(bindparam("platforms", expanding=True)),
    workspaces.left_at.is_(None),
)
"""A condition on deliveries: their platform is among the bound `platforms`, and the bot is still in the workspace."""

_AVAILABLE = and_(
    text(OPEN_DELIVERY),
    deliveries.available_at <= bindparam("now"),
    deliveries.workspace_id.not_in(bindparam("busy", expanding=True)),
    ON_PLATFORMS,
)
_ANY = select(deliveries.id).where(_AVAILABLE).limit(1)
_NEXT = (
    select(deliveries.id, deliveries.workspace_id)
    .where(_AVAILABLE)
    .order_by(deliveries.available_at, deliveries.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(tables.deliveries)
    .where(deliveries.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=DeliveryState.SENDING,
        claim_token=bindparam("token"),
        claims=deliveries.claims + 1,
        available_at=bindparam("until"),
        first_claimed_at=func.coalesce(deliveries.first_claimed_at, bindparam("now", type_=deliveries.due_at.type)),
    )
)
_CLAIMED = (
    select(tables.deliveries, tables.channels, tables.workspaces, members.external_id.label("recipient_id"))
    .join_from(tables.deliveries, tables.workspaces, workspaces.id == deliveries.workspace_id)
    .outerjoin(tables.channels, channels.id == deliveries.channel_id)
    .outerjoin(tables.members, members.id == deliveries.member_id)
    .where(deliveries.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.available_at, deliveries.id)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a process may claim: at most `size` deliveries on its platforms.

    At most `per_workspace` of one workspace, together with those that it's `sending` by workspace, and none of its
    `own` that it's sending: however the clock jumps, a process never takes over from itself.
    """

    platforms: Collection[str]
    sending: Mapping[int, int]
    own: Collection[int]
    size: int
    per_workspace: int

    def values(self, now: datetime) -> dict[str, Any]:
        busy = [workspace_id for workspace_id, count in self.sending.items() if count >= self.per_workspace]
        return {"platforms": list(self.platforms), "busy": busy, "now": now}

    def choose(self, available: Iterable[tuple[int, int]]) -> list[int]:
        """Return the ids to claim, given those of available deliveries and their workspaces."""
        counts = Counter(self.sending)
        ids: list[int] = []
        for delivery_id, workspace_id in available:
            if len(ids) == self.size:
                break
            if delivery_id not in self.own and counts[workspace_id] < self.per_workspace:
                counts[workspace_id] += 1
                ids.append(delivery_id)
        return ids


def any_available(connection: Connection, wanted: Wanted, now: datetime) -> bool:
    """Return whether `claim` may find something, without a lock."""
    return connection.execute(_ANY, wanted.values(now)).first() is not None


def claim(connection: Connection, wanted: Wanted, clock: Callable[[], datetime]) -> list[Claim]:
    """Claim the deliveries that have been available longest.

    The lease begins now, however long they were in the queue.
    """
    now = clock()
    # Its own are only available if the clock has jumped, so they're left out here: a condition would cost every time.
    available = wanted.values(now) | {"size": wanted.size + len(wanted.own)}
    ids = wanted.choose(connection.execute(_NEXT, available))
    if not ids:
        return []
    rows = connection.execute(_CLAIMED, {"ids": ids}).mappings().all()
    claimed = {"state": DeliveryState.SENDING, "claim_token": secrets.token_hex(8), "available_at": now + LEASE}
    connection.execute(_CLAIM, {"ids": ids, "token": claimed["claim_token"], "until": now + LEASE, "now": now})
    claims = []
    for row in rows:
        before = Delivery.of(tables.columns_of(row, tables.deliveries))
        counted = {"claims": before.claims + 1, "first_claimed_at": before.first_claimed_at or now}
        lease = Lease.begin(before.first_claimed_at, clock)
        recipient = row["recipient_id"] or before.recipient or ""
        salt = _salt(row[workspaces.created_at])
        claims.append(Claim(before.model_copy(update=claimed | counted), _location(row), recipient, lease, salt))
    return claims


def _salt(workspace_created_at: datetime) -> str:
    """Return a salt for a workspace's keys: another database stored it in another microsecond, and a copy keeps it."""
    return f"{round(workspace_created_at.timestamp() * 1_000_000) % 2**32:08x}"


def _location(row: RowMapping) -> Location:
    return Location(
        row[workspaces.platform],
        row[workspaces.external_id],
        row[channels.external_id] or "",
        row[workspaces.name],
        row[channels.name] or "",
    )


PLACES = LATER, AVAILABLE, SENDING = "later", "available", "sending"
"""Where an open delivery is: not to be claimed yet; to be claimed by any process, also after a lease that expired; or
claimed by a process."""
_BACKLOG = (
    select(
        deliveries.kind,
        case(
            (deliveries.available_at <= bindparam("now"), AVAILABLE),
            (deliveries.state == DeliveryState.SENDING, SENDING),
            else_=LATER,
        ).label("place"),
        func.count(),
        func.min(deliveries.available_at, type_=deliveries.available_at.type),
    )
    .where(
        text(OPEN_DELIVERY),
        # Faster here than ON_PLATFORMS: every open delivery is counted, so the workspaces are read only once.
        deliveries.workspace_id.in_(
            select(workspaces.id).where(
                workspaces.platform.in_(bindparam("platforms", expanding=True)), workspaces.left_at.is_(None)
            )
        ),
    )
    .group_by(deliveries.kind, "place")
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many open deliveries there are by kind and place, and by kind the seconds since one has been available."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest: dict[str, float] = field(default_factory=dict)


def backlog(connection: Connection, platforms: Collection[str], now: datetime) -> Backlog:
    """Return how much is in the queue for these platforms, from the index of open deliveries."""
    found = Backlog(
        {(kind.value, place): 0 for kind in DeliveryKind for place in PLACES},
        {kind.value: 0.0 for kind in DeliveryKind},
    )
    for kind, place, count, since in connection.execute(_BACKLOG, {"platforms": list(platforms), "now": now}):
        found.counts[kind.value, place] = count
        if place == AVAILABLE:
            found.oldest[kind.value] = (now - since).total_seconds()
    return found


def add(connection: Connection, new: Sequence[Delivery]) -> None:
    """Enqueue deliveries."""
    if new:
        connection.execute(tables.deliveries.insert(), [delivery.columns() for delivery in new])


_HELD = and_(
    deliveries.id == bindparam("delivery"),
    deliveries.state == DeliveryState.SENDING,
    deliveries.claim_token == bindparam("token"),
)
"""A condition on deliveries: a claim still holds."""
_LOCK_HELD = select(deliveries.id).where(_HELD).with_for_update()
_END = (
    update(tables.deliveries)
    .where(_HELD)
    .values(
        state=bindparam("ended"),
        claim_token=None,
        claims=0,
        problem=bindparam("reason"),
        message_ref=func.coalesce(bindparam("ref"), deliveries.message_ref),
        posted_at=func.coalesce(bindparam("posted", type_=deliveries.posted_at.type), deliveries.posted_at),
    )
)
_REMOVE = delete(tables.deliveries).where(_HELD)
_PUT_BACK = (
    update(tables.deliveries)
    .where(_HELD)
    .values(
        state=DeliveryState.DUE,
        claim_token=None,
        available_at=bindparam("at"),
        problem=bindparam("reason"),
        refusals=deliveries.refusals + bindparam("refused"),
        claims=deliveries.claims * bindparam("without_result"),
    )
)


def add_once(connection: Connection, new: Delivery) -> None:
    """Enqueue a delivery unless it's there already: one of its kind about its subject, or of its schedule's day."""
    # Without the columns that stay empty: an answer does this each time, and each value costs.
    filled = {name: value for name, value in new.columns().items() if value is not None}
    connection.execute(_insert_once(connection.dialect.name), filled)


@cache
def _insert_once(dialect: str) -> Any:
    return insert_on(dialect, tables.deliveries).on_conflict_do_nothing()


def as_claimed(
    connection: Connection,
    claim: Claim,
    work: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Do some work in this transaction if the claim still holds, and keep it until the end. Raises ClaimLostError."""
    if connection.execute(_LOCK_HELD, _held(claim)).first() is None:
        raise ClaimLostError
    return work(connection, *args, **kwargs)


def end(
    connection: Connection,
    claim: Claim,
    state: DeliveryState,
    problem: str | None = None,
    *,
    posted: tuple[str, datetime] | None = None,
) -> None:
    """Record that nothing is left to do, and the message that was `posted` last, and when; the row is kept.

    Raises ClaimLostError.
    """
    ref, at = posted or (None, None)
    _record(connection, _END, claim, ended=state, reason=problem, ref=ref, posted=at)


def remove(connection: Connection, claim: Claim) -> None:
    """Raise ClaimLostError unless the claim still holds."""
    _record(connection, _REMOVE, claim)


def put_back(
    connection: Connection, claim: Claim, available_at: datetime, *, problem: str | None, refused: bool, result: bool
) -> None:
    """End a claim, and let any process claim the delivery again from `available_at` on.

    `refused` counts a refusal of the platform. Without a `result`, the claim counts toward those after which the
    delivery is given up. Raises ClaimLostError.
    """
    counts = {"refused": int(refused), "without_result": int(not result)}
    _record(connection, _PUT_BACK, claim, at=available_at, reason=problem, **counts)


def _record(connection: Connection, statement: Executable, claim: Claim, **values: Any) -> None:
    if connection.execute(statement, _held(claim) | values).rowcount == 0:
        raise ClaimLostError


def _held(claim: Claim) -> dict[str, Any]:
    return {"delivery": claim.delivery.id, "token": claim.delivery.claim_token}
