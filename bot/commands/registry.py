"""The commands by name, and how a typed line is understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.commands.command import Command
from bot.context.study import Study
from bot.errors import UserError, did_you_mean
from bot.text.cleaning import short

LONGEST_LINE = 8000


class Registry:
    """The commands by name, and how a typed line is understood."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = {command.name: command for command in commands}

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands.values())

    def find(self, name: str) -> Command:
        """The command of that name. Raises UserError with the nearest one."""
        name = " ".join(name.lower().split())
        if name in self.commands:
            return self.commands[name]
        members = [c for c in self.commands if c.startswith(f"{name} ")]
        if members:
            raise UserError(f"`{name}` needs one word more: {', '.join(f'`{m}`' for m in members)}.")
        first = name.partition(" ")[0]
        groups = {command.partition(" ")[0] for command in self.commands}
        hint = did_you_mean(name, self.commands) or did_you_mean(first, groups)
        raise UserError(f"There is no command `{short(name)}`.{hint} `help` lists them all.")

    def parse(self, study: Study, line: str) -> tuple[Command, dict[str, str]]:
        """A typed line or a button's line as a command and its values, still text. Raises UserError."""
        if len(line) > LONGEST_LINE:
            raise UserError(f"That line has {len(line):,} characters; {LONGEST_LINE:,} is the most I read.")
        words = line.strip().lstrip("/").split(maxsplit=2)
        if not words:
            raise UserError("Type a command; `help` lists them.")
        two = " ".join(words[:2]).lower()
        if two in self.commands:
            return self.commands[two], self.commands[two].bind(study, words[2] if len(words) > 2 else "")
        one = words[0].lower()
        # A group without a known member is asked for whole, so that the message can name the members.
        group = any(name.startswith(f"{one} ") for name in self.commands) and one not in self.commands
        command = self.find(two if group and len(words) > 1 else one)
        rest = line.strip().lstrip("/")[len(words[0]) :].strip()
        return command, command.bind(study, rest)
