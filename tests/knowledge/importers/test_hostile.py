"""Files that are not what they say, or mean harm."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from pathlib import Path

import pytest

from knowledge.importers.read import LARGEST, read


def problem(path: Path) -> str:
    found = read(path)
    assert found.drafts == []
    return "; ".join(reason for _, reason in found.problems)


def package(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("### 1. What?\nThat.\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")

    assert "is a link" in problem(tmp_path / "link.md")
    assert "no plain file" in problem(tmp_path / "pipe")
    assert "no file" in problem(tmp_path)
    assert "cannot be read" in problem(tmp_path / "nowhere.md")


def test_binary_empty_and_too_large_files_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\x00\x01\x02")
    (tmp_path / "b.md").write_bytes(b"\n \n")
    with (tmp_path / "c.md").open("wb") as file:
        file.truncate(LARGEST + 1)

    assert "binary" in problem(tmp_path / "a.md")
    assert "is empty" in problem(tmp_path / "b.md")
    assert "split it" in problem(tmp_path / "c.md")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_with_a_mark_of_its_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.md").write_bytes("### 1. Wörter?\nJa.\n".encode(encoding))

    assert read(tmp_path / "a.md").drafts[0].title == "Wörter?"


def test_invisible_characters_and_endless_lines_are_cut_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("### 1. What\u202e is\u200b it?\n" + "x" * 300_000 + "\n")
    found = read(tmp_path / "a.md")

    assert found.drafts[0].title == "What is it?"
    assert len(found.drafts[0].answer) == 100_000
    assert [line for line, _ in found.problems] == [1, 2]


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = package(tmp_path / "bomb.apkg", collection_anki2=b"\0" * 50_000_000)

    assert "would unpack" in problem(bomb)


def test_zips_of_other_things_are_refused(tmp_path: Path) -> None:
    assert "without an Anki collection" in problem(package(tmp_path / "a.apkg", **{"../../climbs_out": b"x"}))
    assert "cannot be read" in problem(package(tmp_path / "b.apkg", collection_anki2=b"not a database at all" * 99))
    (tmp_path / "c.apkg").write_bytes(b"PK\x03\x04 and nothing more")
    assert "damaged" in problem(tmp_path / "c.apkg")
    assert not (tmp_path.parent / "climbs.out").exists()


def test_a_view_in_place_of_the_notes_is_not_run(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "c") as database:
        database.execute("CREATE VIEW notes AS SELECT 1 id, '' tags, 'front' || char(31) || 'back' flds")
    database.close()

    assert "no table of notes" in problem(package(tmp_path / "v.apkg", collection_anki2=(tmp_path / "c").read_bytes()))


@pytest.mark.parametrize("name", ["a.md", "a.csv", "a.jsonl", "a.txt"])
def test_deep_and_odd_text_ends_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[" * 50_000 + '"' * 999 + "\n" + "#" * 999 + " Q1: ** $$ ```\n" * 99)
    found = read(tmp_path / name)

    assert found.problems or found.drafts
