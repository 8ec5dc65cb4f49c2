"""The whole program with its web application."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from tests.clocks import HANG
from tests.platforms.slack.fake import Person, Slack
from tests.processes import Program


@pytest.fixture
def taken() -> Iterator[str]:
    """Return a port that's already in use."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@dataclass
class Running:
    program: Program
    log: asyncio.StreamReader

    async def wait(self) -> int | None:
        return await asyncio.to_thread(self.program.wait)


@asynccontextmanager
async def begun(program: type[Program], environment: Mapping[str, str], *words: str) -> AsyncIterator[Running]:
    """Run `studyhall run`, and kill it at the end of the block if it's still running."""
    log = asyncio.StreamReader()
    read, write = os.pipe()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(log), os.fdopen(read, "rb")
    )
    started = program(environment, "run", *words, stderr=write)
    os.close(write)
    running = Running(started, log)
    try:
        yield running
    finally:
        started.kill()
        await running.wait()
        pipe.close()


@asynccontextmanager
async def serving(program: type[Program], environment: Mapping[str, str], *words: str) -> AsyncIterator[Running]:
    """Run `studyhall run` and end it with SIGTERM, which must end it cleanly."""
    async with begun(program, environment, *words) as running:
        yield running
        running.program.terminate()
        assert await running.wait() == 0


async def said(running: Running, event: str) -> dict[str, object]:
    """Wait for the log's next line with that event."""
    while line := await asyncio.wait_for(running.log.readline(), HANG):
        if line.startswith(b"{") and (found := json.loads(line))["event"] == event:
            return dict(found)
    raise AssertionError(f"the program ended without logging {event!r}")


async def test_health_is_served_in_socket_mode_too(program: type[Program], home: dict[str, str]) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}
        async with serving(program, env, "slack") as running:
            address = (await said(running, "listening"))["at"]
            async with web.get(f"{address}/healthz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            await said(running, "search ready")
            async with web.get(f"{address}/readyz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            async with web.post(f"{address}/slack/events") as answer:
                assert answer.status == 404


async def test_a_port_in_use_is_reported_and_stops_only_what_needs_it(
    program: type[Program], home: dict[str, str], taken: str
) -> None:
    async with Slack().listening() as fake:
        fake.patience = HANG
        team = fake.team("readers")
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token, "SLACK_BOT_TOKEN": team.token}
        async with serving(program, {**home, **tokens}, "slack", "--port", taken) as running:
            problem = await said(running, "web server not started")
            await fake.sockets.connected()
            await Person.joins(fake, team, "bob").types("team list")
            answer = await fake.heard()

    assert f"port {taken}" in str(problem["problem"])
    assert problem["missing"] == "health checks"
    assert "There are no teams yet" in answer.words


async def test_metrics_are_for_this_machine_even_if_the_web_application_is_for_all(
    program: type[Program], home: dict[str, str]
) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}
        async with serving(program, env, "slack", "--host", "0.0.0.0") as running:
            health = URL(str((await said(running, "listening"))["at"]))
            address = URL(str((await said(running, "metrics served"))["at"]))
            async with web.get(address) as answer:
                assert "studyhall_database_up 1.0" in await answer.text()
            async with web.get(health.with_host("127.0.0.1").with_path("/metrics")) as answer:
                assert answer.status == 404
            with pytest.raises(aiohttp.ClientConnectorError):  # an address that 0.0.0.0 would include
                await web.get(address.with_host("127.0.0.2"))


async def test_a_port_in_use_costs_only_the_metrics(program: type[Program], home: dict[str, str], taken: str) -> None:
    async with Slack().listening() as fake, aiohttp.ClientSession() as web:
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        env = {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token, "STUDYHALL_METRICS__PORT": taken}
        async with serving(program, env, "slack") as running:
            health = (await said(running, "listening"))["at"]
            assert f"port {taken}" in str((await said(running, "metrics not served"))["problem"])
            async with web.get(f"{health}/healthz") as answer:
                assert answer.status == 200


async def test_slack_over_http_cannot_start_without_its_port(
    program: type[Program], home: dict[str, str], taken: str
) -> None:
    async with Slack().listening() as fake:
        token = fake.team("readers").token
        tokens = {"SLACK_API_URL": fake.api, "SLACK_SIGNING_SECRET": fake.signing_secret, "SLACK_BOT_TOKEN": token}
        async with begun(program, {**home, **tokens}, "slack", "--port", taken) as running:
            told = await asyncio.wait_for(running.log.read(), HANG)
            status = await running.wait()

    assert status == 2
    assert f"Can't listen on 127.0.0.1, port {taken}" in told.decode()


async def test_a_signal_ends_a_start_that_waits_for_a_platform(program: type[Program], home: dict[str, str]) -> None:
    async with Slack().listening() as fake:
        fake.sockets.blocked = True
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token}
        async with serving(program, {**home, **tokens, "SLACK_BOT_TOKEN": fake.team("readers").token}, "slack"):
            await fake.sockets.refused()


async def test_what_was_acknowledged_is_answered_after_a_kill(program: type[Program], home: dict[str, str]) -> None:
    async with Slack().listening() as fake:
        fake.patience = HANG
        team = fake.team("readers")
        tokens = {"SLACK_API_URL": fake.api, "SLACK_APP_TOKEN": fake.app_token, "SLACK_BOT_TOKEN": team.token}
        bob = Person.joins(fake, team, "bob")
        environment = {**home, **tokens}
        asking = fake.hold("users.info")
        async with begun(program, environment, "slack"):
            await fake.sockets.connected()
            acknowledged = await bob.types("team create Readers")
            await asking.arrived()
        asking.release()
        async with serving(program, environment, "slack") as running:
            resumed = await said(running, "request resumed")
            answer = await fake.heard()

    assert (acknowledged.status, acknowledged.body) == (200, "")
    assert resumed["hopeless"] is False
    assert "Readers" in answer.words
