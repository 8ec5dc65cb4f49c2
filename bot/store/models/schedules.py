"""Schedules and their posts."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row, enum_column, partial_index


class ScheduleState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    FAILED = "failed"
    REMOVED = "removed"


class Schedule(Row):
    """A channel's daily question at a local time. `next_due` is None once it's removed.

    While a schedule is paused or failed, its deliveries are stored as skipped, so those days are excused.

    `weekdays` as in "01234" (Monday is 0); no `topics` means all of them, no `difficulty` any. `reveal` is a local
    time: on the same day if it's later than `at`, else on the next. A removed schedule is kept for its posts.

    `thread` opens a thread under each question, and `pin` pins it in place of the previous one. `role` is the
    platform's id of the role to mention, empty for none. `made_by` gets a message if the schedule has to stop.
    """

    id: int = Field(default=None, primary_key=True)
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE")
    request_id: str
    at: time
    zone: str
    weekdays: str
    topics: list[str] = Field(default_factory=list, sa_type=JSON)
    difficulty: str | None = None
    reveal: time
    thread: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    pin: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    role: str | None = None
    made_by: int | None = Field(default=None, foreign_key="member.id", ondelete="SET NULL", index=True)
    state: ScheduleState = Field(default=ScheduleState.ACTIVE, sa_type=enum_column(ScheduleState))
    paused_until: date | None = None
    problem: str | None = None
    next_day: date | None = None
    next_due: datetime | None = None
    created_at: datetime


class ScheduleTable(Schedule, table=True):
    __tablename__ = "schedule"
    __table_args__ = (
        partial_index("ix_schedule_due", "next_due", "next_due IS NOT NULL"),
        UniqueConstraint("channel_id", "request_id"),
    )


OPEN_DELIVERY = "delivery.state IN ('due', 'sending')"
"""Deliveries that still need work. Queries must contain exactly this text: with bound values, a database can't
tell that the partial index covers everything the query looks for."""


class DeliveryKind(StrEnum):
    DAILY = "daily"
    REVEAL = "reveal"


class DeliveryState(StrEnum):
    """due -> sending -> done; or failed after three tries; or skipped (late, paused, nothing to ask).

    A posted delivery that still needs its thread or pin is due or sending, and has a `message_ref`.
    """

    DUE = "due"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Delivery(Row):
    """One post that must happen exactly once: unique by schedule, kind and scheduled local date.

    `message_ref` and `thread_ref` are the platform's own; `pinned` is True while we have the message pinned.
    `count_due` is set when there's an answer that the message doesn't count yet, and `counted_at` is when its count was
    last updated.
    """

    id: int = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="schedule.id", ondelete="CASCADE")
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE")
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    day: date
    due_at: datetime
    state: DeliveryState = Field(default=DeliveryState.DUE, sa_type=enum_column(DeliveryState))
    lease_until: datetime | None = None
    attempts: int = 0
    problem: str | None = None
    message_ref: str | None = None
    posted_at: datetime | None = None
    thread_ref: str | None = None
    pinned: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    count_due: datetime | None = None
    counted_at: datetime | None = None


class DeliveryTable(Delivery, table=True):
    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("schedule_id", "kind", "day"),
        partial_index("ix_delivery_open", "due_at", "state IN ('due', 'sending')"),
        Index("ix_delivery_channel_day", "channel_id", "day"),
        partial_index("ix_delivery_count", "count_due", "count_due IS NOT NULL"),
    )
