"""Every table, for statements: `select(tables.rounds).where(tables.rounds.c.round_key == key)`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, Table
from sqlmodel import SQLModel

from bot.store import models  # noqa: F401  # fills the metadata

_TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)

channels = _TABLES["channel"]
custom_questions = _TABLES["custom_question"]
reports = _TABLES["report"]
retired_questions = _TABLES["retired_question"]
workspaces = _TABLES["workspace"]
members = _TABLES["member"]
persons = _TABLES["person"]
rest_days = _TABLES["rest_days"]
teams = _TABLES["team"]
deliveries = _TABLES["delivery"]
schedules = _TABLES["schedule"]
answers = _TABLES["answer"]
rounds = _TABLES["round"]
viewed_answers = _TABLES["viewed_answer"]
points_buckets = _TABLES["points_bucket"]
totals = _TABLES["total"]
explanations = _TABLES["explanation"]
form_drafts = _TABLES["form_draft"]
processed_requests = _TABLES["processed_request"]
kept_requests = _TABLES["kept_request"]
oauth_states = _TABLES["oauth_state"]
slack_installations = _TABLES["slack_installation"]
terminal_posts = _TABLES["terminal_post"]


def columns_of(row: RowMapping, table: Table) -> dict[str, Any]:
    """Return one table's columns from a row that has those of several."""
    return {column.key: row[column] for column in table.c}
