"""Importing files that aren't what they claim to be, or are hostile."""

from __future__ import annotations

import csv
import os
import sqlite3
import time
import zipfile
from pathlib import Path

import pytest
import zstandard

from knowledge.format.csv_format import COLUMNS
from knowledge.importers.anki import MAX_COLLECTION_SIZE
from knowledge.importers.read import MAX_FILE_SIZE, MAX_QUESTIONS, read


def problem(path: Path) -> str:
    found = read(path)
    assert found.drafts == []
    return "; ".join(reason for _, reason in found.problems)


def package(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("### 1. What?\nThat.\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")

    assert "is a link" in problem(tmp_path / "link.md")
    assert "isn't a regular file" in problem(tmp_path / "pipe")
    assert "is a folder" in problem(tmp_path)
    assert "can't be read" in problem(tmp_path / "nowhere.md")


def test_binary_empty_and_too_large_files_are_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\x00\x01\x02")
    (tmp_path / "b.md").write_bytes(b"\n \n")
    with (tmp_path / "c.md").open("wb") as file:
        file.truncate(MAX_FILE_SIZE + 1)

    assert "binary" in problem(tmp_path / "a.md")
    assert "is empty" in problem(tmp_path / "b.md")
    assert "split it" in problem(tmp_path / "c.md")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.md").write_bytes("### 1. Wörter?\nJa.\n".encode(encoding))

    assert read(tmp_path / "a.md").drafts[0].title == "Wörter?"


def test_invisible_characters_and_endless_lines_are_cut_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("### 1. What\u202e is\u200b it?\n" + "x" * 300_000 + "\n")
    found = read(tmp_path / "a.md")

    assert found.drafts[0].title == "What is it?"
    assert len(found.drafts[0].answer) == 100_000
    assert [line for line, _ in found.problems] == [1, 2]


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = package(tmp_path / "bomb.apkg", collection_anki2=b"\0" * 50_000_000)

    assert "would unpack" in problem(bomb)


def test_a_bomb_within_a_newer_package_is_not_unpacked(tmp_path: Path) -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    chunks = [compressor.compress(bytes(2**20)) for _ in range(MAX_COLLECTION_SIZE // 2**20 + 1)]
    bomb = package(tmp_path / "bomb.apkg", collection_anki21b=b"".join(chunks) + compressor.flush())

    assert "too large for a deck" in problem(bomb)


def test_encrypted_and_damaged_newer_packages_are_rejected(tmp_path: Path) -> None:
    data = bytearray(package(tmp_path / "a.apkg", collection_anki2=b"x").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag for encryption in the central directory
    (tmp_path / "a.apkg").write_bytes(data)

    assert "it's encrypted" in problem(tmp_path / "a.apkg")
    assert "is damaged" in problem(package(tmp_path / "b.apkg", collection_anki21b=b"not zstandard"))


def test_zips_without_a_collection_are_rejected(tmp_path: Path) -> None:
    assert "without an Anki collection" in problem(package(tmp_path / "a.apkg", **{"../../climbs_out": b"x"}))
    assert "can't be read" in problem(package(tmp_path / "b.apkg", collection_anki2=b"not a database at all" * 99))
    (tmp_path / "c.apkg").write_bytes(b"PK\x03\x04 and nothing more")
    assert "damaged" in problem(tmp_path / "c.apkg")
    assert not (tmp_path.parent / "climbs.out").exists()


def test_a_view_instead_of_the_notes_table_is_not_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "c") as database:
        database.execute("CREATE VIEW notes AS SELECT 1 id, '' tags, 'front' || char(31) || 'back' flds")
    database.close()

    assert "no notes table" in problem(package(tmp_path / "v.apkg", collection_anki2=(tmp_path / "c").read_bytes()))


@pytest.mark.parametrize("name", ["a.md", "a.csv", "a.jsonl", "a.txt"])
def test_deep_and_odd_text_gives_drafts_or_problems(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[" * 50_000 + '"' * 999 + "\n" + "#" * 999 + " Q1: ** $$ ```\n" * 99)
    found = read(tmp_path / name)

    assert found.problems or found.drafts


@pytest.mark.parametrize(
    "line",
    [
        "### 2. a" + " " * 90_000 + "b",
        "2 What is " + " " * 90_000 + "b Easy",
        "**" * 45_000,
        "[" * 90_000,
        "$ " * 45_000,
    ],
)
def test_no_line_takes_long(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.md").write_text(f"### 1. What is it?\nThis.\n{line}\nthat\n" + "---\n" * 20_000 + "## End\n")
    start = time.process_time()
    read(tmp_path / "a.md")

    assert time.process_time() - start < 10


def test_a_package_with_damaged_data_is_rejected(tmp_path: Path) -> None:
    data = bytearray(package(tmp_path / "a.apkg", collection_anki2=os.urandom(500) + b"x" * 5000).read_bytes())
    data[60:90] = b"\xff" * 30
    (tmp_path / "a.apkg").write_bytes(data)

    assert "damaged" in problem(tmp_path / "a.apkg")


def collection(path: Path, sql: str) -> bytes:
    with sqlite3.connect(path) as database:
        database.executescript(sql)
    database.close()
    return path.read_bytes()


def test_notes_that_grow_when_they_are_read_are_rejected(tmp_path: Path) -> None:
    grows = "flds TEXT GENERATED ALWAYS AS (hex(zeroblob(400000000))) VIRTUAL"
    data = collection(
        tmp_path / "c", f"CREATE TABLE notes (id INTEGER, tags TEXT, {grows}); INSERT INTO notes (id) VALUES (1)"
    )

    assert "generated columns" in problem(package(tmp_path / "g.apkg", collection_anki2=data))


def test_a_note_that_is_not_text_does_not_affect_the_others(tmp_path: Path) -> None:
    rows = "(1, '', 'What?' || char(31) || 'That.'), (2, '', CAST(x'ff41' AS TEXT)), (3, '', x'ff421f41')"
    data = collection(
        tmp_path / "c", f"CREATE TABLE notes (id INTEGER, tags TEXT, flds TEXT); INSERT INTO notes VALUES {rows}"
    )

    assert "What?" in [draft.title for draft in read(package(tmp_path / "n.apkg", collection_anki2=data)).drafts]


@pytest.mark.parametrize(
    "line",
    [
        '{"question": "Q?", "answer": ' + "1" * 5000 + "}",
        '{"title": "Q?", "answer": "a", "key_points": [], "references": [{"title": "t", "by": "b", "year": 1e999}]}',
        '{"question": ' + "[" * 50_000,
        '{"question": ' + "[" * 900 + "]" * 900 + ', "answer": "a"}',
        '{"title": "Q?", "answer": "a", "choices": 5}',
        '{"title": "Q?", "answer": "a", "choices": [], "references": ["Hu and others"]}',
        '{"title": "Q?", "answer": "a", "choices": [], "references": [null]}',
    ],
)
def test_json_that_breaks_parsers_is_reported_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"q": "What?", "a": "That."}}\n{line}\n')
    found = read(tmp_path / "a.jsonl")

    assert [draft.title for draft in found.drafts] == ["What?"]
    assert [number for number, _ in found.problems] == [2]


@pytest.mark.parametrize("reference", ["5", "Hu and others", "[" * 5000, '{"title": "t"}', '{"year": NaN}'])
def test_a_reference_of_a_table_that_is_none_is_reported(tmp_path: Path, reference: str) -> None:
    cells = ("a", "b", "easy", "Q?", "a", "", "", "", "", "", "", "", "", reference, "")
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, cells])

    assert 'a reference is {"title": "...", "by": "...", "year": 2017}' in problem(tmp_path / "a.csv")


def test_cards_without_a_front_and_scripts_on_cards_are_reported(tmp_path: Path) -> None:
    rows = "(1, '', '<b></b>' || char(31) || 'That.'), (2, '', 'What?' || char(31) || '<script>x</script>That.')"
    data = collection(
        tmp_path / "c", f"CREATE TABLE notes (id INTEGER, tags TEXT, flds TEXT); INSERT INTO notes VALUES {rows}"
    )
    found = read(package(tmp_path / "n.apkg", collection_anki2=data))

    assert [(draft.title, draft.answer) for draft in found.drafts] == [("What?", "That.")]
    assert found.problems == [(1, "has nothing on its front"), (2, "scripts, styles, and the like were left out")]


def test_text_that_is_not_in_the_encoding_of_its_byte_order_mark_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff\xfeabc")

    assert "it starts like utf-16 but isn't" in problem(tmp_path / "a.md")


def test_text_that_is_not_utf8_is_read_as_windows_1252(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes("### 1. What is it?\nA café.\n".encode("cp1252"))
    found = read(tmp_path / "a.md")

    assert found.drafts[0].answer == "A café."
    assert found.problems == [(2, "byte 0xe9 isn't UTF-8; the file was read as Windows-1252")]


def test_only_so_many_questions_of_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"q": "What?", "a": "That."}\n' * (MAX_QUESTIONS + 1))
    found = read(tmp_path / "a.jsonl")

    assert len(found.drafts) == MAX_QUESTIONS
    assert found.problems == [(0, "has 20,001 questions; only the first 20,000 were read")]


def test_a_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"q": "Wh\ud800at?", "a": "That \ud83d\ude00."}')

    assert [(d.title, d.answer) for d in read(tmp_path / "a.jsonl").drafts] == [("Wh\ufffdat?", "That 😀.")]
