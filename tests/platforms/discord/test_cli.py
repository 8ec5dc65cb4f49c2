"""`studyhall discord`, which meets the fake in Discord's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from discord.http import Route

from bot.platforms.discord.permissions import invite_permissions
from tests.commandline import Done, studyhall, surroundings
from tests.platforms.discord.fake import Discord

COMMANDS = r"/applications/\d+/(guilds/\d+/)?commands"


class Shell:
    """Runs `studyhall discord` with a data folder of its own, while the fake goes on."""

    def __init__(self, api: str, home: Path, token: str) -> None:
        self.api = api
        self.environment = surroundings(STUDYHALL_DATA=str(home), STUDYHALL_CONFIG="", DISCORD_TOKEN=token)

    async def __call__(self, *words: str, **variables: str) -> Done:
        with patch.object(Route, "BASE", self.api):
            return await asyncio.to_thread(studyhall, self.environment | variables, "discord", *words)


@pytest.fixture
async def there() -> AsyncIterator[Discord]:
    async with Discord().listening() as it:
        yield it
    assert not it.problems, "\n".join(it.problems)


@pytest.fixture
def discord(there: Discord, tmp_path: Path) -> Shell:
    return Shell(there.api, tmp_path, there.token)


def link(told: Done) -> dict[str, list[str]]:
    return parse_qs(urlsplit(told.stdout.splitlines()[0]).query)


async def test_the_invite_link_needs_no_network_if_the_id_is_given(discord: Shell, there: Discord) -> None:
    told = await discord("invite", "--app-id", "613425648685547541", DISCORD_TOKEN="")

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("https://discord.com/oauth2/authorize?")
    assert link(told) == {
        "client_id": ["613425648685547541"],
        "scope": ["bot applications.commands"],
        "permissions": [str(invite_permissions().value)],
    }
    assert "Read Message History" in told.stdout
    assert not there.requests


async def test_the_invite_link_finds_the_id_by_the_token(discord: Shell, there: Discord) -> None:
    told = await discord("invite")

    assert link(told)["client_id"] == [str(there.application)]
    assert told.stderr == ""


async def test_changes_are_shown_before_they_are_registered_and_gone_afterwards(discord: Shell, there: Discord) -> None:
    shown = await discord("sync", "--dry-run")
    assert not there.asked("PUT", COMMANDS)

    done = await discord("sync")
    again = await discord("sync")

    assert (shown.returncode, done.returncode, again.returncode) == (0, 0, 0), done.stderr
    assert "+ /ask" in shown.stdout.splitlines()
    assert shown.stdout.splitlines()[-1] == "Not changed (--dry-run) in every server."
    assert done.stdout.splitlines() == [*shown.stdout.splitlines()[:-1], "Changed in every server."]
    assert again.stdout == "Nothing to change.\n"
    assert {command["name"] for command in there.commands[0]} >= {"ask", "schedule"}


async def test_the_dev_guild_gets_its_own_commands_and_can_be_cleared(discord: Shell, there: Discord) -> None:
    guild = there.guild()
    dev = {"STUDYHALL_DISCORD__DEV_GUILD": str(guild.id)}
    done = await discord("sync", **dev)
    assert done.stdout.endswith(f"Changed in the server {guild.id}.\n")
    assert there.commands[guild.id]

    await discord("sync", "--clear", **dev)

    assert there.commands[guild.id] == there.commands[0] == []


@pytest.mark.parametrize(
    ("words", "token", "sentence"),
    [
        (("sync",), "", "DISCORD_TOKEN isn't set"),
        (("invite",), "", "DISCORD_TOKEN isn't set"),
        (("sync",), "of-another-bot", "Discord rejects DISCORD_TOKEN"),
        (("sync", "--clear"), "a-token", "[discord] dev_guild"),
        (("invite", "--app-id", "studyhall"), "", "Application ID"),
    ],
)
async def test_an_error_is_one_sentence(discord: Shell, words: tuple[str, ...], token: str, sentence: str) -> None:
    told = await discord(*words, DISCORD_TOKEN=token)

    assert told.returncode == 2
    assert told.stderr.startswith("studyhall: ")
    assert told.stderr.count("\n") == 1
    assert sentence in told.stderr
    assert token not in told.stderr or not token


async def test_a_refusal_is_shown_in_discords_words(discord: Shell, there: Discord) -> None:
    there.fail("PUT", COMMANDS, 403, 50001)
    told = await discord("sync")

    assert told.returncode == 2
    assert "Missing Access (error 50001)" in told.stderr


async def test_without_a_network_it_says_so(discord: Shell) -> None:
    discord.api = "http://nowhere.invalid"
    told = await discord("sync")

    assert told.returncode == 2
    assert "Can't reach Discord" in told.stderr
    assert "Traceback" not in told.stderr
