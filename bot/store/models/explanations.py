"""Stored explanations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row


class StoredExplanation(Row):
    """A stored explanation. Button lines refer to `explanation_key`; `parent_id` is what it follows up on.

    `request_text` is what the member asked and `text` what they read; `source` as in `bot.replies.Explanation`;
    `questions` are the ids of its sources, in the order of their numbers. `is_public`: a whole channel saw it.
    """

    id: int = Field(default=None, primary_key=True)
    explanation_key: str = Field(unique=True)
    request_id: str | None = None
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE", index=True)
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE", index=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", index=True)
    parent_id: int | None = Field(default=None, foreign_key="explanation.id", ondelete="SET NULL", index=True)
    request_text: str
    text: str
    source: str
    reason: str = ""
    questions: list[str] = Field(default_factory=list, sa_type=JSON)
    is_public: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    at: datetime


class StoredExplanationTable(StoredExplanation, table=True):
    __tablename__ = "explanation"
    __table_args__ = (UniqueConstraint("workspace_id", "request_id"),)
