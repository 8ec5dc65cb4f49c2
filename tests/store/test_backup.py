"""Backups: complete, of one moment, the same on both databases, and restored entirely or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, func, insert, select, text

from bot.errors import DatabaseError
from bot.store import backup_file, files, tables
from bot.store.backup import backup
from bot.store.engine import Store
from bot.store.restore import copy_database, restore
from bot.store.revision import alembic_config, revisions
from bot.store.upgrade import check
from tests.clocks import HANG
from tests.databases import Databases, SqliteDatabases
from tests.store.filling import ROWS, contents, fill, row, run

pytestmark = pytest.mark.both_databases


@pytest.fixture
def filled_url(database_url: str) -> str:
    fill(database_url)
    return database_url


@pytest.fixture(params=["other kind", pytest.param("same kind", marks=pytest.mark.soak)])
def targets(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Databases:
    """Make databases to restore into, of the other kind than `databases`; in `make soak` of the same kind, too.

    Without it, what's restored into the same kind is only what the tests below restore with `force`.
    """
    if isinstance(databases, SqliteDatabases) is (request.param == "other kind"):
        made: Databases = request.getfixturevalue("postgresql")
        return made
    folder = tmp_path / "targets"
    folder.mkdir()
    return SqliteDatabases(request.getfixturevalue("sqlite_template"), folder)


@pytest.fixture(scope="session")
def whole_backup(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a backup with rows in every table."""
    folder = tmp_path_factory.mktemp("backup")
    url = SqliteDatabases(sqlite_template, folder).with_tables()
    fill(url)
    backup(url, folder / "study.backup")
    return folder / "study.backup"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    folder = tmp_path / "sqlite"
    folder.mkdir()
    return SqliteDatabases(sqlite_template, folder).with_tables()


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def add_person(connection: Connection) -> int:
    added = insert(tables.persons).values(created_at=datetime(2026, 11, 16, tzinfo=UTC)).returning(tables.persons.c.id)
    return int(connection.execute(added).scalar_one())


def persons(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(tables.persons)).scalar_one())


def test_everything_comes_back_from_each_database_into_each(
    filled_url: str, targets: Databases, tmp_path: Path
) -> None:
    counts = backup(filled_url, tmp_path / "study.backup")
    target = targets.empty()
    found = restore(tmp_path / "study.backup", target)

    assert all(counts[name] == found.counts[name] == ROWS for name in tables._TABLES)
    assert contents(target) == contents(filled_url)
    assert check(target).clean


def add_person_and_delivery(connection: Connection) -> tuple[int, int]:
    """Return their ids."""
    workspace = connection.execute(select(tables.workspaces)).mappings().first()
    assert workspace is not None
    values = row(tables.deliveries, 2, {"workspace": workspace}) | {"day": None}
    added = insert(tables.deliveries).values(values).returning(tables.deliveries.c.id)
    return add_person(connection), int(connection.execute(added).scalar_one())


def test_new_ids_follow_all_that_were_ever_given(filled_url: str, targets: Databases, tmp_path: Path) -> None:
    """The last delivery was deleted, and its id is part of keys on platforms."""
    backup(filled_url, tmp_path / "study.backup")
    target = targets.with_tables()
    restore(tmp_path / "study.backup", target)

    assert run(target, add_person_and_delivery) == (ROWS + 1, ROWS + 2)


def test_ids_given_since_a_backup_are_not_given_again(filled_url: str, tmp_path: Path) -> None:
    backup(filled_url, tmp_path / "study.backup")
    _, given = run(filled_url, add_person_and_delivery)
    restore(tmp_path / "study.backup", filled_url, force=True)

    _, following = run(filled_url, add_person_and_delivery)
    assert following == given + 1


def test_a_database_is_copied_to_another(filled_url: str, targets: Databases) -> None:
    target = targets.empty()
    reports: list[tuple[int, int]] = []
    copy_database(filled_url, target, progress=lambda done, total: reports.append((done, total)))

    assert contents(target) == contents(filled_url)
    assert reports[0][0] == 0
    assert reports[-1][0] == reports[-1][1] > 0


def test_a_database_is_not_copied_onto_itself(filled_url: str) -> None:
    before = contents(filled_url)
    with pytest.raises(DatabaseError, match="same database"):
        copy_database(filled_url, filled_url, force=True)

    assert contents(filled_url) == before


def test_data_is_only_replaced_with_force(database_url: str, whole_backup: Path) -> None:
    run(database_url, add_person)
    with pytest.raises(DatabaseError, match=r"has data.*0 workspaces, 0 members and 0 answers.*--force"):
        restore(whole_backup, database_url)
    assert run(database_url, persons) == 1

    restore(whole_backup, database_url, force=True)

    assert run(database_url, persons) == ROWS


async def test_a_database_that_a_program_uses_is_not_replaced(
    store: Store, database_url: str, whole_backup: Path
) -> None:
    await store.transaction(add_person)
    for force in (False, True):
        with pytest.raises(DatabaseError, match=r"in use: Studyhall is running\. Stop it"):
            await asyncio.to_thread(restore, whole_backup, database_url, force=force)

    await store.transaction(add_person)
    assert await store.query(persons) == 2


def test_an_older_backup_is_upgraded(empty_database_url: str, targets: Databases, tmp_path: Path) -> None:
    def upgrade_to_first(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revisions()[1])
        connection.execute(text("INSERT INTO person (created_at) VALUES ('2026-11-16 09:30:00')"))

    run(empty_database_url, upgrade_to_first)
    backup(empty_database_url, tmp_path / "study.backup")
    target = targets.empty()
    found = restore(tmp_path / "study.backup", target)

    assert found.revision == revisions()[1]
    assert check(target).clean
    assert run(target, persons) == 1


def test_a_newer_database_is_not_backed_up(database_url: str, tmp_path: Path) -> None:
    run(database_url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(DatabaseError, match="newer than this program"):
        backup(database_url, tmp_path / "study.backup")

    assert not (tmp_path / "study.backup").exists()


def test_a_database_without_tables_is_not_backed_up(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"no tables yet|no database at"):
        backup(empty_database_url, tmp_path / "study.backup")


def test_a_backup_is_of_one_moment_while_another_process_writes(filled_url: str, tmp_path: Path) -> None:
    command_line = [sys.executable, "-m", "tests.store.writer", filled_url]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        seen = []
        for number in range(2):
            writer.stdout.readline()
            path = tmp_path / f"{number}.backup"
            backup(filled_url, path)
            with backup_file.opened(path) as connection:
                answers = connection.execute("SELECT count(*) FROM answer").fetchone()[0]
                counted = connection.execute("SELECT sum(answers) FROM total WHERE period = 'all'").fetchone()[0]
            seen.append((answers - ROWS, counted))
        assert writer.poll() is None
        writer.kill()

    assert all(answers == counted for answers, counted in seen)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_only_this_user_can_read_a_backup(filled_url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "study.backup"
    backup(filled_url, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_a_file_is_only_overwritten_with_force(filled_url: str, tmp_path: Path) -> None:
    path = tmp_path / "study.backup"
    path.write_text("precious")
    with pytest.raises(DatabaseError, match=r"already exists.*--force"):
        backup(filled_url, path)
    assert path.read_text() == "precious"

    backup(filled_url, path, force=True)

    assert backup_file.check(path).counts["answer"] == ROWS


def test_a_backup_goes_neither_over_the_database_nor_over_a_folder_or_link(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for target, problem in ((path_of(sqlite_url), "itself"), (tmp_path, "a folder"), (tmp_path / "link", "a link")):
        with pytest.raises(DatabaseError, match=problem):
            backup(sqlite_url, target, force=True)
    with pytest.raises(DatabaseError, match="the database itself"):
        restore(path_of(sqlite_url), sqlite_url, force=True)

    assert check(sqlite_url).clean


def test_a_disk_that_takes_no_more_is_said_to_be_the_backups(sqlite_url: str, tmp_path: Path) -> None:
    program = (
        "import pathlib, resource, sys\n"
        "from bot.store.backup import backup\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "backup(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
    )
    line = [sys.executable, "-c", program, sqlite_url, str(tmp_path / "study.backup")]
    failed = subprocess.run(line, capture_output=True, text=True, timeout=HANG, check=False)

    assert f"DatabaseError: Can't create {tmp_path / 'study.backup'}: Input/output error." in failed.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_what_was_deleted_is_not_in_a_backup(sqlite_url: str, tmp_path: Path) -> None:
    def add(connection: Connection) -> None:
        connection.execute(insert(tables.workspaces).values(row(tables.workspaces, 1, {}) | {"name": "forget-me" * 9}))

    run(sqlite_url, add)
    with closing(sqlite3.connect(path_of(sqlite_url), isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")  # which is SQLite's default, but not everybody's who builds it
        connection.execute("DELETE FROM workspace")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup(sqlite_url, tmp_path / "study.backup")

    assert b"forget-me" in path_of(sqlite_url).read_bytes()
    assert b"forget-me" not in (tmp_path / "study.backup").read_bytes()


def test_a_backup_cut_short_anywhere_is_refused(whole_backup: Path, sqlite_url: str, tmp_path: Path) -> None:
    whole = whole_backup.read_bytes()
    short = tmp_path / "short.backup"
    for size in [0, 1, 15, 16, 99, 100, 4096, *range(5000, len(whole), len(whole) // 20), len(whole) - 1]:
        short.write_bytes(whole[:size])
        with pytest.raises(DatabaseError, match=r"is empty|is incomplete|isn't a backup"):
            restore(short, sqlite_url)

    assert run(sqlite_url, persons) == 0


def test_a_backup_changed_anywhere_is_refused(whole_backup: Path, sqlite_url: str, tmp_path: Path) -> None:
    """One letter of a member's text too, which SQLite itself doesn't notice."""
    whole = whole_backup.read_bytes()
    assert whole.count(b"request_text 1") == 1
    letter = whole.index(b"request_text 1")
    changed = tmp_path / "changed.backup"
    for at in (letter, whole.index(b'{"format"') + 20, whole.index(b"CREATE TABLE answer"), 4096 * 3):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DatabaseError, match=r"is damaged|not a backup"):
            restore(changed, sqlite_url)

    assert run(sqlite_url, persons) == 0


def test_other_files_are_refused_in_a_sentence(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("just some notes " * 100)
    (tmp_path / "study.dump").write_bytes(b"PGDMP\x01\x0e\x00")
    (tmp_path / "study.sql").write_text("--\n-- PostgreSQL database dump\n--\n")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE bookmark (url TEXT)")
    for name, problem in (
        ("notes.txt", "isn't a backup of Studyhall"),
        ("study.dump", "pg_restore"),
        ("study.sql", "psql"),
        ("other.db", "not a backup of Studyhall"),
        ("missing", "There's no file"),
        (".", "is a folder"),
    ):
        with pytest.raises(DatabaseError, match=problem):
            restore(tmp_path / name, sqlite_url)


def test_a_backup_of_a_newer_program_is_refused(whole_backup: Path, sqlite_url: str, tmp_path: Path) -> None:
    for statement in (
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE studyhall_backup SET manifest = json_set(manifest, '$.format', 2)",
    ):
        newer = tmp_path / "newer.backup"
        shutil.copyfile(whole_backup, newer)
        with closing(sqlite3.connect(newer)) as connection, connection:
            connection.execute(statement)
        with pytest.raises(DatabaseError, match="newer"):
            restore(newer, sqlite_url)


def test_a_copy_that_sqlite_made_is_restored_too(sqlite_url: str, empty_database_url: str, tmp_path: Path) -> None:
    """As the docs of 0.1.0 said to make one."""
    run(sqlite_url, add_person)
    with closing(sqlite3.connect(path_of(sqlite_url))) as one, closing(sqlite3.connect(tmp_path / "copy.db")) as two:
        one.backup(two)
    found = restore(tmp_path / "copy.db", empty_database_url)

    assert found.made_at is None
    assert run(empty_database_url, persons) == 1


async def test_a_copy_without_its_write_ahead_log_is_refused(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path
) -> None:
    await sqlite_store.transaction(add_person)
    shutil.copyfile(sqlite_store.name, tmp_path / "copy.db")
    shutil.copyfile(f"{sqlite_store.name}-wal", tmp_path / "copy.db-wal")

    with pytest.raises(DatabaseError, match=r"lacks what's in copy\.db-wal"):
        restore(tmp_path / "copy.db", sqlite_url)


async def crashed(store: Store, file: Path) -> None:
    """Leave a database with a write-ahead log at `file`, as after a crash."""
    await store.transaction(add_person)
    shutil.copyfile(store.name, file)
    shutil.copyfile(f"{store.name}-wal", f"{file}-wal")


async def test_the_log_of_the_old_database_is_not_applied_to_the_restored_one(
    sqlite_store: Store, whole_backup: Path, tmp_path: Path
) -> None:
    file = tmp_path / "study.db"
    await crashed(sqlite_store, file)
    with pytest.raises(DatabaseError, match="has data"):  # what's only in the log counts
        restore(whole_backup, f"sqlite:///{file}")
    await crashed(sqlite_store, file)
    restore(whole_backup, f"sqlite:///{file}", force=True)

    assert not any(companion.exists() for companion in files.companions(file))
    assert run(f"sqlite:///{file}", persons) == ROWS


async def test_a_backup_put_next_to_an_old_log_by_hand_is_noticed(
    sqlite_store: Store, whole_backup: Path, tmp_path: Path
) -> None:
    file = tmp_path / "study.db"
    await crashed(sqlite_store, file)
    shutil.copyfile(whole_backup, file)
    with pytest.raises(DatabaseError, match=r"was replaced.*study\.db-wal belongs to the database before it"):
        await Store.open(f"sqlite:///{file}")
    with pytest.raises(DatabaseError, match=r"study\.db-wal belongs to a database.*--force"):
        restore(whole_backup, f"sqlite:///{file}")

    file.with_name("study.db-wal").unlink()
    store = await Store.open(f"sqlite:///{file}")
    assert await store.query(persons) == ROWS
    await store.close()
    assert check(f"sqlite:///{file}").clean


@pytest.mark.parametrize("content", [b"", None])
async def test_a_log_without_its_database_is_only_deleted_with_force(
    sqlite_store: Store, whole_backup: Path, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "study.db"
    await crashed(sqlite_store, file)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DatabaseError, match="--force"):
        restore(whole_backup, f"sqlite:///{file}")
    assert files.write_ahead_log(file).exists()

    restore(whole_backup, f"sqlite:///{file}", force=True)
    assert run(f"sqlite:///{file}", persons) == ROWS


def test_an_empty_file_is_replaced(whole_backup: Path, tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    restore(whole_backup, f"sqlite:///{tmp_path / 'study.db'}")

    assert run(f"sqlite:///{tmp_path / 'study.db'}", persons) == ROWS


def test_a_damaged_database_is_only_replaced_with_force(whole_backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "study.db"
    file.write_text("scrambled " * 1000)
    with pytest.raises(DatabaseError, match=r"is damaged.*--force"):
        restore(whole_backup, f"sqlite:///{file}")

    restore(whole_backup, f"sqlite:///{file}", force=True)
    assert run(f"sqlite:///{file}", persons) == ROWS


def test_another_programs_database_is_never_replaced(whole_backup: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE bookmark (url TEXT)")
    with pytest.raises(DatabaseError, match="belongs to another program"):
        restore(whole_backup, f"sqlite:///{tmp_path / 'other.db'}", force=True)


def test_a_restored_database_keeps_the_mode_of_the_old_one(sqlite_url: str, whole_backup: Path, tmp_path: Path) -> None:
    path_of(sqlite_url).chmod(0o640)
    restore(whole_backup, sqlite_url)
    restore(whole_backup, f"sqlite:///{tmp_path / 'new.db'}")

    assert stat.S_IMODE(path_of(sqlite_url).stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_link_to_a_database_stays_a_link(sqlite_url: str, whole_backup: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path_of(sqlite_url))
    restore(whole_backup, f"sqlite:///{link}")

    assert link.is_symlink()
    assert run(sqlite_url, persons) == ROWS


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    """Kill at every eighth step, or at each in `make soak`."""
    return 1 if request.config.getoption("soak") else 8


def states(tmp_path: Path, stride: int, *words: str) -> list[str]:
    """Return what processes left that were killed at every so many steps, and what the last one did."""
    if "postgresql" in words[1]:
        stride *= 2  # each process takes half a second
    folder = tmp_path / "steps"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killed_at_every_step", words[0], str(folder), str(stride), *words[1:]],
        env=environment, stdout=subprocess.PIPE, check=True, timeout=HANG,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_killed_backup_leaves_no_file(filled_url: str, tmp_path: Path, stride: int) -> None:
    found = states(tmp_path, stride, "backing_up", filled_url)

    assert len(found) > 2
    assert found == sorted(found, reverse=True)
    assert {*found} == {"absent", str(ROWS)}


def test_a_killed_backup_leaves_the_old_file(sqlite_url: str, tmp_path: Path, stride: int) -> None:
    fill(sqlite_url)
    found = states(tmp_path, stride, "overwriting", sqlite_url)

    assert found == sorted(found, reverse=True)
    assert {*found} == {"old", str(ROWS)}


def test_a_killed_restore_leaves_the_old_data_or_the_new(
    database_url: str, whole_backup: Path, tmp_path: Path, stride: int
) -> None:
    run(database_url, add_person)
    found = states(tmp_path, stride, "restoring", database_url, str(whole_backup))

    assert len(found) > 2
    assert found == sorted(found, reverse=True)
    assert {*found} == {"old", str(ROWS)}


def test_a_killed_first_upgrade_is_carried_on_by_the_next(tmp_path: Path, stride: int) -> None:
    found = states(tmp_path, stride, "upgrading", f"sqlite:///{tmp_path / 'study.db'}")

    assert len(found) > 2
    assert {*found} == {"clean"}


def test_what_killed_processes_left_is_deleted_an_hour_later(sqlite_url: str, tmp_path: Path) -> None:
    old, recent = tmp_path / ".study.backup.abc.part", tmp_path / ".study.backup.def.part"
    for part in (old, recent):
        part.write_text("half")
    os.utime(old, (0, 0))
    backup(sqlite_url, tmp_path / "study.backup")

    assert not old.exists()
    assert recent.exists()


def test_a_text_that_postgresql_cannot_store_is_named_by_its_table(
    sqlite_url: str, postgresql: Databases, tmp_path: Path
) -> None:
    def add(connection: Connection) -> None:
        connection.execute(insert(tables.workspaces).values(row(tables.workspaces, 1, {}) | {"name": "nul \0 secret"}))

    run(sqlite_url, add)
    target = postgresql.with_tables()
    run(target, add_person)
    with pytest.raises(DatabaseError, match="can't store a value from the table workspace") as caught:
        copy_database(sqlite_url, target, force=True)

    assert "secret" not in str(caught.value)
    assert run(target, persons) == 1


def test_rows_without_the_rows_they_refer_to_are_named_by_their_table(sqlite_url: str, postgresql: Databases) -> None:
    with closing(sqlite3.connect(path_of(sqlite_url))) as connection, connection:  # which checks no foreign keys
        connection.execute("INSERT INTO channel (workspace_id, external_id, name) VALUES (4711, 'general', 'general')")
    target = postgresql.with_tables()
    run(target, add_person)
    with pytest.raises(DatabaseError, match="Rows in the table channel refer to rows that are missing"):
        copy_database(sqlite_url, target, force=True)

    assert run(target, persons) == 1
