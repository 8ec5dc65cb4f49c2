"""The commands as they are registered: Discord's rules for them, and when they are written anew."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from typing import Any

import discord
import pytest
from discord import app_commands
from structlog.testing import capture_logs

from bot.app import App
from bot.platforms.discord.cli import command_tree
from bot.platforms.discord.client import StudyClient
from bot.platforms.discord.sync import difference, payload, sync
from tests.platforms.discord.fake import Discord, in_place_of_discord

Payload = dict[str, Any]
COMMANDS = r"/applications/\d+/(guilds/\d+/)?commands"


@pytest.fixture
async def there() -> AsyncIterator[Discord]:
    async with Discord().listening() as it:
        with in_place_of_discord(it):
            yield it
    assert not it.problems, "\n".join(it.problems)


@pytest.fixture
async def client(there: Discord) -> AsyncIterator[discord.Client]:
    async with discord.Client(intents=discord.Intents(guilds=True)) as it:
        await it.login(there.token)
        yield it


@pytest.fixture
def tree(client: discord.Client) -> app_commands.CommandTree[Any]:
    return command_tree(client)


@pytest.fixture
def ours(tree: app_commands.CommandTree[Any]) -> list[Payload]:
    return payload(tree)


def as_discord_tells(ours: list[Payload], guild: str = "") -> list[Payload]:
    """Write the same commands as Discord answers them: more keys, and the same things said in other ways."""

    def option(it: Payload) -> Payload:
        told: Payload = {k: v for k, v in it.items() if v not in (False, [], None) or k == "min_value"}
        told |= {"name_localizations": None, "description_localizations": None}
        if "options" in told:
            told["options"] = [option(inner) for inner in told["options"]]
        if "choices" in told:
            told["choices"] = [{**choice, "name_localizations": None} for choice in told["choices"]]
        return told

    def command(it: Payload) -> Payload:
        allowed = it["default_member_permissions"]
        told = option(it) | {"id": "1", "application_id": "2", "version": "3", "nsfw": False, "dm_permission": False}
        told["default_member_permissions"] = None if allowed is None else str(allowed)
        return told | ({"guild_id": guild, "contexts": None, "integration_types": [0, 1]} if guild else {})

    return [command(it) for it in reversed(deepcopy(ours))]


def parts(node: Payload) -> Iterator[Payload]:
    """Yield a command and everything within it."""
    yield node
    for option in node.get("options", ()):
        yield from parts(option)


def characters(node: Payload) -> int:
    """Count as Discord does: the names, descriptions and values of the command and everything nested in it."""
    own = len(node["name"]) + len(node.get("description", ""))
    choices = sum(len(choice["name"]) + len(str(choice["value"])) for choice in node.get("choices", ()))
    return own + choices + sum(map(characters, node.get("options", ())))


def test_every_command_follows_discords_rules(ours: list[Payload]) -> None:
    slash = [command for command in ours if command["type"] == 1]
    menus = [command for command in ours if command["type"] != 1]

    assert slash
    assert len(slash) <= 100
    assert max(sum(menu["type"] == kind for menu in menus) for kind in (2, 3)) <= 5
    assert len({(command["type"], command["name"]) for command in ours}) == len(ours)
    for menu in menus:
        assert 1 <= len(menu["name"]) <= 32
    for command in slash:
        assert characters(command) <= 8000
        for part in parts(command):
            options, choices = part.get("options", []), part.get("choices", [])
            assert re.fullmatch(r"[-_a-z0-9]{1,32}", part["name"])
            assert 1 <= len(part["description"]) <= 100
            assert part["description"] == part["description"].strip(), "Discord would take off the blanks"
            assert len(options) <= 25
            assert len(choices) <= 25
            assert len({option["name"] for option in options}) == len(options)
            assert all(1 <= len(choice["name"]) <= 100 and len(choice["value"]) <= 100 for choice in choices)
            needed = [option.get("required", False) for option in options]
            assert needed == sorted(needed, reverse=True), "required options come first"
            assert part is command or "default_member_permissions" not in part
            assert not (choices and part.get("autocomplete"))


async def test_the_running_bot_registers_the_same_commands(app: App, ours: list[Payload]) -> None:
    async with StudyClient(app, token="a-token") as running:
        assert payload(running.tree) == ours


@pytest.mark.parametrize("guild", ["", "613425648685547541"])
def test_discords_own_format_is_not_a_change(ours: list[Payload], guild: str) -> None:
    assert difference(ours, as_discord_tells(ours, guild)) == []


def test_changes_are_listed_command_by_command(ours: list[Payload]) -> None:
    theirs = {command["name"]: command for command in as_discord_tells(ours)}
    question = theirs["question"]
    question["description"] = "Ask"
    question["options"] = [o for o in question["options"] if o["name"] != "difficulty"]
    setup = next(o for o in theirs["schedule"]["options"] if o["name"] == "setup")
    setup["options"].reverse()
    next(o for o in setup["options"] if o["name"] == "difficulty")["choices"].pop()
    theirs["schedule"]["default_member_permissions"] = None
    theirs["streak"]["contexts"] = [0, 1]
    del theirs["ask"]
    old: list[Payload] = [{"name": "old", "id": "1"}, {"name": "Quiz", "type": 3, "id": "2"}]

    assert difference(ours, [*theirs.values(), *old]) == [
        "+ /ask",
        "- /old",
        "- “Quiz” in a message's menu",
        "~ /question: description changed; option difficulty added",
        "~ /schedule: default member permissions changed; subcommand setup: order changed; "
        "subcommand setup: option difficulty: choices changed",
        "~ /streak: contexts changed",
    ]


async def test_commands_are_registered_once(
    there: Discord, client: discord.Client, tree: app_commands.CommandTree[Any]
) -> None:
    first = await sync(client, tree, None)
    again = await sync(client, tree, None)

    assert first
    assert all(line.startswith("+ ") for line in first)
    assert again == []
    assert len(there.asked("PUT", COMMANDS)) == 1


async def test_a_dev_guild_leaves_the_global_commands_alone(
    there: Discord, client: discord.Client, tree: app_commands.CommandTree[Any], ours: list[Payload]
) -> None:
    guild = there.guild()
    await sync(client, tree, guild.id)

    assert there.commands[0] == []
    assert len(there.commands[guild.id]) == len(ours)


async def test_a_refusal_is_logged_in_discords_words_and_does_not_stop_the_bot(
    there: Discord, client: discord.Client, tree: app_commands.CommandTree[Any]
) -> None:
    there.fail("PUT", COMMANDS, 403, 50001)
    with capture_logs() as logged:
        assert await sync(client, tree, None) == []

    [event] = [one for one in logged if one["log_level"] == "error"]
    assert event["reason"] == "Missing Access (error 50001)"


async def test_a_broken_connection_does_not_stop_the_bot(
    client: discord.Client, tree: app_commands.CommandTree[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://nowhere.invalid")
    with capture_logs() as logged:
        assert await sync(client, tree, None) == []

    assert logged[-1]["event"] == "commands not registered"
