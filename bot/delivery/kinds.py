"""What a feature declares about a kind of delivery: how it's sent, and what follows if it can't be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.context.outbox import PostError
from bot.context.study import Study
from bot.delivery.queue import Claim
from bot.store.models import DeliveryState


class AbandonedError(PostError):
    """Nobody refused it, but no process ever finished it: maybe it's what ends the process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the transaction records: that a delivery is done, or due again at `due_again`; then it calls `record`.

    `message_ref` is the message that was posted last, if any.
    """

    record: Callable[[Connection], None] | None = None
    due_again: datetime | None = None
    message_ref: str = ""


DONE = Outcome()

Send = Callable[[Study, Claim], Awaitable[Outcome]]
"""Sends a delivery, and records each step that isn't the last. Raises PostError."""
GiveUp = Callable[[Connection, Claim, PostError, datetime], DeliveryState]
"""Does what follows when a delivery is given up, in the transaction that records it, and returns its last state."""


@dataclass(frozen=True, slots=True)
class DeliveryType:
    """How one kind of delivery is handled. `is_kept`: its row stays as a record once nothing is left to do."""

    send: Send
    give_up: GiveUp
    is_kept: bool
