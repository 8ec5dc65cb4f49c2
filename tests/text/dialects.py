"""Every dialect that Markdown is written in, by name."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from bot.platforms.discord.markup import markdown
from bot.platforms.slack.markup import MARKDOWN, MRKDWN, convert
from bot.platforms.terminal.markup import TerminalMarkdown
from bot.text.html import html

WIDTH = 80


def in_terminal(text: str, *, width: int = WIDTH) -> str:
    """Return what a terminal without colors shows."""
    shown = io.StringIO()
    Console(file=shown, width=width, no_color=True).print(TerminalMarkdown(text))
    return shown.getvalue()


DIALECTS: dict[str, Callable[[str, bool], str]] = {
    "terminal": lambda text, _model: in_terminal(text),
    "discord": lambda text, model: markdown(text, model=model),
    "slack_markdown": lambda text, model: convert(text, MARKDOWN, from_model=model),
    "slack_mrkdwn": lambda text, model: convert(text, MRKDWN, from_model=model),
    "html": lambda text, _model: html(text),
}
