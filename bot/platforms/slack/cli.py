"""`studyhall slack`: the app's manifest, for Slack's web pages and Slack's command line."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import typer

from bot.dispatch.catalog import registry
from bot.errors import SetupError
from bot.platforms.slack.manifest import manifest

MAX_URL_LENGTH = 2_000
"""With our paths added, the addresses stay a little below what Slack accepts."""


def print_manifest(url: str, *, many: bool = False) -> None:
    """Print the manifest as JSON. Raises SetupError for an address that Slack doesn't accept."""
    if url and not _is_public_address(url):
        raise SetupError(
            "--url must be an https address where Slack can reach Studyhall, like https://study.example.org"
        )
    if many and not url:
        raise SetupError("--many also needs --url: that's where Studyhall serves its install pages.")
    typer.echo(json.dumps(manifest(registry(), url, many=many), indent=2, ensure_ascii=False))


def _is_public_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.hostname and "@" not in parts.netloc and port != 0 and not re.search(r"[\s?#]", url)
    return bool(parts.scheme == "https" and plain and len(url) <= MAX_URL_LENGTH)
