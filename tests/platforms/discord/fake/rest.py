"""Routes for login, command registration, guilds and members."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.platforms.discord.fake.calls import Call, Route
from tests.platforms.discord.fake.model import Guild, Payload
from tests.platforms.discord.fake.refusals import RefusalError

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

NAMED_BESIDES = (
    "application_commands",
    "auto_moderation_rules",
    "guild_scheduled_events",
    "integrations",
    "threads",
    "webhooks",
)
"""What entries of an audit log may be about besides users; there is none of it here."""


def routes(discord: Discord) -> Iterator[Route]:
    it = Rest(discord)
    yield Route("GET", "/gateway", it.gateway)
    yield Route("GET", "/gateway/bot", it.gateway)
    yield Route("GET", "/users/@me", it.me)
    yield Route("GET", "/users/{user_id}", it.user)
    yield Route("DELETE", "/users/@me/guilds/{guild_id}", it.leave)
    yield Route("GET", "/oauth2/applications/@me", it.application)
    yield Route("GET", "/applications/@me", it.application)
    for path in (
        "/applications/{application_id}/commands",
        "/applications/{application_id}/guilds/{guild_id}/commands",
    ):
        yield Route("GET", path, it.commands)
        yield Route("PUT", path, it.replace_commands)
        yield Route("POST", path, it.add_command)
        yield Route("DELETE", path + "/{command_id}", it.remove_command)
    yield Route("GET", "/guilds/{guild_id}", it.guild)
    yield Route("GET", "/guilds/{guild_id}/channels", it.guild_channels)
    yield Route("GET", "/guilds/{guild_id}/roles", it.roles)
    yield Route("GET", "/guilds/{guild_id}/roles/{role_id}", it.role)
    yield Route("GET", "/guilds/{guild_id}/threads/active", it.threads)
    yield Route("GET", "/guilds/{guild_id}/members/{user_id}", it.member)
    yield Route("GET", "/guilds/{guild_id}/audit-logs", it.audit_log)


class Rest:
    def __init__(self, discord: Discord) -> None:
        self._discord = discord

    async def gateway(self, call: Call) -> Payload:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        shards = self._discord.gateway.shards
        return {"url": self._discord.gateway_url, "shards": shards, "session_start_limit": limit}

    async def me(self, call: Call) -> Payload:
        return self._discord.me.payload | {"verified": True, "mfa_enabled": True, "email": None, "locale": "en-US"}

    async def user(self, call: Call) -> Payload:
        user = self._discord.users.get(call.id("user_id"))
        if user is None:
            raise RefusalError(404, 10013)
        return user.payload

    async def application(self, call: Call) -> Payload:
        discord = self._discord
        return {
            "id": str(discord.application),
            "name": discord.me.name,
            "icon": None,
            "description": "",
            "bot": discord.me.payload,
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": next((user.payload for user in discord.users.values() if not user.bot), discord.me.payload),
            "verify_key": "0" * 64,
            "flags": 0,
            "interactions_endpoint_url": None,
            "approximate_guild_count": len(discord.guilds),
        }

    async def commands(self, call: Call) -> list[Payload]:
        return self._discord.commands.get(self._scope(call), [])

    async def replace_commands(self, call: Call) -> list[Payload]:
        scope = self._scope(call)
        known = {c["name"]: c["id"] for c in self._discord.commands.get(scope, [])}
        self._discord.commands[scope] = [self._command(call, command, known) for command in call.json]
        return self._discord.commands[scope]

    async def add_command(self, call: Call) -> Payload:
        there = self._discord.commands.setdefault(self._scope(call), [])
        made = self._command(call, call.json, {c["name"]: c["id"] for c in there})
        there[:] = [c for c in there if c["name"] != made["name"]] + [made]
        return made

    async def remove_command(self, call: Call) -> None:
        there = self._discord.commands.get(self._scope(call), [])
        there[:] = [c for c in there if c["id"] != call.ids["command_id"]]

    def _scope(self, call: Call) -> int:
        if call.id("application_id") != self._discord.application:
            raise RefusalError(403, 50001)
        return self._guild(call).id if "guild_id" in call.ids else 0

    def _command(self, call: Call, given: Payload, known: dict[str, str]) -> Payload:
        allowed = given.get("default_member_permissions")
        return {
            "type": 1,
            "description": "",
            "options": [],
            "contexts": None,
            **{name: value for name, value in given.items() if value is not None},
            "id": known.get(given["name"]) or str(self._discord.clock.id()),
            "application_id": str(self._discord.application),
            "version": str(self._discord.clock.id()),
            "default_member_permissions": None if allowed is None else str(allowed),
        }

    async def guild(self, call: Call) -> Payload:
        found = self._guild(call)
        hidden = ("channels", "members", "threads", "voice_states", "presences")
        counts = {"approximate_member_count": len(found.members), "approximate_presence_count": 1}
        return {k: v for k, v in found.payload.items() if k not in hidden} | counts

    async def guild_channels(self, call: Call) -> Any:
        return self._guild(call).payload["channels"]

    async def roles(self, call: Call) -> list[Payload]:
        return [role.payload for role in self._guild(call).roles.values()]

    async def role(self, call: Call) -> Payload:
        found = self._guild(call).roles.get(call.id("role_id"))
        if found is None:
            raise RefusalError(404, 10011, "Unknown Role")
        return found.payload

    async def threads(self, call: Call) -> Payload:
        return {"threads": self._guild(call).payload["threads"], "members": []}

    async def member(self, call: Call) -> Payload:
        found = self._guild(call).members.get(call.id("user_id"))
        if found is None:
            raise RefusalError(404, 10007)
        return found.payload

    async def audit_log(self, call: Call) -> Payload:
        """Return entries, newest first, with the users they mention."""
        guild, asked = self._guild(call), call.query
        if not guild.permissions(self._discord.me.id).view_audit_log:
            raise RefusalError(403, 50013)
        before, narrowed = int(asked.get("before", sys.maxsize)), asked.keys() & {"action_type", "user_id", "target_id"}
        found = [entry for entry in reversed(guild.audit_log) if int(entry["id"]) < before]
        found = [entry for entry in found if all(str(entry[name]) == asked[name] for name in narrowed)]
        found = found[: int(asked.get("limit", 50))]
        named = {int(entry[name]) for entry in found for name in ("user_id", "target_id")}
        users = [user.payload for user in self._discord.users.values() if user.id in named]
        return {"audit_log_entries": found, "users": users} | {name: [] for name in NAMED_BESIDES}

    async def leave(self, call: Call) -> None:
        self._discord.part_with(self._guild(call))

    def _guild(self, call: Call) -> Guild:
        found = self._discord.guilds.get(call.id("guild_id"))
        if found is None or self._discord.me.id not in found.members:
            raise RefusalError(404, 10004)
        return found
