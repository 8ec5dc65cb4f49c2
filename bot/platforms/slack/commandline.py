"""`studyhall slack`: the app's manifest, for Slack's pages and for its command line."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import typer

from bot.errors import SetupError
from bot.platforms.slack.manifest import manifest
from bot.table import table


def print_manifest(url: str) -> None:
    """Raises SetupError where the address is none that Slack takes."""
    parts = urlsplit(url)
    if url and (parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment):
        raise SetupError("--url is where Slack reaches this program, like https://study.example.org")
    typer.echo(json.dumps(manifest(table(), url), indent=2, ensure_ascii=False))
