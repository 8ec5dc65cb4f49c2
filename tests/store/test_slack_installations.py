"""Installations of the app: kept encrypted, one workspace apart from the other, and renewed by one process alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from bot.encryption import Vault, new_key
from bot.errors import SetupError
from bot.store.engine import Store
from bot.store.orm import SlackInstallation
from bot.store.slack_installations import EARLY, Install, Installs
from tests.databases import PostgresqlDatabases

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
ONE = Install("T1", "Readers", "UBOT1", "B1", "commands,chat:write", "UADA", token="xoxb-one")
OTHER = Install("T2", "Writers", "UBOT2", "B2", "commands", "UBOB", token="xoxb-other")
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
def installs(store: Store, clock: Clock) -> Installs:
    return Installs(store, Vault(new_key()), clock)


async def rows(store: Store) -> list[SlackInstallation]:
    async with store.read() as session:
        return list((await session.exec(select(SlackInstallation))).all())


async def test_each_workspace_finds_its_own(installs: Installs) -> None:
    await installs.keep(ONE)
    await installs.keep(OTHER)

    assert await installs.find("T1") == ONE
    assert await installs.find("T2") == OTHER
    assert await installs.find("T3") is None
    await installs.remove("T1")
    assert await installs.find("T1") is None
    assert await installs.find("T2") == OTHER


async def test_installing_again_takes_the_place_of_what_was(installs: Installs, store: Store) -> None:
    await installs.keep(ENDING)
    await installs.keep(ONE)

    assert await installs.find("T1") == ONE
    assert len(await rows(store)) == 1


async def test_no_token_stands_in_the_database_or_in_a_representation(installs: Installs, store: Store) -> None:
    await installs.keep(ENDING)

    [row] = await rows(store)
    kept = f"{row.token} {row.refresh}"
    assert "xoxe" not in kept
    assert "xoxe" not in repr(ENDING)


async def test_keys_can_be_changed(installs: Installs, store: Store, clock: Clock) -> None:
    old, new = new_key(), new_key()
    await Installs(store, Vault(old), clock).keep(ONE)

    assert await Installs(store, Vault(f"{new},{old}"), clock).find("T1") == ONE
    with pytest.raises(SetupError, match="another key"):
        await Installs(store, Vault(new), clock).find("T1")


def test_a_key_that_is_none_is_told(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(SetupError, match="studyhall slack key"):
        Vault("a password")


async def test_a_token_is_renewed_once_however_many_need_it(installs: Installs) -> None:
    await installs.keep(replace(ENDING, expires_at=NOW - timedelta(seconds=1)))
    asked: list[str | None] = []

    async def renew(ending: Install) -> Install:
        asked.append(ending.refresh)
        await asyncio.sleep(0)
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=12))

    found = await asyncio.gather(*(installs.fresh("T1", renew) for _ in range(5)))

    assert asked == ["xoxe-1"]
    assert {it.token for it in found if it} == {"xoxe.two"}
    assert await installs.fresh("T1", renew) == found[0]


async def test_a_token_that_cannot_be_renewed_does_until_its_end(installs: Installs, clock: Clock) -> None:
    await installs.keep(ENDING)

    async def refuse(_: Install) -> Install:
        raise OSError("no network")

    assert await installs.fresh("T1", refuse) == ENDING
    clock.now += EARLY
    with pytest.raises(OSError, match="no network"):
        await installs.fresh("T1", refuse)
    assert await installs.find("T1") == ENDING  # for the next try


async def test_a_token_that_can_never_be_renewed_counts_for_nothing(installs: Installs, clock: Clock) -> None:
    await installs.keep(ENDING)

    async def never(_: Install) -> None:
        return None

    assert await installs.fresh("T1", never) == ENDING
    clock.now += EARLY
    assert await installs.fresh("T1", never) is None


async def test_what_a_renewal_brought_is_kept_though_nobody_waits_for_it_any_more(installs: Installs) -> None:
    await installs.keep(ENDING)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def renew(ending: Install) -> Install:
        asked.set()
        await answer.wait()
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=13))

    waiting = asyncio.create_task(installs.fresh("T1", renew))
    await asked.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    found = await installs.find("T1")

    assert found is not None
    assert (found.token, found.refresh) == ("xoxe.two", "xoxe-2")


async def test_what_a_renewal_brought_is_written_once_the_database_is_back(
    postgresql: PostgresqlDatabases, clock: Clock
) -> None:
    store = await Store.open(postgresql.with_tables())
    installs, down = Installs(store, Vault(new_key()), clock), postgresql.down()
    await installs.keep(ENDING)

    async def renew(ending: Install) -> Install:
        down.__enter__()
        return replace(ending, token="xoxe.two", refresh="xoxe-2", expires_at=NOW + timedelta(hours=13))

    with capture_logs() as logged:
        renewing = asyncio.create_task(installs.fresh("T1", renew))
        while "renewed token not written yet" not in [it["event"] for it in logged]:  # noqa: ASYNC110 (a log tells nobody)
            await asyncio.sleep(0.01)
        down.__exit__(None, None, None)
        await renewing
    found = await installs.find("T1")
    await store.close()

    assert found is not None
    assert (found.token, found.refresh) == ("xoxe.two", "xoxe-2")


async def test_a_renewal_that_died_is_taken_over(installs: Installs, clock: Clock) -> None:
    await installs.keep(ENDING)

    async def die(_: Install) -> Install:
        raise asyncio.CancelledError

    async def renew(ending: Install) -> Install:
        return replace(ending, token="xoxe.two", expires_at=NOW + timedelta(hours=13))

    with pytest.raises(asyncio.CancelledError):
        await installs.fresh("T1", die)
    assert await installs.fresh("T1", renew) == ENDING  # somebody seems to be at it
    clock.now += timedelta(minutes=6)
    found = await installs.fresh("T1", renew)
    assert found is not None
    assert found.token == "xoxe.two"


async def test_a_state_is_good_once_and_for_a_while(installs: Installs, clock: Clock) -> None:
    state = await installs.new_state()

    assert not await installs.use_state("forged")
    assert await installs.use_state(state)
    assert not await installs.use_state(state)
    late = await installs.new_state()
    clock.now += timedelta(minutes=11)
    assert not await installs.use_state(late)
