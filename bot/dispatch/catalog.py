"""Every command, feature by feature. Help, the docs, Discord's tree and Slack's manifest are made from this list."""

from __future__ import annotations

from functools import cache

from bot.commands.registry import Registry
from bot.dispatch import help_command
from bot.study.account import commands as account
from bot.study.daily import commands as daily
from bot.study.lookup import commands as lookup
from bot.study.members import commands as members
from bot.study.practice import commands as practice
from bot.study.progress import commands as progress
from bot.study.workspaces import commands as workspaces

FEATURES = (lookup, practice, daily, progress, members, account, workspaces)
"""In the order in which the docs list them."""


@cache
def registry() -> Registry:
    """Return every command. Built once."""
    commands = [command for feature in FEATURES for command in feature.COMMANDS]
    return Registry((*commands, help_command.command(registry)))
