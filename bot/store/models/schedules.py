"""Schedules and their posts."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row, enum_column, partial_index, where


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
    platform's id of the role to mention, empty for none. `silent` posts the answer without a notification. `made_by`
    gets a message if the schedule has to stop.
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
    silent: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
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
    """The last three are deleted once they're done; `COUNT` edits the message of a question, the others are posts."""

    DAILY = "daily"
    REVEAL = "reveal"
    COUNT = "count"
    REMINDER = "reminder"
    NOTE = "note"


class DeliveryState(StrEnum):
    """due -> sending -> done; or failed when it was given up; or skipped (late, paused, nothing to ask).

    A posted delivery that still needs its thread or pin is due or sending, and has a `message_ref`.
    """

    DUE = "due"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Delivery(Row):
    """Something to post that must happen exactly once. A daily question is unique by schedule and scheduled local date.

    It goes to a channel, or to a member: `member_id`, or `recipient`, the platform's id of one we don't know.
    `subject_id` is the question's delivery that a reveal or a count is about.

    A process may claim it from `available_at` on: when it's due, when a wait is over, or when a lease expires. `claims`
    counts claims without a result, and `refusals` how often the platform refused it. What a claim records is guarded by
    its `claim_token`. Anything posted under the delivery's key is no older than `first_claimed_at`.

    `message_ref` and `thread_ref` are the platform's own; `pinned` is True while we have the message pinned.
    `shown_answers` is the number of answers that the message shows.
    """

    id: int = Field(default=None, primary_key=True)
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    channel_id: int | None = Field(default=None, foreign_key="channel.id", ondelete="CASCADE")
    schedule_id: int | None = Field(default=None, foreign_key="schedule.id", ondelete="CASCADE")
    day: date | None = None
    subject_id: int | None = Field(default=None, foreign_key="delivery.id", ondelete="CASCADE")
    member_id: int | None = Field(default=None, foreign_key="member.id", ondelete="CASCADE")
    recipient: str | None = None
    text: str | None = None
    due_at: datetime
    available_at: datetime
    state: DeliveryState = Field(default=DeliveryState.DUE, sa_type=enum_column(DeliveryState))
    claim_token: str | None = None
    claims: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    refusals: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    first_claimed_at: datetime | None = None
    problem: str | None = None
    message_ref: str | None = None
    posted_at: datetime | None = None
    thread_ref: str | None = None
    pinned: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    shown_answers: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class DeliveryTable(Delivery, table=True):
    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("schedule_id", "kind", "day"),
        Index("uq_delivery_subject_id_kind", "subject_id", "kind", unique=True, **where("subject_id IS NOT NULL")),
        partial_index("ix_delivery_open", "available_at", "state IN ('due', 'sending')"),
        partial_index("ix_delivery_member_id", "member_id", "member_id IS NOT NULL"),
        Index("ix_delivery_channel_day", "channel_id", "day"),
        {"sqlite_autoincrement": True},  # ids are part of keys on platforms: no id may come again after a deletion
    )
