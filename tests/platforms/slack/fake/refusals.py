"""Slack's error answers."""

from __future__ import annotations

from typing import Any


class RefusalError(Exception):
    """`error` is Slack's code; most refusals have status 200."""

    def __init__(self, error: str, *, status: int = 200, after: int | None = None, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = {} if after is None else {"Retry-After": str(after)}
        self.json: dict[str, Any] = {"ok": False, "error": error, **more}


def limited(after: int) -> RefusalError:
    return RefusalError("ratelimited", status=429, after=after)


def wrong(error: str, *messages: str) -> RefusalError:
    """Return a refusal with reasons, as Slack gives them for arguments and blocks."""
    return RefusalError(error, response_metadata={"messages": [f"[ERROR] {message}" for message in messages]})
