"""Privacy: export and deletion cover every table that refers to a member."""

from __future__ import annotations

from datetime import time

import pytest
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, String, Table, func, insert, select, update
from sqlmodel import SQLModel

from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Schedule
from bot.study.account import privacy
from tests.study.progress.classroom import START, Classroom, add

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def room(store: Store) -> Classroom:
    return await Classroom(store).open()


def with_table(name: str, *columns: Column[int] | Column[str]) -> MetaData:
    """Copy the metadata and add a table."""
    metadata = MetaData()
    for table in SQLModel.metadata.sorted_tables:
        table.to_metadata(metadata)
    Table(name, metadata, Column("id", Integer, primary_key=True), *columns)
    return metadata


def count(connection: Connection, table: Table) -> int:
    number: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return number


def test_every_table_is_exported_and_deleted_or_listed_with_a_reason() -> None:
    assert privacy.unclassified(SQLModel.metadata) == set()


def test_every_reason_is_for_a_table_that_refers_to_nobody() -> None:
    referring = {
        column.table.name for target in ("member", "person") for column in privacy.references(SQLModel.metadata, target)
    }

    assert privacy.NOT_PERSONAL.keys() <= SQLModel.metadata.tables.keys() - referring


def test_a_new_table_without_a_foreign_key_to_members_has_to_be_listed() -> None:
    assert privacy.unclassified(with_table("diary", Column("written_by", String))) == {"diary"}


@pytest.mark.parametrize("target", ["member", "person"])
async def test_a_new_table_with_a_foreign_key_is_exported_and_deleted(room: Classroom, target: str) -> None:
    await room.join("ada", "bob")
    metadata = with_table(
        "diary", Column("whose", ForeignKey(f"{target}.id", ondelete="CASCADE")), Column("text", String)
    )
    assert privacy.unclassified(metadata) == set()

    def work(connection: Connection) -> None:
        diary = metadata.tables["diary"]
        diary.create(connection)
        for name in ("ada", "bob"):
            member = room.members[name]
            person = select(tables.members.c.person_id).where(tables.members.c.id == member).scalar_subquery()
            whose = member if target == "member" else person
            connection.execute(insert(diary).values(whose=whose, text=f"{name}'s"))

        assert [row["text"] for row in privacy.rows_about(connection, room.members["ada"], metadata)["diary"]] == [
            "ada's"
        ]
        privacy.delete_member(connection, room.members["ada"], metadata)
        assert connection.execute(select(diary.c.text)).scalars().all() == ["bob's"]

    await room.store.transaction(work)


async def test_a_schedule_outlives_the_member_who_made_it(room: Classroom) -> None:
    await room.join("ada")
    schedule = Schedule(
        channel_id=room.channels["a"],
        request_id="r",
        at=time(9),
        zone="UTC",
        weekdays="01234",
        reveal=time(17),
        made_by=room.members["ada"],
        created_at=START,
    )
    await room.store.transaction(add, tables.schedules, schedule.columns())
    exported = await room.store.query(privacy.rows_about, room.members["ada"])
    assert [row["made_by"] for row in exported["schedule"]] == [room.members["ada"]]

    await room.store.transaction(privacy.delete_member, room.members["ada"])

    assert await room.store.query(_makers) == [None]


def _makers(connection: Connection) -> list[int | None]:
    return list(connection.execute(select(tables.schedules.c.made_by)).scalars())


async def test_a_person_is_kept_while_they_are_a_member_elsewhere(room: Classroom, store: Store) -> None:
    elsewhere = await Classroom(store, "elsewhere").open()
    await room.join("ada")
    await elsewhere.join("ada")

    def work(connection: Connection) -> None:
        members = tables.members.c
        person = connection.execute(select(members.person_id).where(members.id == room.members["ada"])).scalar_one()
        connection.execute(update(tables.members).values(person_id=person))
        connection.execute(tables.persons.delete().where(tables.persons.c.id != person))

        privacy.delete_member(connection, room.members["ada"])
        assert (count(connection, tables.members), count(connection, tables.persons)) == (1, 1)
        privacy.delete_member(connection, elsewhere.members["ada"])
        assert (count(connection, tables.members), count(connection, tables.persons)) == (0, 0)

    await store.transaction(work)


async def test_deleting_twice_does_nothing(room: Classroom) -> None:
    await room.join("ada")
    for _ in range(2):
        await room.store.transaction(privacy.delete_member, room.members["ada"])

    assert await room.store.query(count, tables.members) == 0
