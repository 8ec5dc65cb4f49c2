"""Importing and exporting questions on the command line."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.clocks import HANG
from tests.commandline import STUDYHALL, studyhall

MINE = """### 1. What is LoRA?
**Answer:** Adapters.

### 2. When may we deploy the ranking service on a Friday?
**Answer:** Only to mend an outage.

### 3. Who is told first?
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.md"
    path.write_text(MINE)
    return path


def test_a_dry_run_prints_only_json_and_writes_nothing(home: dict[str, str], mine: Path, tmp_path: Path) -> None:
    done = studyhall(home, "bank", "import", str(mine), "--into", str(tmp_path / "bank"), "--dry-run", "--json")

    assert done.returncode == 0, done.stderr
    (file,) = json.loads(done.stdout)["files"]
    assert set(file) == {"path", "format", "questions", "duplicates", "problems"}
    assert file["questions"] == 3
    (duplicate,) = file["duplicates"]
    assert (duplicate["line"], duplicate["match"]["id"]) == (1, "lora")
    assert any("has no answer" in problem["reason"] and problem["line"] == 7 for problem in file["problems"])
    assert not (tmp_path / "bank").exists()


def test_new_questions_go_into_a_folder_that_can_be_used_as_a_bank(
    home: dict[str, str], mine: Path, tmp_path: Path
) -> None:
    done = studyhall(home, "bank", "import", str(mine), "--into", str(tmp_path / "bank"))

    assert "✓ Imported 1 question" in done.stdout
    assert "lora" in done.stdout
    again = studyhall(home, "bank", "import", str(mine), "--into", str(tmp_path / "bank"))
    assert "Nothing new to import" in again.stdout
    found = studyhall({**home, "STUDYHALL_BANK__FOLDER": str(tmp_path / "bank")}, "bank", "stats", "--json")
    assert json.loads(found.stdout)["total"] == 1


@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_a_new_bank_is_filled_by_an_import(
    home: dict[str, str], mine: Path, tmp_path: Path, options: list[str]
) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    new = {**home, "STUDYHALL_BANK__FOLDER": str(folder)}
    done = studyhall(new, "bank", "import", str(mine), "--into", str(folder), *options)

    assert done.returncode == 0, done.stderr
    assert ("would be imported" if options else "✓ Imported 2 questions") in done.stdout
    assert json.loads(studyhall(new, "bank", "stats", "--json").stdout)["total"] == (0 if options else 2)


def test_a_workspace_imports_its_own_questions_and_exports_them_again(
    home: dict[str, str], mine: Path, tmp_path: Path
) -> None:
    assert studyhall(home, "run", "terminal", stdin="help").returncode == 0
    done = studyhall(home, "bank", "import", str(mine), "--workspace", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["written"] == ["own-when-may-we-deploy-the-ranking-service-on-a-friday"]

    room = studyhall(home, "run", "terminal", stdin="ask when may we deploy the ranking service\nown list")
    assert "Only to mend an outage" in room.stdout
    assert "1 custom question" in room.stdout
    out = studyhall(home, "bank", "export", "--format", "jsonl", "--workspace", "1", "--out", "-")
    assert json.loads(out.stdout)["title"] == "When may we deploy the ranking service on a Friday?"
    with sqlite3.connect(Path(home["STUDYHALL_DATA"]) / "studyhall.db") as database:
        assert database.execute("SELECT count(*) FROM custom_question").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["bank", "import", "FILE"], "--into FOLDER"),
        (["bank", "import", "FILE", "--into", "x", "--workspace", "1"], "not both"),
        (["bank", "import", "FILE", "--workspace", "T404"], "'T404'"),
        (["bank", "export", "--format", "anki", "--out", "-"], "can't be printed"),
        (["bank", "export", "--format", "csv", "--out", "FILE"], "use --force to overwrite it"),
        (["bank", "export", "--format", "jsonl", "--from", "/nowhere"], "no questions to export"),
        (["bank", "export", "--format", "csv", "--from", "x", "--workspace", "1"], "not both"),
        (["bank", "export", "--format", "markdown", "--out", "FILE", "--force"], "is a file"),
        (["bank", "export", "--format", "csv", "--out", "LINK", "--force"], "is a link"),
        (["bank", "export", "--format", "csv", "--out", "FILE/x.csv"], "Can't write"),
        (["bank", "import", "FILE", "--into", "FILE/x"], "Nothing was imported"),
        (["bank", "check", "/nowhere"], "There's no folder"),
        (["bank", "check", "--coverage", "/nowhere.csv"], "Can't read"),
    ],
)
def test_an_impossible_bank_command_is_refused_in_a_sentence(
    home: dict[str, str], mine: Path, tmp_path: Path, words: list[str], reason: str
) -> None:
    (tmp_path / "link.csv").symlink_to(mine)
    paths = {"FILE": str(mine), "LINK": str(tmp_path / "link.csv")}
    done = studyhall(home, *("/".join(paths.get(part, part) for part in word.split("/")) for word in words))

    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "name"), [("anki", "b.apkg"), ("csv", "b.csv"), ("jsonl", "b.jsonl"), ("markdown", "b")]
)
def test_a_bank_is_exported_in_every_format(home: dict[str, str], tmp_path: Path, kind: str, name: str) -> None:
    out = tmp_path / name
    assert studyhall(home, "bank", "export", "--format", kind, "--out", str(out)).returncode == 0
    assert out.exists()
    assert studyhall(home, "bank", "export", "--format", kind, "--out", str(out)).returncode == 2
    assert studyhall(home, "bank", "export", "--format", kind, "--out", str(out), "--force").returncode == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".studyhall-")] == []


def test_an_export_to_a_pipe_that_closes_early_is_not_an_error(home: dict[str, str]) -> None:
    exporting = subprocess.Popen(
        [*STUDYHALL, "bank", "export", "--format", "jsonl", "--out", "-"],
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert exporting.stdout is not None
    assert exporting.stdout.readline().startswith(b"{")
    exporting.stdout.close()
    _, told = exporting.communicate(timeout=HANG)

    assert b"Traceback" not in told


def test_a_file_without_questions_exits_with_1(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(os.urandom(64) + b"\0")
    done = studyhall(home, "bank", "import", str(tmp_path / "binary.md"), "--dry-run")

    assert done.returncode == 1
    assert "binary" in done.stdout


def test_force_does_not_replace_a_folder_with_other_things_in_it(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "notes" / "sub").mkdir(parents=True)
    (tmp_path / "notes" / "sub" / "diary.txt").write_text("precious")
    done = studyhall(home, "bank", "export", "--format", "markdown", "--out", str(tmp_path / "notes"), "--force")

    assert done.returncode == 2
    assert "diary.txt" in done.stderr
    assert (tmp_path / "notes" / "sub" / "diary.txt").read_text() == "precious"


def test_files_that_an_export_skips_are_named(home: dict[str, str], tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    assert studyhall(home, "bank", "export", "--format", "markdown", "--out", str(bank)).returncode == 0
    (bank / "gan" / "broken.md").write_text("no question")
    done = studyhall(home, "bank", "export", "--format", "jsonl", "--from", str(bank), "--out", "-")

    assert "broken.md" in done.stderr
    assert done.stdout.startswith("{")


def test_two_imports_into_a_folder_do_not_mix(home: dict[str, str], mine: Path, tmp_path: Path) -> None:
    with (tmp_path / ".importing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = studyhall(home, "bank", "import", str(mine), "--into", str(tmp_path))

    assert done.returncode == 2
    assert "import" in done.stderr
    assert not list(tmp_path.rglob("own-*.md"))


def test_a_long_list_of_problems_is_cut_short(home: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "many.md"
    path.write_text("".join(f"### {number}. Who is number {number}?\n\n" for number in range(1, 31)))

    done = studyhall(home, "bank", "import", str(path), "--dry-run")

    assert "… and 40 more problems; --json lists them all." in done.stdout


def test_the_parsed_questions_and_vectors_match_the_bank_or_what_differs_is_counted(home: dict[str, str]) -> None:
    done = studyhall(home, "bank", "vectors", "--check")

    assert (done.returncode, done.stdout.split()[0]) in {(0, "The"), (1, "Out")}, done.stderr


def test_a_progress_bar_is_drawn_on_a_terminal_whatever_the_file_is_called(home: dict[str, str], mine: Path) -> None:
    name = "[bold] q{1} {draft}.md"
    mine = mine.rename(mine.with_name(name))
    controller, terminal = pty.openpty()
    importing = subprocess.Popen(
        [*STUDYHALL, "bank", "import", str(mine), "--dry-run"], env=home, stdout=subprocess.DEVNULL, stderr=terminal
    )
    os.close(terminal)
    shown = read_until_closed(controller)

    assert importing.wait(timeout=HANG) == 0
    assert f"Comparing {name}" in shown
    assert "2/2" in shown
    assert "0 of 2 questions" not in shown


def read_until_closed(controller: int) -> str:
    """Return everything that was written to a terminal before its last writer closed it."""
    shown = b""
    with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error
        while piece := os.read(controller, 65536):
            shown += piece
    os.close(controller)
    return shown.decode()
