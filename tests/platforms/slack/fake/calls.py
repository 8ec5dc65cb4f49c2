"""One call of a method, and its answer."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.platforms.slack.fake.model import Team, Token
from tests.platforms.slack.fake.refusals import wrong
from tests.platforms.slack.fake.shown import Payload


@dataclass(slots=True)
class Call:
    """`args` have no token, `at` is the fake's time, `status` is 0 until there's an answer."""

    method: str
    args: Payload
    bearer: str
    at: float
    typed: bool = False
    """Whether the arguments came as JSON, in which a number isn't a text."""
    token: Token | None = None
    status: int = 0
    error: str = ""
    answer: Payload = field(default_factory=dict)
    home: Team | None = None

    @property
    def team(self) -> Team:
        """The token's workspace."""
        assert self.home is not None
        return self.home

    def text(self, name: str) -> str:
        """Return an argument; empty if it's missing."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        return str(self.args.get(name, default)).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        return int(self.args.get(name) or default)

    def loaded(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return an argument that is JSON, or text with JSON; None if it's missing. Raises RefusalError."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise wrong(error, f"{name} is no JSON") from None


Handler = Callable[[Call], Payload]


async def read(request: web.Request, at: float) -> Call:
    """Read a call: GET or POST, a form or JSON."""
    args: Payload = dict(request.query)
    typed = request.content_type == "application/json"
    if typed:
        args |= await request.json()
    elif request.method == "POST":
        args |= dict(await request.post())
    bearer = request.headers.get("Authorization", "")
    if bearer.startswith("Basic "):
        client_id, _, secret = b64decode(bearer.removeprefix("Basic ")).decode().partition(":")
        args = {"client_id": client_id, "client_secret": secret} | args
        bearer = ""
    token = bearer.removeprefix("Bearer ") or str(args.get("token") or "")
    args.pop("token", None)
    return Call(request.match_info["method"], args, token, at, typed)
