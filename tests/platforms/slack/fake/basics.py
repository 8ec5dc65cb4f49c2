"""Methods of auth, users and apps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    yield "auth.test", who
    yield "users.info", lambda call: user(call, slack.profiles)
    yield "apps.connections.open", lambda call: {"url": slack.sockets.address()}


def who(call: Call) -> Payload:
    team = call.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "team_id": team.id,
        "user": team.me.name,
        "user_id": team.me.id,
        "bot_id": team.bot_id,
        "is_enterprise_install": call.token is not None and call.token.org_wide,
        **({"enterprise_id": team.enterprise["id"]} if team.enterprise else {}),
    }


def user(call: Call, profiles: Mapping[str, Payload]) -> Payload:
    """Return a user. One from another workspace is a stranger unless they share a channel that the app can see."""
    found = call.team.users.get(call.text("user"))
    if found is None:
        raise RefusalError("user_not_found")
    told = found.seen_from(call.team.id) | ({"locale": found.locale} if call.flag("include_locale") else {})
    if call.team.id not in (found.team, *found.ranks):
        seen = [c for c in call.team.channels.values() if not c.direct and (c.joined or not c.private)]
        told["is_stranger"] = not any(found.id in channel.members for channel in seen)
    return {"user": profiles.get(found.id, told)}
