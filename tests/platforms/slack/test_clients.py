"""Which client speaks for a workspace, whatever becomes of the database."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
import pytest

from bot.errors import DatabaseError
from bot.platforms.slack.clients import Clients
from bot.store.engine import Store
from bot.store.installs import Install, Installs
from bot.vault import Vault, new_key
from tests.conftest import PostgresqlDatabases

ONE = Install("T1", "Readers", "UBOT1", "B1", "commands", "UADA", token="xoxb-one")


async def test_while_the_database_is_down_the_client_known_last_speaks_on(postgresql: PostgresqlDatabases) -> None:
    store = await Store.open(postgresql.with_tables())
    installs = Installs(store, Vault(new_key()), lambda: datetime.now(UTC))
    await installs.keep(ONE)
    async with aiohttp.ClientSession() as session:
        clients = Clients(session, "http://127.0.0.1:9/api/", installs, fresh=0)
        known = await clients.of("T1")
        with postgresql.down():
            assert await clients.of("T1") is known
            with pytest.raises(DatabaseError):
                await clients.of("T2")
        assert known is not None
        await installs.remove("T1")
        assert await clients.of("T1") is None
    await store.close()
