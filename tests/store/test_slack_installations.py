"""Slack installations: encrypted, separate for each workspace, and renewed by one process only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select
from structlog.testing import capture_logs

from bot.encryption import Vault, new_key
from bot.errors import SetupError
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import SlackInstallation
from bot.store.slack_installations import RENEW_BEFORE, Installation, Installations
from tests.databases import PostgresqlDatabases

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
ONE = Installation("T1", "Readers", "UBOT1", "B1", "commands,chat:write", "UADA", token="xoxb-one")
OTHER = Installation("T2", "Writers", "UBOT2", "B2", "commands", "UBOB", token="xoxb-other")
ENDING = replace(ONE, token="xoxe.one", refresh="xoxe-1", expires_at=NOW + timedelta(hours=1))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def installations(store: Store, clock: Clock) -> Installations:
    return Installations(store, Vault(new_key()), clock)


async def rows(store: Store) -> list[SlackInstallation]:
    return await store.query(all_rows)


def all_rows(connection: Connection) -> list[SlackInstallation]:
    return SlackInstallation.all(connection.execute(select(tables.slack_installations)).mappings())


async def test_each_workspace_has_its_own_installation(installations: Installations) -> None:
    await installations.save(ONE)
    await installations.save(OTHER)

    assert await installations.find("T1") == ONE
    assert await installations.find("T2") == OTHER
    assert await installations.find("T3") is None
    await installations.remove("T1")
    assert await installations.find("T1") is None
    assert await installations.find("T2") == OTHER


async def test_installing_again_replaces_the_installation(installations: Installations, store: Store) -> None:
    await installations.save(ENDING)
    await installations.save(ONE)

    assert await installations.find("T1") == ONE
    assert len(await rows(store)) == 1


async def test_tokens_are_readable_neither_in_the_database_nor_in_a_repr(
    installations: Installations, store: Store
) -> None:
    await installations.save(ENDING)

    [row] = await rows(store)
    kept = f"{row.token} {row.refresh}"
    assert "xoxe" not in kept
    assert "xoxe" not in repr(ENDING)


async def test_keys_can_be_changed(installations: Installations, store: Store, clock: Clock) -> None:
    old, new = new_key(), new_key()
    await Installations(store, Vault(old), clock).save(ONE)

    assert await Installations(store, Vault(f"{new},{old}"), clock).find("T1") == ONE
    with pytest.raises(SetupError, match="another key"):
        await Installations(store, Vault(new), clock).find("T1")


def test_an_invalid_key_is_refused(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(SetupError, match="studyhall slack key"):
        Vault("a password")


async def test_a_token_is_renewed_once_however_many_need_it(installations: Installations) -> None:
    await installations.save(replace(ENDING, expires_at=NOW - timedelta(seconds=1)))
    asked: list[str | None] = []

    async def renew(ending: Installation) -> Installation:
        asked.append(ending.refresh)
        await asyncio.sleep(0)
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=12))

    found = await asyncio.gather(*(installations.with_valid_token("T1", renew) for _ in range(5)))

    assert asked == ["xoxe-1"]
    assert {installation.token for installation in found if installation} == {"xoxe.two"}
    assert await installations.with_valid_token("T1", renew) == found[0]


async def test_a_token_that_cannot_be_renewed_now_works_until_it_expires(
    installations: Installations, clock: Clock
) -> None:
    await installations.save(ENDING)

    async def refuse(_: Installation) -> Installation:
        raise OSError("no network")

    assert await installations.with_valid_token("T1", refuse) == ENDING
    clock.now += RENEW_BEFORE
    with pytest.raises(OSError, match="no network"):
        await installations.with_valid_token("T1", refuse)
    assert await installations.find("T1") == ENDING  # so that it can be tried again


async def test_a_token_that_can_never_be_renewed_is_dropped_when_it_expires(
    installations: Installations, clock: Clock
) -> None:
    await installations.save(ENDING)

    async def never(_: Installation) -> None:
        return None

    assert await installations.with_valid_token("T1", never) == ENDING
    clock.now += RENEW_BEFORE
    assert await installations.with_valid_token("T1", never) is None


async def test_a_renewed_token_is_saved_even_if_the_request_is_canceled(installations: Installations) -> None:
    await installations.save(ENDING)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def renew(ending: Installation) -> Installation:
        asked.set()
        await answer.wait()
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=13))

    waiting = asyncio.create_task(installations.with_valid_token("T1", renew))
    await asked.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    found = await installations.find("T1")

    assert found is not None
    assert (found.token, found.refresh) == ("xoxe.two", "xoxe-2")


async def test_a_renewed_token_is_saved_once_the_database_is_back(
    postgresql: PostgresqlDatabases, clock: Clock
) -> None:
    store = await Store.open(postgresql.with_tables())
    installations, down = Installations(store, Vault(new_key()), clock), postgresql.down()
    await installations.save(ENDING)

    async def renew(ending: Installation) -> Installation:
        down.__enter__()
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=13))

    with capture_logs() as logged:
        renewing = asyncio.create_task(installations.with_valid_token("T1", renew))
        while "renewed token not saved yet" not in [entry["event"] for entry in logged]:  # noqa: ASYNC110 (a log can't be awaited)
            await asyncio.sleep(0.01)
        down.__exit__(None, None, None)
        await renewing
    found = await installations.find("T1")
    await store.close()

    assert found is not None
    assert (found.token, found.refresh) == ("xoxe.two", "xoxe-2")


async def test_another_process_takes_over_an_abandoned_renewal(installations: Installations, clock: Clock) -> None:
    await installations.save(ENDING)

    async def die(_: Installation) -> Installation:
        raise asyncio.CancelledError

    async def renew(ending: Installation) -> Installation:
        return replace(ending, token="xoxe.two", expires_at=NOW + timedelta(hours=13))

    with pytest.raises(asyncio.CancelledError):
        await installations.with_valid_token("T1", die)
    assert await installations.with_valid_token("T1", renew) == ENDING  # another process seems to be renewing it
    clock.now += timedelta(minutes=6)
    found = await installations.with_valid_token("T1", renew)
    assert found is not None
    assert found.token == "xoxe.two"


async def test_a_state_works_once_and_only_for_a_while(installations: Installations, clock: Clock) -> None:
    state = await installations.new_state()

    assert not await installations.use_state("forged")
    assert await installations.use_state(state)
    assert not await installations.use_state(state)
    late = await installations.new_state()
    clock.now += timedelta(minutes=11)
    assert not await installations.use_state(late)
