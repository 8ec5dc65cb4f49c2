"""Workspaces, their channels, and their custom questions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row


class Workspace(Row):
    """A Discord guild, a Slack workspace, or this computer's terminal. `zone` determines its weeks and months.

    `custom_questions_version` goes up with every change to its custom questions, and is 0 until there are any.
    `left_at` is when the bot was removed, or None while it's a member.
    """

    id: int = Field(default=None, primary_key=True)
    platform: str
    external_id: str
    name: str
    zone: str = "UTC"
    custom_questions_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    left_at: datetime | None = None
    created_at: datetime


class WorkspaceTable(Workspace, table=True):
    __tablename__ = "workspace"
    __table_args__ = (UniqueConstraint("platform", "external_id"),)


class Channel(Row):
    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    external_id: str
    name: str


class ChannelTable(Channel, table=True):
    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("workspace_id", "external_id"),)


class CustomQuestion(Row):
    """A custom question of a workspace. `source` is the text of its file, as in a bank's folder."""

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    question_id: str = Field(primary_key=True)
    topic: str
    source: str
    added_at: datetime


class CustomQuestionTable(CustomQuestion, table=True):
    __tablename__ = "custom_question"


class RetiredQuestion(Row):
    """A question that a workspace no longer asks."""

    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    question_id: str = Field(primary_key=True)
    at: datetime


class RetiredQuestionTable(RetiredQuestion, table=True):
    __tablename__ = "retired_question"


class Report(Row):
    """A member's report that something about a question is wrong."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", index=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE")
    request_id: str
    question_id: str
    body: str
    created_at: datetime
    closed_at: datetime | None = None


class ReportTable(Report, table=True):
    __tablename__ = "report"
    __table_args__ = (UniqueConstraint("member_id", "request_id"),)
