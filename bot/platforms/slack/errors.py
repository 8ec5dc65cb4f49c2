"""What Slack's error codes mean."""

from __future__ import annotations

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError

UNREACHABLE = (OSError, TimeoutError, aiohttp.ClientError, SlackRequestError)
"""Raised if Slack doesn't answer, or its answer can't be read."""
API_ERRORS = (SlackApiError, *UNREACHABLE)
"""Everything a Web API call may raise."""
REASONS = {
    "not_in_channel": "I'm not in that channel. To add me, type `/invite @Studyhall` there.",
    "channel_not_found": "I'm not in that channel, or it's gone. To add me, type `/invite @Studyhall` there.",
    "method_not_supported_for_channel_type": "I can't join that channel. To add me, type `/invite @Studyhall` there.",
    "is_archived": "The channel is archived.",
    "restricted_action": "Only certain people can post there.",
    "message_not_found": "The message is gone.",
    "edit_window_closed": "This workspace doesn't allow editing messages that old.",
    "missing_scope": "The app doesn't have all the permissions it needs there. Install it again to grant the new ones.",
}
TRANSIENT = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "token_expired",
}
REFUSED_CONTENT = {
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "block_mismatch",
    "msg_too_long",
    "msg_blocks_too_long",
    "too_many_attachments",
    "attachment_payload_limit_exceeded",
    "invalid_arguments",
    "view_too_large",
}
"""Codes that mean that Slack takes no message, or no view, with these contents."""
INVALID_TOKEN = {"invalid_auth", "account_inactive", "token_revoked", "not_authed"}
"""Codes that mean the workspace removed the app. The one for an expired token isn't here: it's renewed."""


def error_code(problem: Exception) -> str:
    """Return Slack's own code; else the HTTP status, or the exception's name if there was no answer."""
    if not isinstance(problem, SlackApiError):
        return type(problem).__name__
    data = getattr(problem.response, "data", None)
    return str(data.get("error") or "no reason") if isinstance(data, dict) else f"HTTP {http_status(problem)}"


def http_status(problem: SlackApiError) -> int:
    """Return the status. If the body isn't JSON, the response is aiohttp's own, which calls it `status`."""
    response: Any = problem.response
    return int(response.status_code if hasattr(response, "status_code") else response.status)


def needs_group_scope(problem: SlackApiError) -> bool:
    """Return whether a scope is missing because the conversation is one of several members without a channel."""
    data = getattr(problem.response, "data", None)
    needed = str(data.get("needed") or "") if isinstance(data, dict) else ""
    return "mpim:" in needed and "groups:" not in needed


def retry_after(problem: SlackApiError) -> float | None:
    """Return how many seconds Slack asks us to wait; None if it doesn't say."""
    headers: Any = problem.response.headers or {}
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if isinstance(value, list):
        value = value[0]
    return float(value) if value is not None and str(value).isdecimal() else None
