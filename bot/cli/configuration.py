"""`studyhall config`: check the settings."""

from __future__ import annotations

from bot.cli.console import load_config, out


def check() -> None:
    """Load the settings. Raises ConfigError with everything that's wrong."""
    config = load_config()
    out.print(f"The settings are fine ({config.origin}).", markup=False, highlight=False)
