"""What Slack's refusals say."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

REASONS = {
    "not_in_channel": "I am not in that channel. `/invite @Studyhall` there brings me in.",
    "channel_not_found": "I am not in that channel, or it is gone. `/invite @Studyhall` there brings me in.",
    "is_archived": "The channel is archived.",
    "restricted_action": "The workspace lets only some people post there.",
    "message_not_found": "The message is gone.",
    "edit_window_closed": "The workspace does not let messages be edited any more after a while.",
    "missing_scope": "The app has too few rights there. Install it once more, and Slack asks for what is new.",
}
PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
ENDED = {"invalid_auth", "account_inactive", "token_revoked", "not_authed"}
"""The app was put out of the workspace. An expired token is not among them: it is renewed."""


def why(refusal: SlackApiError) -> str:
    """Slack's own word for it; a server in trouble answers with a page instead."""
    data = refusal.response.data
    return str(data.get("error")) if isinstance(data, dict) else f"HTTP {refusal.response.status_code}"
