"""A database that is locked, full or broken, many members at once, and data of other workspaces."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.engine import Store
from tests.chat import Chat, plain

pytestmark = pytest.mark.both_databases


async def test_a_locked_database_is_reported_and_nothing_is_lost(
    sqlite_template: Path, tmp_path: Path, library: Library
) -> None:
    path = tmp_path / "locked.db"
    shutil.copyfile(sqlite_template, path)
    store = await Store.open(f"sqlite:///{path}", busy_timeout_ms=50)
    chat = Chat(store, library)
    right, _ = await chat.practice("ada")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    said = " ".join((await chat.say("ada", right)).split())
    assert "The database is locked" in said
    assert said.count("Nothing was changed.") == 1
    assert str(tmp_path) not in said
    other.execute("ROLLBACK")
    other.close()

    assert "Right!" in await chat.say("ada", right)
    await store.close()


async def test_a_full_disk_is_reported_and_nothing_is_half_done(
    sqlite_template: Path, tmp_path: Path, library: Library
) -> None:
    path = tmp_path / "full.db"
    shutil.copyfile(sqlite_template, path)
    store = await Store.open(f"sqlite:///{path}")
    chat = Chat(store, library)
    await chat.say("ada", "help")
    await store.transaction(fill_up)

    said = ""
    for _ in range(200):
        said = await chat.say("ada", f"report lora {'x' * 900}")
        if "Nothing was changed." in said:
            break

    assert "full" in said
    assert "Nothing was changed." in said
    assert "Your streak: 0 days" in await chat.say("ada", "streak")
    await store.close()


def fill_up(connection: Connection) -> None:
    """Let the database grow no further: SQLite then says the same as on a full disk."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def test_answers_sent_at_the_same_time_count_once(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 easy")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, wrong = chat.lines(await chat.daily())
    await chat.say("ada", "help")

    async def press(number: int) -> None:
        request = Request(
            Location("terminal", "local", "terminal"), Actor("ada", "ada"), f"press-{number}", chat.clock(),
            line=wrong if number % 2 else right,
        )  # fmt: skip
        async for _ in chat.app.handle(request):
            pass

    await asyncio.gather(*(press(number) for number in range(10)))

    assert len(await chat.rows(select(tables.answers))) == 1
    assert {row["answers"] for row in await chat.rows(select(tables.totals.c.answers))} == {1}


async def test_fifty_members_can_answer_at_the_same_time(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 easy")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, _ = chat.lines(await chat.daily())

    async def press(number: int) -> None:
        request = Request(
            Location("terminal", "local", "terminal"), Actor(f"m{number}", f"m{number}"), f"p{number}", chat.clock(),
            line=right,
        )  # fmt: skip
        async for reply in chat.app.handle(request):
            assert "Right!" in plain(reply)

    await asyncio.gather(*(press(number) for number in range(50)))

    assert len(await chat.rows(select(tables.answers))) == 50
    assert [row["points"] for row in await chat.rows(select(tables.totals.c.points))] == [10] * 300


@pytest.mark.parametrize("line", ["answer {token} a", "write {token} because", "assess {token} had-it"])
async def test_another_workspace_cannot_reach_a_round(chat: Chat, line: str) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    token = (await chat.daily()).round_key
    elsewhere = Location("terminal", "other-workspace", "terminal")

    request = Request(elsewhere, Actor("eve", "eve"), "x1", chat.clock(), line=line.format(token=token))
    said = [plain(reply) async for reply in chat.app.handle(request)][-1]

    assert "question is no longer available" in said


async def test_another_workspace_sees_no_members_teams_or_standings(chat: Chat) -> None:
    await chat.say("ada", "team create Blue")
    elsewhere = Location("terminal", "other-workspace", "terminal")

    async def eve(line: str) -> str:
        request = Request(elsewhere, Actor("eve", "eve", manager=True), f"x-{line}", chat.clock(), line=line)
        return [plain(reply) async for reply in chat.app.handle(request)][-1]

    assert "There are no teams yet" in await eve("team list")
    assert "a member called “ada”" in await eve("streak ada")
    assert "a member called “ada”" in await eve("managers add ada")
    assert len(await chat.rows(select(tables.members))) == 2


async def test_an_unexpected_error_shows_a_reference_and_no_details(
    sqlite_template: Path, tmp_path: Path, library: Library
) -> None:
    path = tmp_path / "broken.db"
    shutil.copyfile(sqlite_template, path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE team")
    connection.close()
    store = await Store.open(f"sqlite:///{path}")

    said = await Chat(store, library).say("ada", "team list")

    assert "Something went wrong on our side" in said
    assert "team" not in said.replace("team list", "")
    await store.close()


async def test_members_who_create_the_same_team_at_once_get_one_team(chat: Chat) -> None:
    names = [f"m{number}" for number in range(6)]
    for who in names:
        await chat.say(who, "help")

    said = await asyncio.gather(*(start(chat, who) for who in names))

    assert sum("is set up" in reply for reply in said) == 1
    assert sum("There's already a team called Blue" in reply for reply in said) == 5


async def start(chat: Chat, who: str) -> str:
    place = Location("terminal", "local", "terminal")
    request = Request(place, Actor(who, who), f"start-{who}", chat.clock(), line="team create Blue")
    return [plain(reply) async for reply in chat.app.handle(request)][-1]


async def test_deleting_twice_confirms_twice(chat: Chat) -> None:
    await chat.say("ada", "help")

    async def press(number: int) -> str:
        place = Location("terminal", "local", "terminal")
        request = Request(place, Actor("ada", "ada"), f"d{number}", chat.clock(), line="privacy delete everything")
        return [plain(reply) async for reply in chat.app.handle(request)][-1]

    assert all("is deleted" in said for said in await asyncio.gather(*(press(number) for number in range(4))))
