"""Simulated people who run commands, press buttons, fill in forms, and write messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discord import Permissions

from tests.platforms.discord.fake.gateway import DIRECT_MESSAGES, GUILD_MESSAGES
from tests.platforms.discord.fake.interactions import COMMAND, COMPLETE, COMPONENT, FORM, Interaction
from tests.platforms.discord.fake.model import REPLY, Channel, Guild, Membership, Message, Payload, User, parts

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

SUBCOMMAND, SUBGROUP = 1, 2
USER_ENTRY, MESSAGE_ENTRY = 2, 3
"""Types of commands that are entries in a menu."""
SELECT, INPUT = 3, 4
FIELDS = (SELECT, INPUT, 5, 6, 7, 8)
"""Inputs allowed in a form; the last four select users, roles, mentionables, and channels."""
USER, CHANNEL, ROLE = 6, 7, 8
"""Option types whose value is an id."""
SELECTED = {5: USER, 6: ROLE, 8: CHANNEL}
"""The option type that means the same as a type of select."""


@dataclass(slots=True)
class Person:
    """A user whose actions are sent to the bot without waiting for its response."""

    discord: Discord
    user: User

    @classmethod
    def joins(cls, discord: Discord, guild: Guild, name: str, *roles: int) -> Person:
        """Create a user, and add them to the guild."""
        user = discord.user(name)
        guild.members[user.id] = Membership(user, list(roles))
        return cls(discord, user)

    def slash(self, channel: Channel, command: str, /, **values: str) -> Interaction:
        """Run a registered command, with options as a member would type them."""
        return self._send(channel, COMMAND, self._command(channel, command, values))

    def completes(self, channel: Channel, command: str, /, option: str, typed: str = "", **values: str) -> Interaction:
        """Ask for autocomplete suggestions for an option that's being typed."""
        return self._send(channel, COMPLETE, self._command(channel, command, values | {option: typed}, focused=option))

    def chooses(self, channel: Channel, entry: str, target: Message | Person) -> Interaction:
        """Choose an entry in the menu of a message or a member."""
        kind, resolved = USER_ENTRY, {}
        known = {(c["name"], c["type"]): c for c in self.discord.commands[0]}
        if isinstance(target, Message):
            kind, target_id = MESSAGE_ENTRY, str(target.id)
            resolved["messages"] = {target_id: target.payload}
        else:
            assert channel.guild is not None
            target_id, payload = str(target.user.id), channel.guild.members[target.user.id].payload
            member = {k: v for k, v in payload.items() if k not in ("user", "deaf", "mute")}
            rights = str(channel.guild.permissions(target.user.id, channel).value)
            resolved["users"] = {target_id: target.user.payload}
            resolved["members"] = {target_id: member | {"permissions": rights}}
        command = known[entry, kind]
        data = {"id": command["id"], "name": entry, "type": kind, "target_id": target_id, "resolved": resolved}
        return self._send(channel, COMMAND, data)

    def press(self, message: Message, label: str) -> Interaction:
        """Press the button with that label."""
        data = {"component_type": 2, "custom_id": message.buttons[label], "id": 1}
        return self._send(message.channel, COMPONENT, data, source=message)

    def choose(self, message: Message, custom_id: str, *values: str) -> Interaction:
        """Choose values in the menu with that id."""
        [menu] = [p for p in parts(message.body["components"]) if p.get("custom_id") == custom_id]
        assert set(values) <= {option["value"] for option in menu["options"]}
        data = {"component_type": menu["type"], "custom_id": custom_id, "id": menu["id"], "values": list(values)}
        return self._send(message.channel, COMPONENT, data, source=message)

    def submit(self, opened: Interaction, **values: str) -> Interaction:
        """Submit the form that an interaction opened, with values by field id."""
        fields = {p["custom_id"]: p for p in parts(opened.modal["components"]) if p["type"] in FIELDS}
        assert not values.keys() - fields.keys(), f"the form has only {list(fields)}"
        sent: list[Payload] = []
        for number, (name, field) in enumerate(fields.items(), 1):
            value = values.get(name, field.get("value") or "")
            assert value or not field.get("required", True), f"{name} has to be filled in"
            assert len(value) <= field.get("max_length", 4000), f"{name} is too long"
            said = {"value": value} if field["type"] == INPUT else {"values": [value] if value else []}
            inner = {"type": field["type"], "id": 2 * number, "custom_id": name} | said
            sent.append({"type": 18, "id": 2 * number - 1, "component": inner})
        picked = ((SELECTED.get(f["type"], 0), values.get(name, "")) for name, f in fields.items())
        data = {"custom_id": opened.modal["custom_id"], "components": sent}
        data |= {"resolved": self._resolved(opened.channel, picked)}
        return self._send(opened.channel, FORM, data, source=opened.source)

    def says(self, channel: Channel, text: str, *, answers: Message | None = None, pings: bool = True) -> Message:
        """Write a message, maybe a reply, which mentions whom it answers unless `pings` is False.

        Without the privileged intent, the bot gets its content only in direct messages, if it's mentioned, and in
        replies to its messages, but not to its responses of interactions (Message Content Intent, in the documentation
        of the gateway).
        """
        discord = self.discord
        message = Message(discord.clock.id(), channel, self.user, {"content": text})
        named = [int(found) for found in re.findall(r"<@!?(\d+)>", text)]
        message.mentions = [user for user_id, user in discord.users.items() if user_id in named]
        message.mention_roles = list(dict.fromkeys(re.findall(r"<@&(\d+)>", text)))
        guild = channel.guild
        is_readable = guild is None or discord.me in message.mentions or str(guild.own_role.id) in message.mention_roles
        if answers is not None:
            message.type, message.reference = REPLY, answers.id
            is_readable = is_readable or (answers.author is discord.me and answers.interaction is None)
            if pings and answers.author is not self.user and answers.author not in message.mentions:
                message.mentions.append(answers.author)
        channel.messages[message.id] = message
        payload = message.payload
        if answers is not None:
            payload["referenced_message"] = answers.payload | ({} if answers.author is discord.me else {"content": ""})
        if not is_readable:
            payload["content"] = ""
        if guild is not None:
            payload["member"] = {k: v for k, v in guild.members[self.user.id].payload.items() if k != "user"}
        discord.gateway.tell("MESSAGE_CREATE", payload, guild, GUILD_MESSAGES if guild else DIRECT_MESSAGES)
        return message

    def _send(self, channel: Channel, kind: int, data: Payload, source: Message | None = None) -> Interaction:
        clock = self.discord.clock
        made = Interaction(clock.id(), kind, self.user, channel, data, clock.now(), self.discord, source)
        self.discord.interactions[made.token] = made
        self.discord.gateway.tell("INTERACTION_CREATE", made.payload, channel.guild)
        return made

    def _command(self, channel: Channel, name: str, values: dict[str, str], focused: str = "") -> Payload:
        """Return the data that Discord's client would send. Fails if the command isn't registered or allowed."""
        first, *more = name.split()
        scopes = [channel.guild.id, 0] if channel.guild else [0]
        known = {c["name"]: c for scope in reversed(scopes) for c in self.discord.commands.get(scope, [])}
        assert first in known, f"/{first} is not registered; there are {sorted(known)}"
        command = known[first]
        allowed = command["default_member_permissions"]
        if allowed is not None and channel.guild is not None:
            mine = channel.guild.permissions(self.user.id, channel)
            assert Permissions(int(allowed)) <= mine, f"/{first} is not offered to {self.user.name}"
        node, path = command, []
        for word in more:
            node = next(o for o in node["options"] if o["name"] == word and o["type"] in (SUBCOMMAND, SUBGROUP))
            path.append(node)
        options = _options(node, values, focused)
        for step in reversed(path):
            options = [{"type": step["type"], "name": step["name"], "options": options}]
        said = {"id": command["id"], "name": first, "type": 1, "options": options}
        given = ((option["type"], values.get(option["name"], "")) for option in node.get("options") or ())
        return said | ({"resolved": resolved} if (resolved := self._resolved(channel, given)) else {})

    def _resolved(self, channel: Channel, values: Iterable[tuple[int, str]]) -> Payload:
        """Return the `resolved` objects for values that are ids, given with the types of their options."""
        found: Payload = {}
        guild = channel.guild
        for kind, text in values:
            if kind not in (USER, CHANNEL, ROLE) or guild is None or not text.isdecimal():
                continue
            object_id = int(text)
            if kind == ROLE:
                found.setdefault("roles", {})[text] = guild.roles[object_id].payload
            elif kind == CHANNEL:
                rights = str(guild.permissions(self.user.id, guild.channels[object_id]).value)
                payload = guild.channels[object_id].payload
                found.setdefault("channels", {})[text] = payload | {"permissions": rights}
            else:
                found.setdefault("users", {})[text] = self.discord.users[object_id].payload
                if object_id not in guild.members:  # "Partial Member objects" are only of those who are in the server
                    continue
                payload = guild.members[object_id].payload
                member = {k: v for k, v in payload.items() if k not in ("user", "deaf", "mute")}
                rights = str(guild.permissions(object_id, channel).value)
                found.setdefault("members", {})[text] = member | {"permissions": rights}
        return found


def _options(node: Payload, values: dict[str, str], focused: str) -> list[Payload]:
    known = {option["name"]: option for option in node.get("options") or ()}
    assert not values.keys() - known.keys(), f"there are only the options {list(known)}"
    made: list[Payload] = []
    for name, option in known.items():
        if name not in values:
            assert focused or not option.get("required"), f"{name} has to be given"
            continue
        value, choices = values[name], [c["value"] for c in option.get("choices") or ()]
        if name != focused:
            assert not choices or value in choices, f"{name} is one of {choices}"
            assert option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000), (
                f"{name} has no such length"
            )
        else:
            assert option.get("autocomplete"), f"{name} has no suggestions"
        made.append(
            {"type": option["type"], "name": name, "value": value} | ({"focused": True} if name == focused else {})
        )
    return made
