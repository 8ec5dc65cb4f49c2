"""Notes to managers: direct messages about something that a manager has to fix."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection, bindparam, update

from bot.context.outbox import PostError
from bot.context.study import Study
from bot.delivery import queue
from bot.delivery.kinds import DONE, DeliveryType, Outcome
from bot.delivery.queue import Claim
from bot.replies import Notice, Reply, Tone
from bot.store import tables
from bot.store.models import Delivery, DeliveryKind, DeliveryState

log = structlog.get_logger()

_SET_RECIPIENT = (
    update(tables.deliveries).where(tables.deliveries.c.id == bindparam("note")).values(recipient=bindparam("owner"))
)


def add_notes(connection: Connection, about: Delivery, managers: Collection[int], text: str, now: datetime) -> None:
    """Enqueue a note about a delivery to each of these members; without any, to the workspace's owners there."""
    queue.add(connection, [_note(about, text, now, member_id=manager) for manager in managers or (None,)])


def _note(
    about: Delivery, text: str, now: datetime, *, member_id: int | None = None, recipient: str | None = None
) -> Delivery:
    return Delivery(
        kind=DeliveryKind.NOTE,
        workspace_id=about.workspace_id,
        channel_id=about.channel_id,
        member_id=member_id,
        recipient=recipient,
        text=text,
        due_at=now,
        available_at=now,
    )


async def _send(study: Study, claim: Claim) -> Outcome:
    outbox, note = study.outboxes[claim.location.platform], claim.delivery
    if claim.recipient:
        reply = Reply.of(Notice(note.text or "", Tone.PROBLEM))
        await outbox.send_direct(claim.location, claim.recipient, reply, claim.key, attempt=claim.lease)
        return DONE
    owners, now = await outbox.owners(claim.location), study.clock()
    if not owners:
        log.warning("nobody to tell", workspace=note.workspace_id)
        return DONE
    return Outcome(lambda connection: _address_to_owners(connection, note, owners, now), due_again=now)


def _address_to_owners(connection: Connection, note: Delivery, owners: Sequence[str], now: datetime) -> None:
    """Address the note to the first owner, and enqueue one for each of the others."""
    connection.execute(_SET_RECIPIENT, {"note": note.id, "owner": owners[0]})
    queue.add(connection, [_note(note, note.text or "", now, recipient=owner) for owner in owners[1:]])


def _give_up(_connection: Connection, _claim: Claim, _refusal: PostError, _now: datetime) -> DeliveryState:
    return DeliveryState.FAILED  # there's nobody else to tell


NOTE = DeliveryType(_send, _give_up, is_kept=False)
