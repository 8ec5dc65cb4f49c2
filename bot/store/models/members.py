"""Members of workspaces, the people behind them, and their teams."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row, partial_index


class Person(Row):
    """The person behind one or more members."""

    id: int = Field(default=None, primary_key=True)
    created_at: datetime


class PersonTable(Person, table=True):
    __tablename__ = "person"


class Team(Row):
    """A team of a workspace; `name_key` is its name without case, which is unique in the workspace."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    name: str
    name_key: str
    created_at: datetime


class TeamTable(Team, table=True):
    __tablename__ = "team"
    __table_args__ = (UniqueConstraint("workspace_id", "name_key"),)


class Member(Row):
    """A person in one workspace.

    `zone` (None until known) and `day_starts_at` (hours after midnight at which the day begins, 0 to 4) are in effect;
    the `next_` pair replaces them at `next_from`. `last_day` is the latest day an answer counted for, because days
    never go backwards. The three streak columns are a cache, computed from the answers as of `last_day`.

    `remind_at` is the local time for a reminder before a streak ends, None if the member wants none. `next_reminder` is
    when to check next; `unreachable` says why the platform couldn't deliver one, which stops them. `chosen_at` is when
    they last chose this workspace for direct messages that belong to none.
    """

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id", index=True)
    external_id: str = Field(index=True)
    name: str
    manager: bool = False
    team_id: int | None = Field(default=None, foreign_key="team.id", ondelete="SET NULL", index=True)
    zone: str | None = None
    day_starts_at: int = 0
    next_zone: str | None = None
    next_day_starts_at: int | None = None
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
    chosen_at: datetime | None = None


class MemberTable(Member, table=True):
    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        partial_index("ix_member_reminder", "next_reminder", "next_reminder IS NOT NULL"),
    )


class RestDays(Row):
    """From `from_day` on, the member rests on these weekdays ("56" is the weekend; Monday is 0)."""

    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True)
    from_day: date = Field(primary_key=True)
    weekdays: str


class RestDaysTable(RestDays, table=True):
    __tablename__ = "rest_days"
