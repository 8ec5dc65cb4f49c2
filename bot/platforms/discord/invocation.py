"""What a member did, with all that's needed to carry it out and to answer, also by another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.context.identity import Actor, Location
from bot.dispatch.request import Request


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request, and the way to answer it: `token` lets whoever has it do that, for 15 minutes.

    `workspace` is the server that the buttons of a direct message belong to, "" in a channel. The member's rights there
    still have to be looked up. `private`: only the member sees the reply. `replaces_message`: it replaces the message
    whose button was pressed.
    """

    request: Request
    token: str
    workspace: str
    private: bool
    replaces_message: bool

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        fields = asdict(self)
        fields["request"]["at"] = self.request.at.isoformat()
        return fields

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> Invocation:
        """Return what `dump` wrote."""
        request, actor = fields["request"], fields["request"]["actor"]
        known = {
            "location": Location(**request["location"]),
            "actor": Actor(**actor | {"channels": tuple(actor["channels"])}),
            "at": datetime.fromisoformat(request["at"]),
        }
        return cls(**{**fields, "request": Request(**request | known)})
