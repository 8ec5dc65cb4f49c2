"""Points by period, channel and member or team, updated with each answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, col

from bot.store.models.row import Row, enum_column

EVERYWHERE = 0
"""The channel of totals that cover a whole workspace."""


class TotalKind(StrEnum):
    MEMBER = "member"
    TEAM = "team"


class Total(Row):
    """Points of a member or a team in one period and channel, updated in the answer's transaction.

    `period` is "2026-W47", "2026-11" or "all"; `channel_id` is EVERYWHERE for the workspace. `reached_at` decides ties:
    the time of the last answer that added points. `active_members` is the number of a team's members with a scored
    answer.
    """

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    channel_id: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    kind: TotalKind = Field(sa_type=enum_column(TotalKind), primary_key=True)
    subject_id: int = Field(primary_key=True)
    points: int = 0
    answers: int = 0
    active_members: int = 0
    listed: bool = True
    reached_at: datetime


class TotalTable(Total, table=True):
    __tablename__ = "total"


# After its class, because a descending column that is only text looks like an expression to Alembic on SQLite.
Index(
    "ix_total_rank",
    col(TotalTable.workspace_id),
    col(TotalTable.channel_id),
    col(TotalTable.period),
    col(TotalTable.kind),
    col(TotalTable.listed),
    col(TotalTable.points).desc(),
    col(TotalTable.reached_at),
    col(TotalTable.subject_id),
)


class PointsBucket(Row):
    """How many listed members have exactly this many points in one period and channel.

    Ranks are computed from buckets, because counting the totals ahead takes ten times as long with 100,000 members.
    """

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    channel_id: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    points: int = Field(primary_key=True)
    members: int


class PointsBucketTable(PointsBucket, table=True):
    __tablename__ = "points_bucket"
