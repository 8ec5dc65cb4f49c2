"""The generated pages of the docs: every command from the table, every setting from the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from pathlib import Path

from bot.commands.command import Command
from bot.config.loader import Setting, described
from bot.dispatch.catalog import registry

MADE = "<!-- Made by `make docs`. Change the table of commands or the settings instead. -->\n"


def write(folder: Path) -> None:
    """Write the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages by file name."""
    return {"commands.md": "\n".join(_commands()) + "\n", "settings.md": "\n".join(_settings()) + "\n"}


def _commands() -> Iterator[str]:
    yield f"# Commands\n\n{MADE}"
    yield (
        "On Discord these are slash commands, on Slack they follow `/study`, in the terminal they are typed as is. "
        "Optional words are in brackets and may come in any order, or by name: `me zone=Europe/Paris`."
    )
    groups = {
        "For everyone": [c for c in registry() if not c.managers_only and not c.hidden],
        "For managers": [c for c in registry() if c.managers_only],
        "Behind buttons": [c for c in registry() if c.hidden],
    }
    for title, commands in groups.items():
        yield f"\n## {title}\n"
        for command in commands:
            yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"### `{command.usage}`\n"
    seen = "Only the member sees the reply." if command.private else "The channel sees the reply."
    yield f"{command.description}. {seen}\n"
    for parameter in command.parameters:
        need = "" if parameter.required else " (optional)"
        yield f"- `{parameter.name}`{need}: {parameter.full_description}"
    if command.parameters:
        yield ""
    if command.example:
        yield f"Example: `{command.example}`\n"


def _settings() -> Iterator[str]:
    yield f"# Settings\n\n{MADE}"
    yield (
        "Settings stand in `config.toml`, or in the file that `STUDYHALL_CONFIG` names; `config.example.toml` explains "
        "each. An environment variable wins over the file. Secrets come from the environment alone."
    )
    section = None
    for setting in described():
        if setting.section != section:
            section = setting.section
            yield f"\n## {f'[{section}]' if section else 'The environment alone'}\n"
            yield "| key | variable | default | what it is |\n| --- | --- | --- | --- |"
        yield _setting(setting)


def _setting(setting: Setting) -> str:
    key = f"`{setting.key}`" if setting.key else ""
    default = f"{setting.default:%H:%M}" if isinstance(setting.default, time) else str(setting.default or "")
    default = f"`{default}`" if default else ""
    return f"| {key} | `{setting.variable}` | {default} | {setting.description} |"
