"""Discord's error responses, with its codes and messages."""

from __future__ import annotations

from typing import Any

WORDS = {
    0: "401: Unauthorized",
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10007: "Unknown Member",
    10008: "Unknown Message",
    10013: "Unknown User",
    10015: "Unknown Webhook",
    10062: "Unknown interaction",
    30003: "Maximum number of pins reached (250)",
    30046: "Maximum number of edits to messages older than 1 hour reached. Try again later",
    40005: "Request entity too large",
    40060: "Interaction has already been acknowledged.",
    50001: "Missing Access",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50008: "Cannot send messages in a non-text channel",
    50013: "Missing Permissions",
    50027: "Invalid Webhook Token",
    50035: "Invalid Form Body",
    50109: "The request body contains invalid JSON.",
    160002: "Cannot reply without permission to read message history",
    160004: "A thread has already been created for this message",
}


class RefusalError(Exception):
    """An error response; `after` is how many seconds to wait before a retry, for a rate limit."""

    def __init__(self, status: int, code: int = 0, words: str = "", *, after: float | None = None) -> None:
        super().__init__(words or WORDS.get(code, ""))
        self.status = status
        self.code = code
        self.words = words or WORDS.get(code, f"{status}: error")
        self.after = after
        self.everywhere = False
        self.headers: dict[str, str] = {}

    @property
    def json(self) -> dict[str, Any]:
        if self.after is not None:
            words = "You are being rate limited."
            return {"message": words, "retry_after": self.after, "global": self.everywhere, "code": self.code}
        return {"message": self.words, "code": self.code}

    def with_headers(self) -> dict[str, str]:
        """Return the headers, with `Via` on a rate limit: without it, discord.py takes a 429 for a Cloudflare ban."""
        if self.after is None:
            return self.headers
        scope = "global" if self.everywhere else "user"
        limits = {"Via": "1.1 google", "Retry-After": str(int(self.after) + 1), "X-RateLimit-Scope": scope}
        return self.headers | limits | ({"X-RateLimit-Global": "true"} if self.everywhere else {})
