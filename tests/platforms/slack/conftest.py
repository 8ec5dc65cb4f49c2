"""A fake Slack with one workspace, the real app that hears it over HTTP, and two of its members."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.slack.app import Keys, slack
from tests.platforms.slack.fake import Person, Slack, Team


@pytest.fixture
async def fake() -> AsyncIterator[Slack]:
    async with Slack().listening() as there:
        yield there
        assert there.violations == []


@pytest.fixture
def team(fake: Slack) -> Team:
    return fake.team("readers")


@pytest.fixture
async def running(app: App, fake: Slack, team: Team) -> AsyncIterator[str]:
    """The app in this one workspace; where it listens."""
    keys = Keys(signing_secret=fake.signing_secret, bot_token=team.token)
    async with slack(app, keys, port=0, api=fake.api) as address:
        fake.point_at(address)
        yield address


@pytest.fixture
def bob(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "bob")


@pytest.fixture
def maya(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "maya", admin=True)
