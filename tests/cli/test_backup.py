"""`studyhall backup`, `restore` and `db copy`: what they do and say, and that they show no password."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commandline import studyhall
from tests.databases import PostgresqlDatabases
from tests.processes import Program, conversation


@pytest.fixture
def studied(home: dict[str, str]) -> dict[str, str]:
    """Make an environment in which ada has answered a question."""
    done = studyhall(home, "run", "terminal", stdin="@ada: question gan\n@ada: a\n")
    assert "Streak: 1 day" in done.stdout
    return home


def streak(environment: dict[str, str]) -> str:
    return studyhall(environment, "run", "terminal", stdin="@ada: streak\n").stdout


def test_a_streak_comes_back_from_a_backup(studied: dict[str, str], tmp_path: Path) -> None:
    path = str(tmp_path / "study.backup")
    made = studyhall(studied, "backup", path)
    other = {**studied, "STUDYHALL_DATA": str(tmp_path / "other")}
    restored = studyhall(other, "restore", path)

    assert (made.returncode, restored.returncode) == (0, 0), made.stderr + restored.stderr
    assert f"✓ Backed up 1 workspace, 1 member and 1 answer to {path}. It has your members' answers" in made.stderr
    assert f"✓ Restored 1 workspace, 1 member and 1 answer from {path}, made on 20" in restored.stderr
    assert "Your streak: 1 day" in streak(other)


def test_a_problem_is_one_sentence(studied: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "study.backup"
    studyhall(studied, "backup", str(path))
    again, onto = studyhall(studied, "backup", str(path)), studyhall(studied, "restore", str(path))
    path.write_bytes(path.read_bytes()[:9000])
    short = studyhall(studied, "restore", str(path), "--force")

    for done, words in ((again, "already exists"), (onto, "has data"), (short, "is incomplete")):
        assert done.returncode == 2
        last = done.stderr.splitlines()[-1]
        assert last.startswith("studyhall: ")
        assert words in last
    assert studyhall(studied, "backup", str(path), "--force").returncode == 0


def test_nothing_is_restored_while_the_bot_runs(
    program: type[Program], studied: dict[str, str], tmp_path: Path
) -> None:
    path = str(tmp_path / "study.backup")
    with conversation(program, studied, "run", "terminal") as (running, to, answers):
        to.write("@ada: streak\n")
        assert any("Your streak: 1 day" in line for line in answers)
        made = studyhall(studied, "backup", path)
        refused = studyhall(studied, "restore", path, "--force")
        to.write("exit\n")
        assert running.wait() == 0

    assert made.returncode == 0, made.stderr
    assert refused.returncode == 2
    assert "is in use: Studyhall is running. Stop it, and try again." in refused.stderr
    assert studyhall(studied, "restore", path, "--force").returncode == 0


def test_a_sqlite_database_moves_to_postgresql(studied: dict[str, str], postgresql: PostgresqlDatabases) -> None:
    url = postgresql.empty()
    done = studyhall({**studied, "TARGET_DATABASE_URL": url}, "db", "copy")
    again = studyhall(studied, "db", "copy", url)

    assert done.returncode == 0, done.stderr
    assert "✓ Copied 1 workspace, 1 member and 1 answer to " in done.stderr
    assert again.returncode == 2
    assert "has data" in again.stderr
    assert "Your streak: 1 day" in streak({**studied, "DATABASE_URL": url})


def test_a_copy_needs_a_target_and_shows_no_password(studied: dict[str, str]) -> None:
    nowhere = studyhall(studied, "db", "copy")
    unreachable = studyhall(
        {**studied, "TARGET_DATABASE_URL": "postgresql://ada:s3cret@127.0.0.1:1/study"}, "db", "copy"
    )
    wrong = studyhall({**studied, "TARGET_DATABASE_URL": "mysql://ada:s3cret@127.0.0.1/study"}, "db", "copy")

    assert nowhere.returncode == unreachable.returncode == wrong.returncode == 2
    assert "set TARGET_DATABASE_URL" in nowhere.stderr
    assert "The database at 127.0.0.1:1/study doesn't answer" in unreachable.stderr
    assert "TARGET_DATABASE_URL: The database URL names a kind of database I don't know" in wrong.stderr
    assert "s3cret" not in unreachable.stderr + wrong.stderr


def test_a_backup_in_the_databases_place_works_like_a_database(studied: dict[str, str]) -> None:
    """It's how a backup is restored without this program."""
    file = Path(studied["STUDYHALL_DATA"]) / "studyhall.db"
    studyhall(studied, "backup", f"{file}.backup")
    Path(f"{file}.backup").rename(file)

    assert "matches this program" in studyhall(studied, "db", "check").stdout
    assert "Your streak: 1 day" in streak(studied)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
