"""Find the commands in the bot's own text, which has them as a terminal takes them."""

from __future__ import annotations

import re
from functools import cache

from bot.dispatch.catalog import registry


@cache
def command_pattern() -> re.Pattern[str]:
    """Return a pattern for a listed command or a group in backticks: its name, then what follows with its space."""
    names = sorted((command.name for command in registry() if not command.hidden), key=len, reverse=True)
    groups = sorted({name.partition(" ")[0] for name in names if " " in name})
    return re.compile(rf"`({'|'.join([*names, *groups])})((?: [^`\n]*)?)`")
