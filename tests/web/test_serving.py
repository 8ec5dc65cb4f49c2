"""The whole program with its web application."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from tests.clocks import HANG
from tests.commandline import STUDYHALL
from tests.platforms.slack.fake import Person, Slack


@pytest.fixture
def taken() -> Iterator[str]:
    """Return a port that's already in use."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@asynccontextmanager
async def serving(environment: Mapping[str, str], *words: str) -> AsyncIterator[Process]:
    """Run `studyhall run` and end it with SIGTERM, which must end it cleanly."""
    running = await asyncio.create_subprocess_exec(
        *STUDYHALL, "run", *words, env=environment, stdin=DEVNULL, stderr=PIPE
    )
    try:
        yield running
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), HANG) == 0
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def said(running: Process, event: str) -> dict[str, object]:
    """Wait for the log's next line with that event."""
    assert running.stderr is not None
    while line := await asyncio.wait_for(running.stderr.readline(), HANG):
        if line.startswith(b"{") and (found := json.loads(line))["event"] == event:
            return dict(found)
    raise AssertionError(f"the program ended without logging {event!r}")


async def test_health_is_served_in_socket_mode_too(home: dict[str, str]) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}
        async with serving(env, "slack") as running:
            address = (await said(running, "listening"))["at"]
            async with web.get(f"{address}/healthz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            await said(running, "search ready")
            async with web.get(f"{address}/readyz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            async with web.post(f"{address}/slack/events") as answer:
                assert answer.status == 404


async def test_a_port_in_use_is_reported_and_stops_only_what_needs_it(home: dict[str, str], taken: str) -> None:
    async with Slack().listening() as fake:
        fake.patience = HANG
        team = fake.team("readers")
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token, "SLACK_BOT_TOKEN": team.token}
        async with serving({**home, **tokens}, "slack", "--port", taken) as running:
            problem = await said(running, "web server not started")
            await fake.sockets.connected()
            await Person.joins(fake, team, "bob").types("team list")
            answer = await fake.heard()

    assert f"port {taken}" in str(problem["problem"])
    assert problem["missing"] == "health checks"
    assert "There are no teams yet" in answer.words


async def test_metrics_are_for_this_machine_even_if_the_web_application_is_for_all(home: dict[str, str]) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}
        async with serving(env, "slack", "--host", "0.0.0.0") as running:
            health = URL(str((await said(running, "listening"))["at"]))
            address = URL(str((await said(running, "metrics served"))["at"]))
            async with web.get(address) as answer:
                assert "studyhall_database_up 1.0" in await answer.text()
            async with web.get(health.with_host("127.0.0.1").with_path("/metrics")) as answer:
                assert answer.status == 404
            with pytest.raises(aiohttp.ClientConnectorError):  # an address that 0.0.0.0 would include
                await web.get(address.with_host("127.0.0.2"))


async def test_a_port_in_use_costs_only_the_metrics(home: dict[str, str], taken: str) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token, "STUDYHALL_METRICS__PORT": taken}
        async with serving(env, "slack") as running:
            health = (await said(running, "listening"))["at"]
            assert f"port {taken}" in str((await said(running, "metrics not served"))["problem"])
            async with web.get(f"{health}/healthz") as answer:
                assert answer.status == 200


async def test_slack_over_http_cannot_start_without_its_port(home: dict[str, str], taken: str) -> None:
    async with Slack().listening() as fake:
        token = fake.team("readers").token
        tokens = {"SLACK_API_URL": fake.api, "SLACK_SIGNING_SECRET": fake.signing_secret, "SLACK_BOT_TOKEN": token}
        running = await asyncio.create_subprocess_exec(
            *STUDYHALL, "run", "slack", "--port", taken, env={**home, **tokens}, stdin=DEVNULL, stderr=PIPE
        )
        _, told = await asyncio.wait_for(running.communicate(), HANG)

    assert running.returncode == 2
    assert f"Can't listen on 127.0.0.1, port {taken}" in told.decode()


async def test_a_signal_ends_a_start_that_waits_for_a_platform(home: dict[str, str]) -> None:
    async with Slack().listening() as fake:
        fake.sockets.blocked = True
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        async with serving({**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}, "slack"):
            await fake.sockets.refused()


async def test_what_was_acknowledged_is_answered_after_a_kill(home: dict[str, str]) -> None:
    async with Slack().listening() as fake:
        fake.patience = HANG
        team = fake.team("readers")
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token, "SLACK_BOT_TOKEN": team.token}
        bob = Person.joins(fake, team, "bob")
        environment = {**home, **tokens}
        asking = fake.hold("users.info")
        killed = await asyncio.create_subprocess_exec(
            *STUDYHALL, "run", "slack", env=environment, stdin=DEVNULL, stderr=DEVNULL
        )
        await fake.sockets.connected()
        acknowledged = await bob.types("team create Readers")
        await asking.arrived()
        killed.kill()
        await killed.wait()
        asking.release()
        async with serving(environment, "slack") as running:
            resumed = await said(running, "request resumed")
            answer = await fake.heard()

    assert (acknowledged.status, acknowledged.body) == (200, "")
    assert resumed["hopeless"] is False
    assert "Readers" in answer.words
