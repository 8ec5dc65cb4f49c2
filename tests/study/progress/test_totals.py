"""Totals: whatever happens, they say what the answers say."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

import pytest
from sqlmodel import col, delete, select

from bot.store.engine import Store
from bot.store.models import EVERYWHERE, TotalKind
from bot.store.orm import Answer, Member, PointsBucket, Total
from bot.study.progress.totals import ALL_TIME, credit, forget, rebuild, set_listed
from tests.study.progress.classroom import START, Classroom

pytestmark = pytest.mark.both_databases

Key = tuple[int, int, str, TotalKind, int]
Value = tuple[int, int, int, bool, datetime]


@pytest.fixture
async def room(store: Store) -> Classroom:
    return await Classroom(store).open()


async def totals(store: Store) -> dict[Key, Value]:
    async with store.read() as session:
        rows = (await session.exec(select(Total))).all()
    return {
        (row.workspace_id, row.channel_id, row.period, row.kind, row.subject_id):
        (row.points, row.answers, row.active_members, row.listed, row.reached_at)
        for row in rows
    }  # fmt: skip


async def tiers(store: Store) -> dict[tuple[int, int, str, int], int]:
    """Without those that everybody has left."""
    async with store.read() as session:
        rows = (await session.exec(select(PointsBucket))).all()
    return {(row.workspace_id, row.channel_id, row.period, row.points): row.members for row in rows if row.members}


async def told_anew(room: Classroom) -> dict[Key, Value]:
    """The totals after telling them anew; tiers have to come out as they were."""
    before = await tiers(room.store)
    async with room.store.write() as session:
        await rebuild(session, room.workspace)
    assert await tiers(room.store) == before
    return await totals(room.store)


async def everywhere(room: Classroom, name: str) -> Value:
    return (await totals(room.store))[(room.workspace, EVERYWHERE, ALL_TIME, TotalKind.MEMBER, room.members[name])]


async def test_an_answer_counts_in_six_totals_of_its_member_and_six_of_the_team(room: Classroom) -> None:
    await room.join("ada")
    await room.join("bob", team="red")
    await room.answer("ada", 10)
    assert len(await totals(room.store)) == 6

    await room.answer("bob", 20)

    found = await totals(room.store)
    assert len(found) == 18
    assert {value[0] for key, value in found.items() if key[3] is TotalKind.TEAM} == {20}
    assert found == await told_anew(room)


@pytest.mark.parametrize("seed", range(3))
async def test_totals_say_what_the_answers_say(room: Classroom, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"m{number}" for number in range(6)]
    await room.join(*names)
    for _ in range(60):
        name = chance.choice(names)
        match chance.randrange(10):
            case 0:
                await room.join(name, team=chance.choice(["red", "blue", None]))
            case 1:
                async with room.store.write() as session:
                    await set_listed(session, await room.member(session, name, lock=True), chance.random() < 0.5)
            case 2:
                async with room.store.write() as session:
                    answers = select(Answer).where(Answer.member_id == room.members[name], col(Answer.scored))
                    given = (await session.exec(answers.limit(1))).first()
                    if given is not None:
                        given.points += 5
                        member = await room.member(session, name, lock=True)
                        await credit(session, given, member, points=5, again=True)
            case _:
                await room.answer(
                    name,
                    chance.choice([0, 0, 10, 20, 30]),
                    minutes=chance.randrange(60 * 24 * 30),
                    channel=chance.choice("ab"),
                    counted=chance.random() < 0.8,
                )
    kept = await totals(room.store)

    assert kept
    assert kept == await told_anew(room)


async def test_answers_arriving_at_once_are_all_counted(room: Classroom) -> None:
    names = [f"m{number}" for number in range(10)]
    await room.join(*names, team="red")

    await asyncio.gather(*(room.answer(name, 10, minutes=number, channel="ab"[number % 2])
                           for number in range(5) for name in names))  # fmt: skip

    kept = await totals(room.store)
    red = kept[(room.workspace, EVERYWHERE, ALL_TIME, TotalKind.TEAM, room.teams["red"])]
    assert red[:3] == (500, 50, 10)
    assert kept == await told_anew(room)


async def test_what_is_reached_does_not_depend_on_the_order_of_arrival(room: Classroom) -> None:
    await room.join("ada", "bob")
    for minutes in (5, 1, 3):
        await room.answer("ada", 0, minutes=minutes)
    assert (await everywhere(room, "ada"))[4] == START.replace(minute=1)

    for minutes in (7, 4):
        await room.answer("ada", 10, minutes=minutes)
    await room.answer("ada", 0, minutes=9)

    assert (await everywhere(room, "ada"))[4] == START.replace(minute=7)


async def test_more_points_for_the_same_answer_are_no_second_answer(room: Classroom) -> None:
    await room.join("ada", team="red")
    id = await room.answer("ada", 5)
    async with room.store.write() as session:
        given = await session.get_one(Answer, id)
        given.points = 10
        await credit(session, given, await room.member(session, "ada", lock=True), points=5, again=True)

    assert (await everywhere(room, "ada"))[:2] == (10, 1)
    assert await totals(room.store) == await told_anew(room)


async def test_a_member_who_leaves_takes_their_points_out_of_every_total(room: Classroom) -> None:
    await room.join("ada", "bob", team="red")
    await room.answer("ada", 10, minutes=2)
    await room.answer("bob", 20, minutes=1)
    await room.join("ada", team="blue")
    await room.answer("ada", 30, minutes=3, channel="b")
    bob = (TotalKind.MEMBER, room.members["bob"])
    before = {key: value for key, value in (await totals(room.store)).items() if key[3:] == bob}

    async with room.store.write() as session:
        member = await room.member(session, "ada", lock=True)
        await forget(session, member)
        await session.exec(delete(Answer).where(col(Answer.member_id) == member.id))
        await session.exec(delete(Member).where(col(Member.id) == member.id))

    kept = await totals(room.store)
    assert {key[3:] for key in kept} == {bob, (TotalKind.TEAM, room.teams["red"])}
    assert before.items() <= kept.items()
    assert kept == await told_anew(room)


async def test_telling_anew_leaves_other_workspaces_alone(room: Classroom, store: Store) -> None:
    elsewhere = await Classroom(store, "elsewhere").open()
    await elsewhere.join("bob")
    await elsewhere.answer("bob", 30)
    before = await totals(store)

    assert await told_anew(room) == before
