"""Sessions: what they keep, what they refuse, and what they never lose."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, text, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col, select

from bot.errors import DatabaseError
from bot.store.engine import Store
from bot.store.orm import Channel, Member, Person, Workspace
from bot.store.upsert import insert
from tests.clocks import HANG
from tests.databases import PostgresqlDatabases

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
ADD = plain_insert(Workspace).returning(col(Workspace.id))


def workspace(name: str = "Ada's team") -> Workspace:
    return Workspace(platform="terminal", external_id=name, name=name, created_at=NOW)


async def names(store: Store) -> list[str]:
    async with store.read() as session:
        return sorted((await session.exec(select(Workspace.name))).all())


async def test_what_was_written_can_be_read(store: Store) -> None:
    async with store.write() as session:
        session.add(workspace())

    async with store.read() as session:
        found = (await session.exec(select(Workspace))).one()
    assert (found.name, found.created_at) == ("Ada's team", NOW)


async def test_an_error_takes_everything_back(store: Store) -> None:
    async def write() -> None:
        async with store.write() as session:
            session.add(workspace())
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write()
    assert await names(store) == []


async def test_objects_stay_readable_after_the_commit(store: Store) -> None:
    kept = workspace()
    async with store.write() as session:
        session.add(kept)

    assert kept.id is not None
    assert kept.name == "Ada's team"


async def test_a_read_session_cannot_write(store: Store) -> None:
    async with store.read() as session:
        session.add(workspace())
        with pytest.raises(DBAPIError, match="read"):
            await session.flush()


async def test_a_channel_needs_its_workspace(store: Store) -> None:
    with pytest.raises(IntegrityError):
        async with store.write() as session:
            session.add(Channel(workspace_id=4711, external_id="general", name="general"))


async def test_rows_go_with_the_workspace_they_belong_to(store: Store) -> None:
    async with store.write() as session:
        owner = workspace()
        session.add(owner)
        await session.flush()
        assert owner.id is not None
        session.add(Channel(workspace_id=owner.id, external_id="general", name="general"))
    async with store.write() as session:
        await session.delete(await session.get_one(Workspace, owner.id))

    async with store.read() as session:
        assert (await session.exec(select(Channel))).all() == []


async def test_a_second_session_inside_the_first_is_refused(store: Store) -> None:
    async with store.write():
        with pytest.raises(RuntimeError, match="open here already"):
            async with store.write():
                pass
        with pytest.raises(RuntimeError, match="open here already"):
            async with store.read():
                pass
    async with store.read():
        with pytest.raises(RuntimeError, match="open here already"):
            async with store.write():
                pass

    async with store.write() as session:
        session.add(workspace())
    assert await names(store) == ["Ada's team"]


async def test_a_task_that_a_session_started_cannot_wait_for_it(store: Store) -> None:
    async def write() -> None:
        async with store.write() as session:
            session.add(workspace())

    async with store.write():
        early = asyncio.create_task(write())
        with pytest.raises(RuntimeError, match="open here already"):
            await early
        late_start = asyncio.Event()

        async def later() -> None:
            await late_start.wait()
            await write()

        late = asyncio.create_task(later())
    late_start.set()
    await late

    assert await names(store) == ["Ada's team"]


async def test_two_stores_do_not_mind_each_other(sqlite_store: Store, store: Store) -> None:
    async with sqlite_store.write(), store.write() as session:
        session.add(workspace())

    assert await names(store) == ["Ada's team"]
    assert await names(sqlite_store) == []


async def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    written, seen = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with store.write() as session:
            session.add(workspace())
            await session.flush()
            written.set()
            await seen.wait()

    writing = asyncio.create_task(write())
    await written.wait()
    async with asyncio.timeout(HANG):
        assert await names(store) == []
    seen.set()
    await writing
    assert await names(store) == ["Ada's team"]


async def test_two_hundred_increments_at_once_lose_nothing(store: Store) -> None:
    async with store.write() as session:
        owner = workspace()
        person = Person(created_at=NOW)
        session.add_all([owner, person])
        await session.flush()
        assert owner.id is not None
        assert person.id is not None
        member = Member(workspace_id=owner.id, person_id=person.id, external_id="ada", name="ada", joined_at=NOW)
        session.add(member)

    async def once(number: int) -> None:
        async with store.write() as session:
            if number % 2:
                await session.exec(
                    update(Member).where(col(Member.id) == member.id).values(streak=col(Member.streak) + 1)
                )
            else:
                mine = (await session.exec(select(Member).with_for_update())).one()
                mine.streak += 1

    await asyncio.gather(*(once(number) for number in range(200)))

    async with store.read() as session:
        assert (await session.get_one(Member, member.id)).streak == 200


async def test_a_change_is_kept_and_can_be_looked_up(store: Store) -> None:
    id = await store.change(lambda connection: connection.execute(ADD, workspace().model_dump(exclude={"id"})).scalar())

    assert await store.look(lambda connection: connection.execute(select(Workspace.id)).scalar()) == id


async def test_a_change_that_fails_takes_everything_back(store: Store) -> None:
    def work(connection: Connection) -> None:
        connection.execute(ADD, workspace().model_dump(exclude={"id"}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.change(work)
    assert await names(store) == []


async def test_a_look_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, DatabaseError), match="read"):
        await store.look(lambda connection: connection.execute(ADD, workspace().model_dump(exclude={"id"})))


async def test_a_look_sees_one_moment_on_sqlite(sqlite_store: Store) -> None:
    async with sqlite_store.write() as session:
        session.add(workspace())

    def work(connection: Connection) -> list[int]:
        count = select(func.count()).select_from(Workspace)
        before = connection.execute(count).scalar_one()
        with closing(sqlite3.connect(sqlite_store.place)) as other, other:
            assert other.execute("DELETE FROM workspace").rowcount == 1
        return [before, connection.execute(count).scalar_one()]

    assert await sqlite_store.look(work) == [1, 1]
    assert await names(sqlite_store) == []


async def test_no_look_and_no_change_within_a_session(store: Store) -> None:
    async with store.write():
        for way in (store.look, store.change):
            with pytest.raises(RuntimeError, match="open here already"):
                await way(lambda connection: None)


async def test_changes_and_sessions_at_once_lose_nothing(store: Store) -> None:
    async with store.write() as session:
        session.add(workspace(""))

    def longer(connection: Connection) -> None:
        name = connection.execute(select(Workspace.name).with_for_update()).scalar_one()
        connection.execute(update(Workspace).values(name=f"{name}1"))

    async def once(number: int) -> None:
        if number % 2:
            await store.change(longer)
        else:
            async with store.write() as session:
                mine = (await session.exec(select(Workspace).with_for_update())).one()
                mine.name += "1"

    await asyncio.gather(*(once(number) for number in range(100)))

    assert await names(store) == ["1" * 100]


async def test_two_hundred_upserts_at_once_make_one_row(store: Store) -> None:
    async def once() -> None:
        async with store.write() as session:
            fresh = insert(session, Workspace).values(
                platform="terminal", external_id="here", name="1", zone="UTC", created_at=NOW
            )
            await session.exec(
                fresh.on_conflict_do_update(
                    index_elements=["platform", "external_id"], set_={"name": col(Workspace.name) + "1"}
                )
            )

    await asyncio.gather(*(once() for _ in range(200)))

    assert await names(store) == ["1" * 200]


async def test_two_programs_share_a_database(store: Store, database_url: str) -> None:
    other = await Store.open(database_url)

    async def write(through: Store, name: str) -> None:
        async with through.write() as session:
            session.add(workspace(name))

    await asyncio.gather(*(write(through, f"{n}{i}") for i in range(20) for n, through in (("a", store), ("b", other))))
    await other.close()

    assert len(await names(store)) == 40


async def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"no database at .*study\.db yet.*studyhall db upgrade"):
        await Store.open(f"sqlite:///{tmp_path / 'study.db'}")

    assert not (tmp_path / "study.db").exists()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("just some notes " * 100)

    with pytest.raises(DatabaseError, match=r"notes\.txt is not a SQLite database"):
        await Store.open(f"sqlite:///{tmp_path / 'notes.txt'}")


async def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="does not answer") as caught:
        await Store.open(f"postgresql://ada:s3cret@/study?host={tmp_path}")

    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_database_that_the_server_does_not_have_is_named(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no server")

    with pytest.raises(DatabaseError, match="no such database"):
        await Store.open(re.sub(r"/study\d+", "/missing", database_url))


async def test_a_lock_held_by_another_program_becomes_a_plain_sentence(sqlite_store: Store) -> None:
    other = await Store.open(f"sqlite:///{sqlite_store.place}", busy_ms=50)
    async with sqlite_store.write() as session:
        session.add(workspace())
        await session.flush()
        with pytest.raises(DatabaseError, match="is locked"):
            async with other.write():
                pass
    await other.close()

    assert await names(sqlite_store) == ["Ada's team"]


async def test_a_full_disk_becomes_a_plain_sentence_and_changes_nothing(sqlite_store: Store) -> None:
    async with sqlite_store.write() as session:
        session.add(workspace())

    async def write() -> None:
        async with sqlite_store.write() as session:
            connection = await session.connection()
            await connection.execute(text("PRAGMA max_page_count=1"))
            for number in range(200):
                session.add(workspace(f"{number}" * 400))
            await session.flush()

    with pytest.raises(DatabaseError, match="full"):
        await write()
    assert await names(sqlite_store) == ["Ada's team"]


async def test_a_writer_that_is_cancelled_as_its_turn_comes_does_not_go_on(store: Store) -> None:
    for ticks in range(6):
        went_on = False

        async def write() -> None:
            nonlocal went_on
            await store.change(lambda connection: connection.execute(text("SELECT 1")).scalar())
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


async def test_a_server_that_was_away_is_not_noticed_once_it_is_back(postgresql: PostgresqlDatabases) -> None:
    store = await Store.open(postgresql.with_tables())
    await store.change(lambda connection: connection.execute(ADD, workspace().model_dump(exclude={"id"})))
    assert await names(store) == ["Ada's team"]
    with postgresql.down():
        for _ in range(20):
            await asyncio.sleep(0)  # the sockets are closed; now the event loop hears of it
        with pytest.raises(DatabaseError, match="lets nobody in"):
            await names(store)

    assert await store.look(lambda connection: connection.execute(select(Workspace.name)).scalar()) == "Ada's team"
    await store.change(lambda connection: connection.execute(update(Workspace).values(name="Bob's team")))
    assert await names(store) == ["Bob's team"]
    await store.close()


async def test_a_server_that_goes_in_mid_work_is_told_in_words(postgresql: PostgresqlDatabases) -> None:
    store = await Store.open(postgresql.with_tables())

    async def write() -> None:
        async with store.write() as session:
            session.add(workspace())
            await session.flush()
            with postgresql.down():
                pass

    with pytest.raises(DatabaseError, match="closed the connection"):
        await write()
    assert await names(store) == []
    await store.close()
