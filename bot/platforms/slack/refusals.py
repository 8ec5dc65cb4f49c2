"""What Slack's refusals say."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError


def why(refusal: SlackApiError) -> str:
    """Slack's own word for it; a server in trouble answers with a page instead."""
    data = refusal.response.data
    return str(data.get("error")) if isinstance(data, dict) else f"HTTP {refusal.response.status_code}"
