"""Totals: whatever happens, they match the answers."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

import pytest
from sqlalchemy import Connection, delete, select, update

from bot.store import tables
from bot.store.engine import Store
from bot.store.models import EVERYWHERE, PointsBucket, Total, TotalKind
from bot.study.members.queries import lock_member
from bot.study.progress.totals import ALL_TIME, forget, rebuild, rebuild_all
from tests.study.progress.classroom import START, Classroom

pytestmark = pytest.mark.both_databases

Key = tuple[int, int, str, TotalKind, int]
Value = tuple[int, int, int, bool, datetime]


@pytest.fixture
async def room(store: Store) -> Classroom:
    return await Classroom(store).open()


async def totals(store: Store) -> dict[Key, Value]:
    return {
        (row.workspace_id, row.channel_id, row.period, row.kind, row.subject_id):
        (row.points, row.answers, row.active_members, row.listed, row.reached_at)
        for row in await store.query(_all_totals)
    }  # fmt: skip


def _all_totals(connection: Connection) -> list[Total]:
    return Total.all(connection.execute(select(tables.totals)).mappings())


async def buckets(store: Store) -> dict[tuple[int, int, str, int], int]:
    """Without those that everybody has left."""
    rows = await store.query(_all_buckets)
    return {(row.workspace_id, row.channel_id, row.period, row.points): row.members for row in rows if row.members}


def _all_buckets(connection: Connection) -> list[PointsBucket]:
    return PointsBucket.all(connection.execute(select(tables.points_buckets)).mappings())


async def rebuilt(room: Classroom) -> dict[Key, Value]:
    """Return the totals after rebuilding them; points buckets must come out unchanged."""
    before = await buckets(room.store)
    await room.store.transaction(rebuild, room.workspace)
    assert await buckets(room.store) == before
    return await totals(room.store)


async def everywhere(room: Classroom, name: str) -> Value:
    return (await totals(room.store))[(room.workspace, EVERYWHERE, ALL_TIME, TotalKind.MEMBER, room.members[name])]


async def test_an_answer_adds_to_six_totals_of_its_member_and_six_of_their_team(room: Classroom) -> None:
    await room.join("ada")
    await room.join("bob", team="red")
    await room.answer("ada", 10)
    assert len(await totals(room.store)) == 6

    await room.answer("bob", 20)

    found = await totals(room.store)
    assert len(found) == 18
    assert {value[0] for key, value in found.items() if key[3] is TotalKind.TEAM} == {20}
    assert found == await rebuilt(room)


def _a_scored_answer(connection: Connection, member_id: int) -> int | None:
    answers = tables.answers.c
    scored = select(answers.id).where(answers.member_id == member_id, answers.scored).limit(1)
    found: int | None = connection.execute(scored).scalar()
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_totals_match_the_answers(room: Classroom, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"m{number}" for number in range(6)]
    await room.join(*names)
    for _ in range(60):
        name = chance.choice(names)
        match chance.randrange(10):
            case 0:
                await room.join(name, team=chance.choice(["red", "blue", None]))
            case 1:
                await room.show(name, listed=chance.random() < 0.5)
            case 2:
                answer_id = await room.store.query(_a_scored_answer, room.members[name])
                if answer_id is not None:
                    await room.raise_points(answer_id, 5)
            case _:
                await room.answer(
                    name,
                    chance.choice([0, 0, 10, 20, 30]),
                    minutes=chance.randrange(60 * 24 * 30),
                    channel=chance.choice("ab"),
                    scored=chance.random() < 0.8,
                )
    kept = await totals(room.store)

    assert kept
    assert kept == await rebuilt(room)


async def test_answers_that_arrive_at_once_are_all_counted(room: Classroom) -> None:
    names = [f"m{number}" for number in range(10)]
    await room.join(*names, team="red")

    await asyncio.gather(*(room.answer(name, 10, minutes=number, channel="ab"[number % 2])
                           for number in range(5) for name in names))  # fmt: skip

    kept = await totals(room.store)
    red = kept[(room.workspace, EVERYWHERE, ALL_TIME, TotalKind.TEAM, room.teams["red"])]
    assert red[:3] == (500, 50, 10)
    assert kept == await rebuilt(room)


async def test_when_a_total_was_reached_does_not_depend_on_the_order_of_arrival(room: Classroom) -> None:
    await room.join("ada", "bob")
    for minutes in (5, 1, 3):
        await room.answer("ada", 0, minutes=minutes)
    assert (await everywhere(room, "ada"))[4] == START.replace(minute=1)

    for minutes in (7, 4):
        await room.answer("ada", 10, minutes=minutes)
    await room.answer("ada", 0, minutes=9)

    assert (await everywhere(room, "ada"))[4] == START.replace(minute=7)


async def test_more_points_for_an_answer_do_not_count_as_another_answer(room: Classroom) -> None:
    await room.join("ada", team="red")
    await room.raise_points(await room.answer("ada", 5), 5)

    assert (await everywhere(room, "ada"))[:2] == (10, 1)
    assert await totals(room.store) == await rebuilt(room)


async def test_a_member_who_leaves_is_removed_from_every_total(room: Classroom) -> None:
    await room.join("ada", "bob", team="red")
    await room.answer("ada", 10, minutes=2)
    await room.answer("bob", 20, minutes=1)
    await room.join("ada", team="blue")
    await room.answer("ada", 30, minutes=3, channel="b")
    bob = (TotalKind.MEMBER, room.members["bob"])
    before = {key: value for key, value in (await totals(room.store)).items() if key[3:] == bob}

    await room.store.transaction(_leave, room.members["ada"])

    kept = await totals(room.store)
    assert {key[3:] for key in kept} == {bob, (TotalKind.TEAM, room.teams["red"])}
    assert before.items() <= kept.items()
    assert kept == await rebuilt(room)


def _leave(connection: Connection, member_id: int) -> None:
    forget(connection, lock_member(connection, member_id))
    connection.execute(delete(tables.answers).where(tables.answers.c.member_id == member_id))
    connection.execute(delete(tables.members).where(tables.members.c.id == member_id))


async def test_rebuilding_leaves_other_workspaces_alone(room: Classroom, store: Store) -> None:
    elsewhere = await Classroom(store, "elsewhere").open()
    await elsewhere.join("bob")
    await elsewhere.answer("bob", 30)
    before = await totals(store)

    assert await rebuilt(room) == before


async def test_rebuilding_repairs_totals_in_every_workspace(room: Classroom, store: Store) -> None:
    elsewhere = await Classroom(store, "elsewhere").open()
    for classroom in (room, elsewhere):
        await classroom.join("ada", "bob", team="red")
        await classroom.answer("ada", 10)
        await classroom.answer("bob", 20, minutes=1)
    before = await totals(store), await buckets(store)
    await store.transaction(_corrupt)
    assert (await totals(store), await buckets(store)) != before

    assert await rebuild_all(store) == 2

    assert (await totals(store), await buckets(store)) == before


def _corrupt(connection: Connection) -> None:
    connection.execute(delete(tables.totals).where(tables.totals.c.period == ALL_TIME))
    connection.execute(update(tables.totals).values(points=tables.totals.c.points + 1))
    connection.execute(update(tables.points_buckets).values(members=7))
