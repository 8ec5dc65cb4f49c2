"""Check calls against a description of Slack's methods if there is one, else against `overlay`.

The description is next to the repository (`../shared/specs`), not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.platforms.slack.fake.calls import Call
from tests.platforms.slack.fake.model import Channel
from tests.platforms.slack.fake.overlay import HISTORY, MENDED, READ, RULES, Rule
from tests.platforms.slack.fake.refusals import RefusalError

FILE = Path(__file__).parents[5] / "shared" / "specs" / "slack-methods.json"
ALWAYS = ("team_id",)
"""What slack_sdk adds to every call of a client with a workspace."""
SPECIAL = "t5"
"""The description's names for rates outside the tiers."""
BY_KIND = (*READ.split(), *HISTORY.split())
LIST = "users.conversations"
"""Needs a scope for every kind of channel it's asked for."""


@cache
def rule(method: str) -> Rule | None:
    """Return a method's rule; None if the fake doesn't have the method."""
    known = RULES.get(method)
    described = _description().get(method)
    if known is None or described is None:
        return known
    args = {name: about.get("type") or "any" for name, about in described["args"].items() if name != "token"}
    args |= {name: kind for name, kind in known.args.items() if kind == "any"}
    required = tuple(name for name in described["required"] if name != "token")
    tier = 0 if described["rate_limits"] == SPECIAL else int(described["rate_limits"][1:])
    return Rule(args, MENDED.get(method, required), tuple(described["bot_scopes"] or ()), tier)


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
    return found


def problems(call: Call, known: Rule) -> Iterator[str]:
    """Yield what's wrong with the arguments. Slack ignores unknown ones, but they're a mistake."""
    for name in known.required:
        if call.args.get(name) in (None, ""):
            yield f"missing required field: {name}"
    for name, value in call.args.items():
        if name in ALWAYS:
            continue
        if name not in known.args:
            yield f"{name} is no argument of {call.method}"
        elif value is not None and not _fits(value, known.args[name], call.typed):
            yield f"{name} must be of the kind {known.args[name]}, and is {type(value).__name__}"


def _fits(value: Any, kind: str, typed: bool) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool) if typed else str(value).lower() in ("1", "0", "true", "false")
        case "integer" | "number":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number if typed else str(value).isdecimal()
        case "array":
            return value.startswith("[") if isinstance(value, str) else isinstance(value, list)
        case _:
            return True


def needed(call: Call, known: Rule) -> tuple[str, ...]:
    """Return the scopes of which the token needs one; they depend on the kind of the channel, if any."""
    if known.scopes and set(known.scopes) <= set(BY_KIND):
        channel: Channel | None = call.team.channels.get(call.text("channel"))
        what = known.scopes[0].partition(":")[2]
        if channel is not None:
            return (f"{channel.kind}:{what}",)
        if call.method == LIST:
            kinds = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
            asked = (call.text("types") or "public_channel").split(",")
            return tuple(f"{kinds[kind.strip()]}:{what}" for kind in asked if kind.strip() in kinds)
    if call.method == "conversations.open":
        return ("im:write",)
    return known.scopes


def authorise(call: Call, known: Rule) -> None:
    """Check the token's scopes. Raises RefusalError."""
    assert call.token is not None
    wanted = needed(call, known)
    has = call.token.scopes
    enough = has >= set(wanted) if call.method == LIST else bool(has & set(wanted))
    if wanted and not enough:
        raise RefusalError("missing_scope", needed=",".join(wanted), provided=",".join(sorted(has)))
