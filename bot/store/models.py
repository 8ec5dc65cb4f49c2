"""Every table. A member of a platform lives in a workspace; a person may one day own several members.

Moments are aware and in UTC. Days are the member's or the schedule's local dates and are never rewritten.
An `id` is None until the row is stored. Ids that a platform gave (`external_id`, `request_id`) are text, unique only
with their owner.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel, col

# Before any table: constraints need names, or a batch migration on SQLite cannot find them again.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EVERYWHERE = 0
"""The channel of totals that count a whole workspace."""


def words(kind: type[StrEnum]) -> Any:
    """A column type holding the enum's values as text: a new one needs no migration on either database."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda k: [m.value for m in k])


class Workspace(SQLModel, table=True):
    """A Discord guild, a Slack workspace, or this computer's terminal. `zone` fixes its weeks and months.

    `own_version` goes up with every change to its own questions; 0 while it never had any. `left_at` is when the bot
    was last put out of it, empty while it is in.
    """

    __table_args__ = (UniqueConstraint("platform", "external_id"),)
    id: int = Field(default=None, primary_key=True)
    platform: str
    external_id: str
    name: str
    zone: str = "UTC"
    own_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    left_at: datetime | None = None
    created_at: datetime


class OwnQuestion(SQLModel, table=True):
    """A question of a workspace's own. `source` is its file as it would stand in a bank's folder."""

    __tablename__ = "own_question"
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    question_id: str = Field(primary_key=True)
    topic: str
    source: str
    added_at: datetime


class Channel(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("workspace_id", "external_id"),)
    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    external_id: str
    name: str


class Person(SQLModel, table=True):
    """Whoever stands behind one or more members."""

    id: int = Field(default=None, primary_key=True)
    created_at: datetime


class Team(SQLModel, table=True):
    """A team of a workspace; `key` is its name without case, and unique there."""

    __table_args__ = (UniqueConstraint("workspace_id", "key"),)
    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    name: str
    key: str
    created_at: datetime


class Member(SQLModel, table=True):
    """A person in one workspace.

    `zone` (None until known) and `rollover` (hours after midnight at which the day begins, 0 to 4) are in force;
    the `next_` pair takes their place at `next_from`. `last_day` is the latest day given to an answer: days never go
    backwards. The three streak columns are a cache of what the answers say, as of `last_day`.

    `remind_at` is the local time of the one reminder before a streak ends, for those who want it, and `next_reminder`
    the moment of the next look; `unreachable` says why reminders stopped, when the platform would not deliver one.
    """

    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        Index("ix_member_reminder", "next_reminder", sqlite_where=text("next_reminder IS NOT NULL"),
              postgresql_where=text("next_reminder IS NOT NULL")),
    )  # fmt: skip
    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id", index=True)
    external_id: str
    name: str
    manager: bool = False
    team_id: int | None = Field(default=None, foreign_key="team.id", ondelete="SET NULL", index=True)
    zone: str | None = None
    rollover: int = 0
    next_zone: str | None = None
    next_rollover: int | None = None
    next_from: datetime | None = None
    listed: bool = True
    last_day: date | None = None
    streak: int = 0
    longest: int = 0
    freezes: int = 0
    remind_at: time | None = None
    next_reminder: datetime | None = None
    unreachable: str | None = None
    joined_at: datetime


class RestChange(SQLModel, table=True):
    """From `from_day` on the member rests on these weekdays ("56" is the weekend; Monday is 0)."""

    __tablename__ = "rest_change"
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True)
    from_day: date = Field(primary_key=True)
    weekdays: str


class ScheduleState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    FAILED = "failed"
    REMOVED = "removed"


class Schedule(SQLModel, table=True):
    """A channel's daily question at a local time. `next_due` is empty once it is removed.

    The times of a paused or failed one pass as skipped deliveries, so that their days are excused.

    `weekdays` as in "01234" (Monday is 0); no `topics` means all of them, no `difficulty` any. `reveal` is a local
    time: on the same day when later than `at`, else on the next. A removed schedule stays for what it has posted.

    `thread` and `pin` ask for a thread under each question, and for its pin in the place of the one before. `role` is
    the platform's id of those to be called, empty for nobody. `made_by` hears of it when the schedule has to stop.
    """

    __table_args__ = (
        Index("ix_schedule_due", "next_due", sqlite_where=text("next_due IS NOT NULL"),
              postgresql_where=text("next_due IS NOT NULL")),
        UniqueConstraint("channel_id", "request_id"),
    )  # fmt: skip
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
    state: ScheduleState = Field(default=ScheduleState.ACTIVE, sa_type=words(ScheduleState))
    paused_until: date | None = None
    problem: str | None = None
    next_day: date | None = None
    next_due: datetime | None = None
    created_at: datetime


OPEN_DELIVERY = "delivery.state IN ('due', 'sending')"
"""Deliveries still to be seen to. A query has to say it in these words: for values that are bound, a database cannot
tell that the partial index holds all it looks for."""


class DeliveryKind(StrEnum):
    DAILY = "daily"
    REVEAL = "reveal"


class DeliveryState(StrEnum):
    """due -> sending -> done; or failed after three tries; or skipped (late, paused, nothing to ask).

    What is posted and still wants its thread or pin is due or sending, and has a `message_ref`.
    """

    DUE = "due"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Delivery(SQLModel, table=True):
    """One post that must happen exactly once: unique by schedule, kind and scheduled local date.

    `message_ref` and `thread_ref` are the platform's own; `pinned` while the message is pinned by us. `count_due` is
    set when an answer came that the message does not count yet, and `counted_at` is when it last did.
    """

    __table_args__ = (
        UniqueConstraint("schedule_id", "kind", "day"),
        Index("ix_delivery_open", "due_at", sqlite_where=text("state IN ('due', 'sending')"),
              postgresql_where=text("state IN ('due', 'sending')")),
        Index("ix_delivery_channel_day", "channel_id", "day"),
        Index("ix_delivery_count", "count_due", sqlite_where=text("count_due IS NOT NULL"),
              postgresql_where=text("count_due IS NOT NULL")),
    )  # fmt: skip
    id: int = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="schedule.id", ondelete="CASCADE")
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE")
    kind: DeliveryKind = Field(sa_type=words(DeliveryKind))
    day: date
    due_at: datetime
    state: DeliveryState = Field(default=DeliveryState.DUE, sa_type=words(DeliveryState))
    lease_until: datetime | None = None
    attempts: int = 0
    problem: str | None = None
    message_ref: str | None = None
    posted_at: datetime | None = None
    thread_ref: str | None = None
    pinned: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    count_due: datetime | None = None
    counted_at: datetime | None = None


class RoundKind(StrEnum):
    DAILY = "daily"
    PRACTICE = "practice"
    TEST = "test"


class Round(SQLModel, table=True):
    """One posing of a question, to a channel (daily, test) or to one member (practice).

    `token` stands in button lines. `order` is the order in which the choices were shown, as digits; it holds while
    the question's `fingerprint` does.
    """

    id: int = Field(default=None, primary_key=True)
    token: str = Field(unique=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE", index=True)
    member_id: int | None = Field(default=None, foreign_key="member.id", ondelete="CASCADE", index=True)
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", ondelete="CASCADE", unique=True)
    request_id: str | None = None
    kind: RoundKind = Field(sa_type=words(RoundKind))
    question_id: str
    order: str
    fingerprint: str
    opened_at: datetime
    closes_at: datetime | None = None


class Answer(SQLModel, table=True):
    """A member's one answer to a round. `counted` ones earn points; the others say in `uncounted` why not.

    `day`, `zone`, `week` and `month` are fixed when the answer is accepted. `choice` is an index into the question's
    own order; `share` is the share of the key points mentioned, 0 to 1; `right` is None for text not yet judged.
    """

    __table_args__ = (
        UniqueConstraint("round_id", "member_id"),
        Index("ix_answer_member_day", "member_id", "day"),
        Index("ix_answer_workspace_month", "workspace_id", "month"),
    )
    id: int = Field(default=None, primary_key=True)
    request_id: str
    round_id: int = Field(foreign_key="round.id", ondelete="CASCADE")
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE")
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE", index=True)
    team_id: int | None = Field(default=None, foreign_key="team.id", ondelete="SET NULL", index=True)
    question_id: str
    topic: str
    choice: int | None = None
    text: str | None = None
    share: float | None = None
    right: bool | None = None
    assessed: bool = False
    counted: bool = False
    uncounted: str = ""
    points: int = 0
    accepted_at: datetime
    day: date
    zone: str
    week: str
    month: str


class Peek(SQLModel, table=True):
    """A member looked the question of an open round up before answering it, so the round is practice for them."""

    round_id: int = Field(foreign_key="round.id", ondelete="CASCADE", primary_key=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True, index=True)
    at: datetime


class TotalKind(StrEnum):
    MEMBER = "member"
    TEAM = "team"


class Total(SQLModel, table=True):
    """Points of a member or a team in one period and place, kept in the transaction of the answer.

    `period` is "2026-W47", "2026-11" or "all"; `channel_id` is EVERYWHERE for the workspace. `reached_at` decides
    ties: the moment of the last answer that added points. `active` counts a team's members with a counted answer.
    """

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    channel_id: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    kind: TotalKind = Field(sa_type=words(TotalKind), primary_key=True)
    subject_id: int = Field(primary_key=True)
    points: int = 0
    answers: int = 0
    active: int = 0
    listed: bool = True
    reached_at: datetime


# After its class, because a descending column that is only text looks like an expression to Alembic on SQLite.
Index(
    "ix_total_rank",
    col(Total.workspace_id),
    col(Total.channel_id),
    col(Total.period),
    col(Total.kind),
    col(Total.listed),
    col(Total.points).desc(),
    col(Total.reached_at),
    col(Total.subject_id),
)


class Tier(SQLModel, table=True):
    """How many listed members have just so many points in one period and place.

    Places are added up from tiers: counting the totals ahead takes ten times as long in a workspace of 100,000.
    """

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    channel_id: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    points: int = Field(primary_key=True)
    members: int


class Report(SQLModel, table=True):
    """A member says that something about a question is wrong."""

    __table_args__ = (UniqueConstraint("member_id", "request_id"),)
    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", index=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE")
    request_id: str
    question_id: str
    body: str
    created_at: datetime
    closed_at: datetime | None = None


class Retired(SQLModel, table=True):
    """A question a workspace no longer wants to be asked."""

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    question_id: str = Field(primary_key=True)
    at: datetime


class Draft(SQLModel, table=True):
    """What a member typed into a form, kept until the command it was for has been carried out.

    `line` is the command line that opened the form; `values` what was typed, by parameter.
    """

    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True)
    line: str = Field(primary_key=True)
    values: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    at: datetime


class Explained(SQLModel, table=True):
    """An explanation that was given. `token` stands in button lines; `parent_id` is what it follows up on.

    `asked` is the member's text and `text` what they read; `source` as in `bot.replies.Explanation`; `questions` are
    the ids of what it rests on, in the order of their numbers. `public` is what a whole channel was shown.
    """

    __table_args__ = (UniqueConstraint("workspace_id", "request_id"),)
    id: int = Field(default=None, primary_key=True)
    token: str = Field(unique=True)
    request_id: str | None = None
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", index=True)
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE", index=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", index=True)
    parent_id: int | None = Field(default=None, foreign_key="explained.id", ondelete="SET NULL", index=True)
    asked: str
    text: str
    source: str
    why: str = ""
    questions: list[str] = Field(default_factory=list, sa_type=JSON)
    public: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    at: datetime


class Post(SQLModel, table=True):
    """The terminal's durable outbox: what was posted there, and when somebody has seen it."""

    __table_args__ = (Index("ix_post_unseen", "id", sqlite_where=text("seen_at IS NULL"),
                            postgresql_where=text("seen_at IS NULL")),)  # fmt: skip
    id: int = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    channel: str
    body: str
    posted_at: datetime
    seen_at: datetime | None = None


class Installation(SQLModel, table=True):
    """A Slack workspace that installed the app. `token` and `refresh` are encrypted; `installer` is a user's id there.

    `expires_at` is the token's end where tokens rotate; whoever renews one has until `renewing_until` alone.
    """

    team: str = Field(primary_key=True)
    name: str
    bot_user: str
    bot_id: str
    scopes: str
    installer: str
    token: str
    refresh: str | None = None
    expires_at: datetime | None = None
    renewing_until: datetime | None = None
    installed_at: datetime


class OauthState(SQLModel, table=True):
    """An installation that was begun; `digest` is that of the state that Slack brings back."""

    __tablename__ = "oauth_state"
    digest: str = Field(primary_key=True)
    expires_at: datetime


class Seen(SQLModel, table=True):
    """A request that a platform delivered, by its own id, so that a second delivery does nothing."""

    platform: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    at: datetime = Field(index=True)
