"""Rounds, the answers to them, and records of answers viewed early."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from bot.store.models.row import Row, enum_column


class RoundKind(StrEnum):
    DAILY = "daily"
    PRACTICE = "practice"
    TEST = "test"


class Round(Row):
    """A question asked once, in a channel (daily, test) or to one member (practice).

    `round_key` is what buttons carry. `choice_order` is the order in which the choices were shown, as digits; it is
    valid only while the question's choices still have the hash `choices_hash`.
    """

    id: int = Field(default=None, primary_key=True)
    round_key: str = Field(unique=True)
    workspace_id: int = Field(foreign_key="workspace.id", ondelete="CASCADE")
    channel_id: int = Field(foreign_key="channel.id", ondelete="CASCADE", index=True)
    member_id: int | None = Field(default=None, foreign_key="member.id", ondelete="CASCADE", index=True)
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", ondelete="CASCADE", unique=True)
    request_id: str | None = None
    kind: RoundKind = Field(sa_type=enum_column(RoundKind))
    question_id: str
    choice_order: str
    choices_hash: str
    opened_at: datetime
    closes_at: datetime | None = None


class RoundTable(Round, table=True):
    __tablename__ = "round"


class Answer(Row):
    """A member's one answer to a round. `scored` ones earn points; the others say in `unscored_reason` why not.

    `day`, `zone`, `week` and `month` are fixed when the answer is accepted. `choice` is an index into the question's
    own order; `share` is the share of the key points mentioned, 0 to 1; `correct` is None for text not yet judged.
    """

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
    correct: bool | None = None
    self_graded: bool = False
    scored: bool = False
    unscored_reason: str = ""
    points: int = 0
    accepted_at: datetime
    day: date
    zone: str
    week: str
    month: str


class AnswerTable(Answer, table=True):
    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("round_id", "member_id"),
        Index("ix_answer_member_day", "member_id", "day"),
        Index("ix_answer_workspace_month", "workspace_id", "month"),
    )


class ViewedAnswer(Row):
    """A member looked up the question of an open round before answering it, so the round is practice for them."""

    round_id: int = Field(foreign_key="round.id", ondelete="CASCADE", primary_key=True)
    member_id: int = Field(foreign_key="member.id", ondelete="CASCADE", primary_key=True, index=True)
    at: datetime


class ViewedAnswerTable(ViewedAnswer, table=True):
    __tablename__ = "viewed_answer"
