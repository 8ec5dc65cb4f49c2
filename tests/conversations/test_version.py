"""`version` says what is running."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from bot.study.about.version import STARTED_AT
from tests.chat import Chat


@pytest.mark.both_databases
async def test_version_shows_the_release_the_start_the_database_and_the_platform(chat: Chat) -> None:
    reply = await chat.say("ada", "version")

    assert f"Studyhall {version('studyhall')}" in reply
    assert f"{STARTED_AT:%b} {STARTED_AT.day}, {STARTED_AT:%H:%M}" in reply
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[chat.study.store.dialect] in reply
    assert "Terminal" in reply
