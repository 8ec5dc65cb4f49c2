"""Migrations: from nothing to the newest tables, and never backwards by accident."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, select, text

from bot.errors import DatabaseError
from bot.platforms.terminal.outbox import restore
from bot.replies import (
    Button,
    Buttons,
    Calendar,
    DayMark,
    Explanation,
    Mastery,
    Menu,
    MenuOption,
    Notice,
    Option,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    TopicMastery,
)
from bot.store import postgresql, sqlite, tables
from bot.store.engine import Store
from bot.store.models import Workspace
from bot.store.revision import alembic_config, revisions
from bot.store.upgrade import check, upgrade
from bot.store.upsert import insert
from bot.store.urls import parse_url

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


async def run(url: str, *statements: str) -> None:
    def execute(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    store = await Store.open(url)
    await store.transaction(execute)
    await store.close()


def test_an_empty_database_gets_every_table(empty_database_url: str) -> None:
    steps: list[str] = []

    upgrade(empty_database_url, steps.append)

    found = check(empty_database_url)
    assert found.clean
    assert found.differences == ()
    assert check(empty_database_url).revision == revisions()[0]
    assert len(steps) == len(revisions())


def test_upgrading_twice_does_nothing(database_url: str) -> None:
    steps: list[str] = []

    upgrade(database_url, steps.append)

    assert steps == []


def test_rows_survive_an_upgrade(database_url: str) -> None:
    workspace = Workspace(platform="terminal", external_id="here", name="here", created_at=NOW)

    async def write() -> None:
        store = await Store.open(database_url)
        await store.transaction(lambda c: c.execute(insert(c, tables.workspaces).values(workspace.columns())))
        await store.close()

    async def read() -> str:
        store = await Store.open(database_url)
        name: str = await store.query(lambda c: c.execute(select(tables.workspaces.c.name)).scalar_one())
        await store.close()
        return name

    asyncio.run(write())
    upgrade(database_url)
    assert asyncio.run(read()) == "here"


def test_two_replicas_may_upgrade_at_once(empty_database_url: str) -> None:
    async def both() -> None:
        await asyncio.gather(*(asyncio.to_thread(upgrade, empty_database_url) for _ in range(2)))

    asyncio.run(both())
    assert check(empty_database_url).clean


def test_check_names_a_table_that_has_drifted(database_url: str) -> None:
    asyncio.run(
        run(
            database_url, "ALTER TABLE terminal_post ADD COLUMN colour VARCHAR", "DROP INDEX ix_viewed_answer_member_id"
        )
    )

    differences = " ".join(check(database_url).differences)

    assert "colour" in differences
    assert "ix_viewed_answer_member_id" in differences


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    asyncio.run(run(database_url, "UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(DatabaseError, match=r"newer than this program.*9999.*nothing was changed"):
        upgrade(database_url)

    assert check(database_url).revision == "9999"


async def test_ready_accepts_the_newest_tables(store: Store) -> None:
    await store.ready()


async def test_ready_refuses_a_newer_database(store: Store, database_url: str) -> None:
    await run(database_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseError, match=r"Install the newer Studyhall"):
        await store.ready()


async def test_ready_names_the_command_for_a_database_without_tables(store: Store, database_url: str) -> None:
    await run(database_url, "DROP TABLE alembic_version")

    with pytest.raises(DatabaseError, match=r"no tables yet\. Run `studyhall db upgrade`"):
        await store.ready()


def test_the_folder_of_a_new_database_is_created(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/deep/down/study.db")

    assert (tmp_path / "deep/down/study.db").is_file()


def test_a_database_file_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DatabaseError, match=r"create .*file/deep"):
        upgrade(f"sqlite:///{tmp_path}/file/deep/study.db")


def test_a_missing_database_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no database at"):
        check(f"sqlite:///{tmp_path}/study.db")

    assert not (tmp_path / "study.db").exists()


def test_an_upgrade_that_would_orphan_rows_is_undone(empty_database_url: str) -> None:
    if not empty_database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL never lets a migration leave orphans")
    connection = sqlite3.connect(empty_database_url.removeprefix("sqlite:///"))
    connection.execute("CREATE TABLE note (person_id INTEGER REFERENCES person (id))")
    connection.execute("INSERT INTO note VALUES (4711)")
    connection.commit()
    connection.close()

    with pytest.raises(DatabaseError, match="would leave 1 rows"):
        upgrade(empty_database_url)

    assert check(empty_database_url).revision is None


POST_AT_0005 = [
    ["Notice", {"body": "Soon", "tone": "info", "when": {"@moment": "2026-11-16T09:30:00+00:00"}}],
    [
        "QuestionCard",
        {
            "heading": "Question of the day",
            "question": "Why “β”?",
            "topic": "vae",
            "difficulty": "easy",
            "options": [{"letter": "a", "text": "why", "action": {"label": "A", "line": "answer x a"}}],
            "write": {"label": "In my own words", "line": "answer x", "style": "primary"},
            "note": "",
            "closes": None,
        },
    ],
    ["Explanation", {"text": "t", "source": "bank", "citations": [], "why": "offline", "done": True}],
    [
        "Standings",
        {
            "title": "This week",
            "rows": [{"place": 1, "name": "ada", "points": "9", "detail": "", "mine": False}],
            "mine": {"place": 12, "name": "bob", "points": "1", "detail": "", "mine": True},
            "footnote": "",
            "drawn": True,
        },
    ],
    [
        "Calendar",
        {
            "title": "Your streak",
            "current": 1,
            "longest": 2,
            "freezes": 0,
            "days": [[{"@day": "2026-11-16"}, "studied"]],
            "drawn": False,
        },
    ],
    [
        "Mastery",
        {"title": "Topics", "topics": [{"topic": "vae", "questions": 3, "tried": 2, "share": 0.5}], "drawn": True},
    ],
    ["Choices", {"actions": [{"label": "Next", "line": "question", "style": "plain"}], "prompt": "And now?"}],
    [
        "Menu",
        {
            "prompt": "Days",
            "line": "schedule change s1",
            "parameter": "days",
            "entries": [{"label": "Monday", "value": "mon", "chosen": True}],
            "many": True,
            "of": "entries",
        },
    ],
]


def test_posts_nobody_has_seen_can_still_be_shown_after_an_upgrade(empty_database_url: str) -> None:
    upgrade_to(empty_database_url, "0005")
    bodies = {"readable": json.dumps(POST_AT_0005, ensure_ascii=False), "unreadable": "{", "odd": '["Choices", 5]'}
    asyncio.run(
        run(
            empty_database_url,
            *(
                f"INSERT INTO post (key, channel, body, posted_at) VALUES ('{key}', 'terminal', '{body}', '{NOW}')"
                for key, body in bodies.items()
            ),
        )
    )

    upgrade(empty_database_url)

    upgraded = asyncio.run(post_bodies(empty_database_url))
    assert restore(upgraded.pop("readable")) == Reply.of(
        Notice("Soon", when=NOW),
        QuestionCard(
            "Question of the day",
            "Why “β”?",
            "vae",
            "easy",
            options=(Option("a", "why", Button("A", "answer x a")),),
            write=Button("In my own words", "answer x", "primary"),
        ),
        Explanation("t", "bank", reason="offline"),
        Standings("This week", (Rank(1, "ada", "9"),), mine=Rank(12, "bob", "1", mine=True), as_picture=True),
        Calendar("Your streak", 1, 2, 0, ((date(2026, 11, 16), DayMark.STUDIED),)),
        Mastery("Topics", (TopicMastery("vae", 3, 2, 0.5),), as_picture=True),
        Buttons((Button("Next", "question"),), "And now?"),
        Menu("Days", "schedule change s1", "days", (MenuOption("Monday", "mon", chosen=True),), multiple=True),
    )
    assert upgraded == {"unreadable": "{", "odd": '["Choices", 5]'}


def upgrade_to(url: str, revision: str) -> None:
    def run_migrations(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    migrate = sqlite.migrate if url.startswith("sqlite") else postgresql.migrate
    migrate(parse_url(url), run_migrations)


async def post_bodies(url: str) -> dict[str, str]:
    store = await Store.open(url)
    posts = tables.terminal_posts.c
    rows = await store.query(lambda connection: connection.execute(select(posts.post_key, posts.body)).all())
    await store.close()
    return {str(key): str(body) for key, body in rows}


def test_a_table_that_a_migration_builds_anew_remembers_its_last_id(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("CREATE TABLE post (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        connection.executemany("INSERT INTO post VALUES (?)", [(1,), (7,)])
        connection.execute("DELETE FROM post WHERE id = 7")
        given = sqlite.last_ids(connection)
        connection.execute("CREATE TABLE new (id INTEGER PRIMARY KEY AUTOINCREMENT)")
        connection.execute("INSERT INTO new SELECT * FROM post")
        connection.execute("DROP TABLE post")
        connection.execute("ALTER TABLE new RENAME TO post")
        assert sqlite.last_ids(connection) == {"post": 1}

        sqlite.reserve_ids(connection, given)

        assert connection.execute("INSERT INTO post DEFAULT VALUES RETURNING id").fetchone() == (8,)
    connection.close()
