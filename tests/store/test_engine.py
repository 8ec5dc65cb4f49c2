"""The store: what it keeps, what it refuses, and what it never loses."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.errors import DatabaseError
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Channel, Member, Workspace
from bot.store.postgresql import PostgresqlDatabase
from bot.store.upsert import insert
from bot.store.urls import parse_url
from tests.clocks import HANG
from tests.databases import PostgresqlDatabases

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


def add_workspace(connection: Connection, name: str = "Ada's team") -> int:
    workspace = Workspace(platform="terminal", external_id=name, name=name, created_at=NOW)
    statement = insert(connection, tables.workspaces).values(workspace.columns()).returning(tables.workspaces.c.id)
    return int(connection.execute(statement).scalar_one())


def workspace_names(connection: Connection) -> list[str]:
    return sorted(connection.execute(select(tables.workspaces.c.name)).scalars())


def add_and_fail(connection: Connection) -> None:
    add_workspace(connection)
    raise ZeroDivisionError


async def names(store: Store) -> list[str]:
    return await store.query(workspace_names)


@asynccontextmanager
async def another_program_writing(url: str) -> AsyncIterator[None]:
    """Hold a transaction of another program open that has added a workspace."""
    add = (
        "INSERT INTO workspace (platform, external_id, name, zone, created_at, custom_questions_version) "
        "VALUES ('terminal', 'other', 'other', 'UTC', '2026-11-16 09:30:00', 0)"
    )
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute(add)
            yield
            other.execute("COMMIT")
    else:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute(add)
            yield
        await connection.close()


async def test_what_was_written_can_be_read(store: Store) -> None:
    workspace_id = await store.transaction(add_workspace)

    def read(connection: Connection) -> Workspace:
        statement = select(tables.workspaces).where(tables.workspaces.c.id == workspace_id)
        return Workspace.of(connection.execute(statement).mappings().one())

    found = await store.query(read)
    assert (found.name, found.created_at) == ("Ada's team", NOW)


async def test_arguments_are_passed_on(store: Store) -> None:
    await store.transaction(add_workspace, "Bob's team")
    await store.transaction(add_workspace, name="Cleo's team")

    assert await names(store) == ["Bob's team", "Cleo's team"]


async def test_an_error_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await store.transaction(add_and_fail)

    assert await names(store) == []
    await store.transaction(add_workspace)
    assert await names(store) == ["Ada's team"]


async def test_a_transaction_that_does_nothing_does_not_block_others(store: Store, database_url: str) -> None:
    await store.transaction(lambda connection: None)

    other = await Store.open(database_url, busy_timeout_ms=0)
    await other.transaction(add_workspace)
    await other.close()


async def test_a_query_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, DatabaseError), match="read"):
        await store.query(add_workspace)

    assert await names(store) == []


async def test_a_query_sees_a_single_snapshot_on_sqlite(sqlite_store: Store) -> None:
    await sqlite_store.transaction(add_workspace)

    def count_twice(connection: Connection) -> list[int]:
        statement = select(func.count()).select_from(tables.workspaces)
        before = connection.execute(statement).scalar_one()
        with closing(sqlite3.connect(sqlite_store.name)) as other, other:
            assert other.execute("DELETE FROM workspace").rowcount == 1
        return [before, connection.execute(statement).scalar_one()]

    assert await sqlite_store.query(count_twice) == [1, 1]
    assert await names(sqlite_store) == []


async def test_a_channel_needs_its_workspace(store: Store) -> None:
    channel = Channel(workspace_id=4711, external_id="general", name="general")

    with pytest.raises(IntegrityError):
        await store.transaction(lambda c: c.execute(insert(c, tables.channels).values(channel.columns())))


async def test_rows_are_deleted_with_their_workspace(store: Store) -> None:
    def add(connection: Connection) -> None:
        channel = Channel(workspace_id=add_workspace(connection), external_id="general", name="general")
        connection.execute(insert(connection, tables.channels).values(channel.columns()))

    await store.transaction(add)
    await store.transaction(lambda connection: connection.execute(tables.workspaces.delete()))

    assert await store.query(lambda connection: connection.execute(select(tables.channels)).all()) == []


async def test_stores_of_two_databases_are_independent(sqlite_store: Store, store: Store) -> None:
    await store.transaction(add_workspace)

    assert await names(store) == ["Ada's team"]
    assert await names(sqlite_store) == []


async def test_readers_do_not_wait_for_another_programs_transaction(store: Store, database_url: str) -> None:
    async with another_program_writing(database_url):
        async with asyncio.timeout(HANG):
            assert await names(store) == []

    assert await names(store) == ["other"]


async def test_the_event_loop_goes_on_while_a_lock_is_waited_for(store: Store, database_url: str) -> None:
    async with another_program_writing(database_url):
        waiting = asyncio.create_task(store.transaction(add_workspace, "other"))
        for _ in range(3):
            await asyncio.sleep(0.01)
        assert not waiting.done()

    with pytest.raises(IntegrityError):  # both added the same workspace, and the other program was first
        await waiting


async def test_others_run_between_the_queries_and_transactions_of_one_task_on_sqlite(sqlite_store: Store) -> None:
    turns: list[str] = []

    async def work(name: str) -> None:
        for _ in range(3):
            await sqlite_store.query(workspace_names)
            await sqlite_store.transaction(lambda connection: None)
            turns.append(name)

    await asyncio.gather(work("a"), work("b"))

    assert turns != ["a"] * 3 + ["b"] * 3


async def test_two_hundred_increments_at_once_lose_nothing(store: Store) -> None:
    members = tables.members.c

    def add(connection: Connection) -> None:
        person = insert(connection, tables.persons).values(created_at=NOW).returning(tables.persons.c.id)
        member = Member(
            workspace_id=add_workspace(connection),
            person_id=connection.execute(person).scalar_one(),
            external_id="ada",
            name="ada",
            joined_at=NOW,
        )
        connection.execute(insert(connection, tables.members).values(member.columns()))

    def increment(connection: Connection, number: int) -> None:
        if number % 2:
            connection.execute(update(tables.members).values(streak=members.streak + 1))
        else:
            streak = connection.execute(select(members.streak).with_for_update()).scalar_one()
            connection.execute(update(tables.members).values(streak=streak + 1))

    await store.transaction(add)
    await asyncio.gather(*(store.transaction(increment, number) for number in range(200)))

    assert await store.query(lambda connection: connection.execute(select(members.streak)).scalar()) == 200


async def test_two_hundred_upserts_at_once_make_one_row(store: Store) -> None:
    def upsert(connection: Connection) -> None:
        fresh = Workspace(platform="terminal", external_id="here", name="1", created_at=NOW)
        connection.execute(
            insert(connection, tables.workspaces)
            .values(fresh.columns())
            .on_conflict_do_update(
                index_elements=["platform", "external_id"], set_={"name": tables.workspaces.c.name + "1"}
            )
        )

    await asyncio.gather(*(store.transaction(upsert) for _ in range(200)))

    assert await names(store) == ["1" * 200]


async def test_two_programs_share_a_database(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)

    await asyncio.gather(
        *(store.transaction(add_workspace, f"ours {number}") for number in range(20)),
        *(other.transaction(add_workspace, f"theirs {number}") for number in range(20)),
    )
    await other.close()

    assert len(await names(store)) == 40


async def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"no database at .*study\.db yet.*studyhall db upgrade"):
        await Store.open(f"sqlite:///{tmp_path / 'study.db'}")

    assert not (tmp_path / "study.db").exists()


async def test_a_file_that_is_not_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("just some notes " * 100)

    with pytest.raises(DatabaseError, match=r"notes\.txt isn't a SQLite database"):
        await Store.open(f"sqlite:///{tmp_path / 'notes.txt'}")


async def test_a_missing_server_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="doesn't answer") as caught:
        await Store.open(f"postgresql://ada:s3cret@/study?host={tmp_path}")

    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_database_the_server_does_not_have_is_named(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no server")

    with pytest.raises(DatabaseError, match="no such database"):
        await Store.open(re.sub(r"/study\d+", "/missing", database_url))


async def test_another_programs_lock_is_reported_in_a_plain_sentence(sqlite_store: Store) -> None:
    url = f"sqlite:///{sqlite_store.name}"
    other = await Store.open(url, busy_timeout_ms=50)
    async with another_program_writing(url):
        with pytest.raises(DatabaseError, match="is locked"):
            await other.transaction(add_workspace)
    await other.close()

    assert await names(sqlite_store) == ["other"]


async def test_a_full_disk_is_reported_in_a_plain_sentence_and_changes_nothing(sqlite_store: Store) -> None:
    await sqlite_store.transaction(add_workspace)

    def fill(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count=1"))
        for number in range(200):
            add_workspace(connection, f"{number}" * 400)

    with pytest.raises(DatabaseError, match="full"):
        await sqlite_store.transaction(fill)
    assert await names(sqlite_store) == ["Ada's team"]


async def test_a_transaction_canceled_when_its_turn_comes_does_not_block_others(store: Store) -> None:
    for ticks in range(6):
        went_on = False

        async def write() -> None:
            nonlocal went_on
            await store.transaction(lambda connection: connection.execute(text("SELECT 1")).scalar())
            await asyncio.Event().wait()
            went_on = True

        task = asyncio.create_task(write())
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(HANG):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert not went_on
    async with asyncio.timeout(HANG):
        await store.transaction(add_workspace)


async def test_a_server_that_is_back_after_an_outage_causes_no_errors(postgresql: PostgresqlDatabases) -> None:
    store = await Store.open(postgresql.with_tables())
    await store.transaction(add_workspace)
    assert await names(store) == ["Ada's team"]
    with postgresql.down():
        for _ in range(20):
            await asyncio.sleep(0)  # the sockets are closed; now the event loop hears of it
        with pytest.raises(DatabaseError, match="isn't accepting connections"):
            await names(store)

    assert await names(store) == ["Ada's team"]
    await store.transaction(lambda connection: connection.execute(update(tables.workspaces).values(name="Bob's team")))
    assert await names(store) == ["Bob's team"]
    await store.close()


async def test_a_server_that_goes_away_in_the_middle_is_reported_in_a_plain_sentence(
    postgresql: PostgresqlDatabases,
) -> None:
    store = await Store.open(postgresql.with_tables())

    def write(connection: Connection) -> None:
        add_workspace(connection)
        with postgresql.down():
            pass

    with pytest.raises(DatabaseError, match="closed the connection"):
        await store.transaction(write)
    assert await names(store) == []
    await store.close()


async def test_a_statement_that_gets_no_answer_in_time_is_reported_in_a_plain_sentence(store: Store) -> None:
    def unanswered(_: Connection) -> None:
        raise TimeoutError  # as asyncpg does, and SQLAlchemy passes on

    for run in (store.query, store.transaction):
        with pytest.raises(DatabaseError, match="doesn't answer"):
            await run(unanswered)


async def test_a_connection_that_was_idle_is_tested_before_it_is_used(postgresql: PostgresqlDatabases) -> None:
    database = PostgresqlDatabase(parse_url(postgresql.with_tables()), idle_s=0)

    await database.transaction(add_workspace)
    assert await database.query(workspace_names) == ["Ada's team"]
    await database.close()
