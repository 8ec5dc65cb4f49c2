"""Which client a workspace gets, whatever happens to the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from bot.encryption import Vault, new_key
from bot.errors import DatabaseError
from bot.platforms.slack.clients import Clients
from bot.store.engine import Store
from bot.store.slack_installations import Installation, Installations
from tests.databases import PostgresqlDatabases

ONE = Installation("T1", "Readers", "UBOT1", "B1", "commands", "UADA", token="xoxb-one")


async def test_a_client_comes_from_the_last_installation_that_was_readable(postgresql: PostgresqlDatabases) -> None:
    store = await Store.open(postgresql.with_tables())
    installs = Installations(store, Vault(new_key()), lambda: datetime.now(UTC))
    await installs.save(ONE)
    async with aiohttp.ClientSession() as session:
        clients = Clients(session, "http://127.0.0.1:9/api/", installs, fresh_for=0)
        known = await clients.for_team("T1")
        with postgresql.down():
            assert await clients.for_team("T1") is known
            with pytest.raises(DatabaseError):
                await clients.for_team("T2")
        assert known is not None
        await installs.save(replace(ONE, installer="UBOB"))
        again = await clients.for_team("T1")
        assert again is not None
        assert again.install.installer == "UBOB"
        await installs.remove("T1")
        assert await clients.for_team("T1") is None
    await store.close()
