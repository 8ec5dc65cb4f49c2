"""Find commands by name, and parse typed lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from bot.commands.command import Command
from bot.context.study import Study
from bot.errors import UserError, did_you_mean
from bot.text.cleaning import short

MAX_LINE_LENGTH = 8000
"""Characters."""


class Registry:
    """The commands by name, in the order in which they are listed."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = {command.name: command for command in commands}

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands.values())

    def find(self, name: str) -> Command:
        """Find a command. Raises UserError with the closest name."""
        name = " ".join(name.lower().split())
        if name in self.commands:
            return self.commands[name]
        grouped = [command for command in self.commands if command.startswith(f"{name} ")]
        if grouped:
            raise UserError(f"`{name}` needs one more word: {', '.join(f'`{command}`' for command in grouped)}.")
        first = name.partition(" ")[0]
        groups = {command.partition(" ")[0] for command in self.commands}
        hint = did_you_mean(name, self.commands) or did_you_mean(first, groups)
        raise UserError(f"There's no command `{short(name)}`.{hint} `help` lists them all.")

    def parse(
        self, study: Study, line: str, values: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[Command, dict[str, str]]:
        """Split a typed line or a button's line into a command and its values, still text. Raises UserError.

        `values` were picked in a menu or typed into a form; they fill in what the line leaves open.
        """
        command, rest = self._split(line)
        return command, {**command.with_current_names(values), **command.bind(study, rest)}

    def _split(self, line: str) -> tuple[Command, str]:
        """Return the command that the line names, and what follows its name. Raises UserError."""
        if len(line) > MAX_LINE_LENGTH:
            raise UserError(f"That line has {len(line):,} characters, and I read at most {MAX_LINE_LENGTH:,}.")
        words = line.strip().lstrip("/").split(maxsplit=2)
        if not words:
            raise UserError("Type a command. `help` lists them.")
        two = " ".join(words[:2]).lower()
        if two in self.commands:
            return self.commands[two], words[2] if len(words) > 2 else ""
        one = words[0].lower()
        # For a group with an unknown second word, look up both words: the error then lists the group.
        group = one not in self.commands and any(name.startswith(f"{one} ") for name in self.commands)
        command = self.find(two if group and len(words) > 1 else one)
        return command, line.strip().lstrip("/")[len(words[0]) :].strip()
