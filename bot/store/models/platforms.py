"""What platforms store: the terminal's posts and Slack's installations."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from bot.store.models.row import Row, partial_index


class TerminalPost(Row):
    """The terminal's durable outbox: what was posted there, and when somebody saw it."""

    id: int = Field(default=None, primary_key=True)
    post_key: str = Field(unique=True)
    channel: str
    body: str
    posted_at: datetime
    seen_at: datetime | None = None


class TerminalPostTable(TerminalPost, table=True):
    __tablename__ = "terminal_post"
    __table_args__ = (partial_index("ix_terminal_post_unseen", "id", "seen_at IS NULL"),)


class SlackInstallation(Row):
    """A Slack workspace that installed the app. `token` and `refresh` are encrypted; `installer` is a user's id there.

    `expires_at` is set if tokens rotate. Until `renewing_until`, only the process that set it may renew the token.
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


class SlackInstallationTable(SlackInstallation, table=True):
    __tablename__ = "slack_installation"


class OauthState(Row):
    """An installation in progress; `digest` is the digest of the state that Slack sends back."""

    digest: str = Field(primary_key=True)
    expires_at: datetime


class OauthStateTable(OauthState, table=True):
    __tablename__ = "oauth_state"
