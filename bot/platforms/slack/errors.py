"""What Slack's refusals say."""

from __future__ import annotations

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError

SILENT = (OSError, TimeoutError, aiohttp.ClientError, SlackRequestError)
"""What is raised where Slack does not answer, or in no way that can be read."""
TROUBLE = (SlackApiError, *SILENT)
"""All that a call of the Web API may raise."""
REASONS = {
    "not_in_channel": "I am not in that channel. `/invite @Studyhall` there brings me in.",
    "channel_not_found": "I am not in that channel, or it is gone. `/invite @Studyhall` there brings me in.",
    "is_archived": "The channel is archived.",
    "restricted_action": "The workspace lets only some people post there.",
    "message_not_found": "The message is gone.",
    "edit_window_closed": "The workspace does not let messages be edited any more after a while.",
    "missing_scope": "The app has too few rights there. Install it once more, and Slack asks for what is new.",
}
PASSING = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "token_expired",
}
ENDED = {"invalid_auth", "account_inactive", "token_revoked", "not_authed"}
"""The app was put out of the workspace. An expired token is not among them: it is renewed."""


def why(refusal: Exception) -> str:
    """Slack's own word for it; a server in trouble answers with a page instead, or not at all."""
    if not isinstance(refusal, SlackApiError):
        return type(refusal).__name__
    data = getattr(refusal.response, "data", None)
    return str(data.get("error") or "no reason") if isinstance(data, dict) else f"HTTP {status(refusal)}"


def status(refusal: SlackApiError) -> int:
    """A body that is no JSON leaves the HTTP library's own response, which has another name for it."""
    response: Any = refusal.response
    return int(response.status_code if hasattr(response, "status_code") else response.status)
