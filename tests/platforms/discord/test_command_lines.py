"""Commands in the bot's own text are shown as they're typed on Discord, where every option is named."""

from __future__ import annotations

import re

import pytest

from bot.commands.command import Command
from bot.dispatch.catalog import registry
from bot.platforms.discord.markup import commands


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ask what is LoRA", "/ask text:what is LoRA"),
        ("ask TEXT", "/ask text:…"),
        ("ask is x=y", "/ask text:is x=y"),
        ("help schedule setup", "/help command:schedule setup"),
        ("question fine-tuning hard", "/question topic:fine-tuning difficulty:hard"),
        ("question hard", "/question difficulty:hard"),
        ("me 7", "/me day_starts_at:7"),
        ("me zone=Europe/Paris rest_days=sat,sun", "/me zone:Europe/Paris rest_days:sat,sun"),
        ("schedule pause until 2027-01-07", "/schedule pause until:2027-01-07"),
        ("schedule change s3 days=", "/schedule change which:s3 days:…"),
        ("privacy delete everything", "/privacy delete sure:everything"),
        ("question [topic] [easy|medium|hard]", "/question [topic] [difficulty]"),
        ("schedule list", "/schedule list"),
        ("schedule", "/schedule"),
    ],
)
def test_options_are_named(line: str, shown: str) -> None:
    assert commands(f"Try `{line}`.") == f"Try `{shown}`."


@pytest.mark.parametrize("command", [c for c in registry() if not c.hidden], ids=lambda command: command.name)
def test_usages_and_examples_name_only_options_that_exist(command: Command) -> None:
    names = {p.name for p in command.parameters}
    for line in filter(None, (command.usage, command.example)):
        shown = commands(f"`{line}`").strip("`").removeprefix(f"/{command.name}").strip()
        if command.parameters and command.parameters[-1].greedy:
            assert not shown or re.match(rf"\[?{command.parameters[0].name}\b", shown)
            continue
        assert set(re.findall(r"(?:^| )\[?(\w+)[]:]", shown)) <= names
        assert len(re.findall(r"(?:^| )\[?\w+[]:]", shown)) == len(shown.split())
    assert len(commands(f"`{command.usage}`").split()) == len(command.usage.split())
