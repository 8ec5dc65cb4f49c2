"""Find what the app posted earlier, by the keys in the messages' metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cachetools import TTLCache
from slack_sdk.web.async_client import AsyncWebClient

METADATA_TYPE = "studyhall_post"
"""The type of the metadata by which a post is found again."""
PAGE_SIZE = 200
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far Slack's clock and ours may differ."""
MAX_SEARCHES, KEEP_SECONDS = 1_000, 3600


@dataclass(slots=True)
class _Search:
    cursor: str = ""
    posted: dict[str, str] = field(default_factory=dict)


class OwnPosts:
    """Searches conversations page by page.

    Slack lets an app that isn't in its Marketplace read 15 messages a minute, so a search that it interrupts goes on
    where it stopped when it's asked for again.
    """

    def __init__(self) -> None:
        self._searches: TTLCache[tuple[str, ...], _Search] = TTLCache(MAX_SEARCHES, KEEP_SECONDS)

    async def since(
        self, web: AsyncWebClient, channel: str, moment: datetime, *, thread: str = "", search: str
    ) -> Mapping[str, str]:
        """Return the references of the app's posts since then, by key. Raises what the client raises.

        `search` names the search, so that it can go on.
        """
        progress = self._searches.setdefault((channel, thread, search), _Search())
        arguments: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{(moment - CLOCK_TOLERANCE).timestamp():.6f}",
            "limit": PAGE_SIZE,
            "include_all_metadata": True,
        }
        while True:
            cursor = progress.cursor or None
            if thread:
                page = await web.conversations_replies(ts=thread, cursor=cursor, **arguments)
            else:
                page = await web.conversations_history(cursor=cursor, **arguments)
            progress.posted |= {key: str(message["ts"]) for message in page["messages"] if (key := key_of(message))}
            progress.cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not progress.cursor:
                del self._searches[channel, thread, search]
                return progress.posted


def metadata(key: str) -> dict[str, Any]:
    """Return the metadata of a post under that key."""
    return {"event_type": METADATA_TYPE, "event_payload": {"key": key}}


def key_of(message: Mapping[str, Any]) -> str:
    """Return the key of one of our posts; "" for any other message."""
    given = message.get("metadata") or {}
    if given.get("event_type") != METADATA_TYPE:
        return ""
    return str((given.get("event_payload") or {}).get("key", ""))
