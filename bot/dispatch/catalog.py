"""Every command. Help, the docs, Discord's command tree and Slack's manifest come from this list."""

from __future__ import annotations

from functools import cache

from bot.commands.registry import Registry
from bot.dispatch import help_command
from bot.study.about import commands as about
from bot.study.account import commands as account
from bot.study.daily import commands as daily
from bot.study.lookup import commands as lookup
from bot.study.members import commands as members
from bot.study.practice import commands as practice
from bot.study.progress import commands as progress
from bot.study.workspaces import commands as workspaces

FEATURES = (lookup, practice, daily, progress, members, account, workspaces, about)
"""The order is that of the docs."""


@cache
def registry() -> Registry:
    """Return all commands."""
    commands = [command for feature in FEATURES for command in feature.COMMANDS]
    return Registry((*commands, help_command.command(registry)))
