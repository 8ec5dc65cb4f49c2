"""The questions that are shipped already parsed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from knowledge.format import parsed
from knowledge.format.reader import BUILT_IN, load, load_file, outdated
from knowledge.questions import Question


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Make the folder of a bank with one topic of the built-in bank."""
    shutil.copytree(BUILT_IN / "vae", tmp_path / "bank" / "vae")
    return tmp_path / "bank"


def test_the_built_in_bank_is_shipped_already_parsed() -> None:
    """A sample: `make check` compares each question with its file."""
    paths = sorted(BUILT_IN.rglob("*.md"))[::30]
    for path in paths:
        question = parsed.shipped()[parsed.key(path.parent.name, path.stem, path.read_bytes())]
        assert question == load_file(path)


def test_a_known_file_is_not_parsed_again(bank: Path) -> None:
    path = bank / "vae" / "vae-elbo.md"
    known = parsed.key("vae", "vae-elbo", path.read_bytes())
    other = load_file(bank / "vae" / "vq-vae.md")
    assert isinstance(other, Question)

    assert load_file(path, {known: other}) is other


@pytest.mark.parametrize("change", [b"\n", b" ", b"\\"])
def test_any_change_to_a_file_makes_it_unknown(bank: Path, change: bytes) -> None:
    path = bank / "vae" / "vae-elbo.md"
    before = parsed.key("vae", "vae-elbo", path.read_bytes())
    path.write_bytes(path.read_bytes() + change)

    assert parsed.key("vae", "vae-elbo", path.read_bytes()) != before
    assert parsed.key("gan", "vae-elbo", b"") != parsed.key("vae", "vae-elbo", b"")


def test_outdated_questions_are_counted_and_updated(bank: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parsed"
    count = len(list(bank.rglob("*.md")))

    assert outdated(bank, folder) == count + 1  # and the folder isn't signed yet
    assert outdated(bank, folder, write=True) == count + 1
    assert outdated(bank, folder) == 0
    before = (folder / "vae.json.gz").read_bytes()
    assert outdated(bank, folder, write=True) == 0
    assert (folder / "vae.json.gz").read_bytes() == before

    path = bank / "vae" / "vae-elbo.md"
    path.write_text(path.read_text().replace("difficulty = ", "difficulty =  "))
    assert outdated(bank, folder) == 1
    assert outdated(bank, folder, write=True) == 1
    shutil.rmtree(bank / "vae")
    assert outdated(bank, folder, write=True) == 1
    assert list(folder.glob("*.json.gz")) == []


def test_questions_parsed_by_other_code_are_parsed_again_without_changing_their_bytes(
    bank: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "parsed"
    outdated(bank, folder, write=True)
    before = (folder / "vae.json.gz").read_bytes()
    (folder / "code").write_text("0" * 32)

    assert not parsed.is_by_this_code(folder)
    assert outdated(bank, folder, write=True) == 1
    assert parsed.is_by_this_code(folder)
    assert (folder / "vae.json.gz").read_bytes() == before


def test_saved_questions_come_back_unchanged(bank: Path, tmp_path: Path) -> None:
    questions = {question.id: question for question in load(bank, known={}).bank}
    parsed.save(tmp_path / "vae.json.gz", questions)

    assert parsed.read(tmp_path / "vae.json.gz") == questions


def test_a_damaged_file_costs_nothing_but_parsing_again(
    bank: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "parsed"
    count = outdated(bank, folder, write=True)
    path = folder / "vae.json.gz"
    intact = path.read_bytes()
    for data in (intact[:-9], intact[:40] + b"?" + intact[41:], b"", b"not gzip"):
        path.write_bytes(data)
        assert parsed.read(path) == {}
    assert "its questions are parsed again" in caplog.text

    assert outdated(bank, folder, write=True) == count - 1
    assert path.read_bytes() == intact
