"""Requests that Slack was told are taken, as they're kept in the database."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import insert

from bot.app import App
from bot.platforms.slack.app import Credentials
from bot.platforms.slack.listeners import ACK_TIMEOUT
from bot.store import tables
from tests.clocks import forward
from tests.platforms.slack.conftest import all_rows, over_http
from tests.platforms.slack.fake import Person, Slack, Team


async def kept(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await app.study.store.query(all_rows, tables.kept_requests)
    return found


async def test_a_kept_requests_response_url_is_not_readable_in_the_database(
    fake: Slack, bob: Person, app: App, program: AsyncExitStack
) -> None:
    asking = fake.hold("users.info")
    typing = asyncio.create_task(bob.types("ask what is LoRA"))
    await asking.arrived()
    forward(ACK_TIMEOUT)
    done = await typing
    [row] = await kept(app)
    written = json.dumps(row["payload"])
    asking.release()
    await fake.heard()

    url = done.sent.payload["response_url"]
    assert url not in written
    assert url.rpartition("/")[2] not in written
    assert "LoRA" not in written
    await program.aclose()
    assert await kept(app) == []


async def test_a_request_that_an_older_version_kept_is_carried_out(fake: Slack, team: Team, app: App) -> None:
    """Until now, what was kept was the request itself, readable."""
    bob = Person.joins(fake, team, "bob")
    url = fake.hooks.new(team.id, team.main.id, bob.id)
    location = {"platform": "slack", "workspace": team.id, "channel": team.main.id}
    payload = {
        "invocation": json.dumps(["team list", location, url, ""]),
        "user": bob.id,
        "user_name": "bob",
        "request_id": "old-trigger",
        "at": app.now().isoformat(),
        "values": {},
        "form": False,
        "platform_values": {},
        "replaces_message": False,
        "channel_url": "",
        "on_home": False,
    }
    row = {
        "platform": "slack",
        "id": f"{team.id}-old-trigger",
        "workspace": team.id,
        "actor": bob.id,
        "payload": payload,
        "at": app.now(),
        "available_at": app.now(),
        "attempts": 0,
    }
    await app.study.store.transaction(lambda connection: connection.execute(insert(tables.kept_requests), row))
    credentials = Credentials(signing_secret=fake.signing_secret, bot_token=team.token)
    async with over_http(app, credentials, fake):
        assert "There are no teams yet" in (await fake.heard()).words
    assert await kept(app) == []
