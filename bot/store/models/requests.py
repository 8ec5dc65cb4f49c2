"""What's stored about requests: forms not done yet, ids that were processed, and requests not carried out yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

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


class KeptRequest(Row):
    """A request that the platform was told is taken, kept until it's carried out.

    `workspace` and `actor` are the platform's ids; `payload` is what the platform's adapter needs to carry it out.
    Another process may do so from `available_at` on, at most a few times: `attempts` counts them.
    """

    platform: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    workspace: str
    actor: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    at: datetime
    available_at: datetime = Field(index=True)
    attempts: int = 1


class KeptRequestTable(KeptRequest, table=True):
    __tablename__ = "kept_request"
