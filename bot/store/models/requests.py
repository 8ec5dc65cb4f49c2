"""What's stored about requests: forms whose command hasn't succeeded yet, and ids that were already processed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field

from bot.store.models.row import Row


class FormDraft(Row):
    """What a member typed into a form, kept until its command has succeeded.

    `line` is the command line that opened the form; `values` what was typed, by parameter.
    """

    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True)
    line: str = Field(primary_key=True)
    values: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    at: datetime


class FormDraftTable(FormDraft, table=True):
    __tablename__ = "form_draft"


class ProcessedRequest(Row):
    """A request that a platform delivered, by the platform's id, so that a second delivery does nothing."""

    platform: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    at: datetime = Field(index=True)


class ProcessedRequestTable(ProcessedRequest, table=True):
    __tablename__ = "processed_request"
