"""Adding questions to a folder: all or none, even if the program is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.format import transaction
from knowledge.format.reader import load
from knowledge.questions import Bank, Question


def ids(path: Path) -> list[str]:
    return [question.id for question in load(path).bank]


def test_added_questions_are_in_the_bank(bank: Bank, tmp_path: Path) -> None:
    transaction.add(tmp_path / "mine", list(bank))

    assert load(tmp_path / "mine").bank == bank
    assert load(tmp_path / "mine").problems == ()


def test_no_file_is_overwritten(bank: Bank, tmp_path: Path) -> None:
    transaction.add(tmp_path, [bank["lora"]])
    with pytest.raises(FileExistsError):
        transaction.add(tmp_path, [bank["rag"], replace(bank["lora"], answer="Another.")])

    assert ids(tmp_path) == ["lora"]


def test_an_import_that_fails_halfway_changes_nothing(bank: Bank, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    transaction.add(mine, [bank["lora"]])
    (mine / "vae").write_text("a file where the topic's folder should be")
    with pytest.raises(FileExistsError):
        transaction.add(mine, [bank["rag"], bank["vae"]])

    assert ids(mine) == ["lora"]
    assert sorted(path.name for path in mine.iterdir()) == [".importing.lock", "fine-tuning", "vae"]


class KillingList(list[Question]):
    """Kills the process at the third question, once the journal is written."""

    def __init__(self, questions: list[Question], journal: Path) -> None:
        super().__init__(questions)
        self._journal = journal

    def __iter__(self) -> Iterator[Question]:
        for number, question in enumerate(super().__iter__()):
            if number == 2 and self._journal.exists():
                os.kill(os.getpid(), signal.SIGKILL)
            yield question


def add_and_die(path: Path, questions: list[Question]) -> None:
    transaction.add(path, KillingList(questions, path / ".importing"))


def test_a_killed_import_leaves_the_bank_unchanged_and_the_next_one_cleans_up(bank: Bank, tmp_path: Path) -> None:
    transaction.add(tmp_path, [bank["vae"]])
    new = [replace(bank["lora"], id=f"new-{number}", topic="fresh") for number in range(4)]
    process = multiprocessing.get_context("fork").Process(target=add_and_die, args=(tmp_path, new))
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    assert (tmp_path / "fresh" / "new-1.md").exists()
    assert ids(tmp_path) == ["vae"]

    transaction.add(tmp_path, [bank["rag"]])
    assert ids(tmp_path) == ["rag", "vae"]
    assert not (tmp_path / "fresh").exists()


def test_a_journal_cannot_delete_other_files(bank: Bank, tmp_path: Path) -> None:
    bystander = tmp_path / "bystander.md"
    bystander.write_text("mine")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / ".importing").write_text(f"../bystander.md\n{bystander}\nREADME.md\na/b/c.md\n")
    (mine / "README.md").write_text("mine")

    transaction.add(mine, [bank["lora"]])

    assert bystander.exists()
    assert (mine / "README.md").exists()


def test_a_damaged_journal_does_not_stop_an_import(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "rag" / "rag.md").mkdir(parents=True)
    lines = [b"\xff\xfe", b"rag/\0.md", b"rag/" + b"a" * 5000 + b".md", b"rag/rag.md", b"vae/vae.md/x.md", b"rag/.md"]
    (tmp_path / ".importing").write_bytes(b"\n".join(lines))

    transaction.add(tmp_path, [bank["lora"]])

    assert ids(tmp_path) == ["lora"]
    assert not (tmp_path / ".importing").exists()


def test_a_second_import_at_the_same_time_is_rejected(bank: Bank, tmp_path: Path) -> None:
    with transaction._lock(tmp_path), pytest.raises(transaction.ImportInProgressError, match="is running"):
        transaction.add(tmp_path, [bank["lora"]])


def test_links_in_a_bank_are_not_followed(bank: Bank, tmp_path: Path) -> None:
    mine, outside = tmp_path / "mine", tmp_path / "outside"
    mine.mkdir()
    outside.mkdir()
    (outside / "diary.md").write_text("precious")
    (mine / "rag").symlink_to(outside)
    (mine / ".importing").write_text("rag/diary.md\n")

    with pytest.raises(NotADirectoryError):
        transaction.add(mine, [bank["rag"]])
    assert [path.name for path in outside.iterdir()] == ["diary.md"]

    (mine / ".importing.lock").unlink()
    (mine / ".importing.lock").symlink_to(outside / "diary.md")
    with pytest.raises(OSError, match="link"):
        transaction.add(mine, [bank["lora"]])
    assert (outside / "diary.md").read_text() == "precious"
