"""`studyhall slack`: the app's manifest, for Slack's pages and for its command line."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import typer

from bot.dispatch.catalog import registry
from bot.errors import SetupError
from bot.platforms.slack.manifest import manifest

LONGEST = 2_000
"""Characters of the address: Slack takes a little more, with our paths behind it."""


def print_manifest(url: str, *, many: bool = False) -> None:
    """Raises SetupError where the address is none that Slack takes."""
    if url and not _sound(url):
        raise SetupError("--url is where Slack reaches this program, like https://study.example.org")
    if many and not url:
        raise SetupError("--many goes with --url: workspaces install the app by pages that it serves there.")
    typer.echo(json.dumps(manifest(registry(), url, many=many), indent=2, ensure_ascii=False))


def _sound(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.hostname and "@" not in parts.netloc and port != 0 and not re.search(r"[\s?#]", url)
    return bool(parts.scheme == "https" and plain and len(url) <= LONGEST)
