"""The command that shows what's running."""

from __future__ import annotations

from bot.commands.command import Command
from bot.study.about import version

COMMANDS = (Command("version", "Show which version is running", version.show),)
