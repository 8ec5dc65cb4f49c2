"""Questions that come read with the program."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from knowledge.format import parsed
from knowledge.format.reader import BUILT_IN, load, load_file, outdated
from knowledge.questions import Question


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """The folder of a bank with a topic of the built-in one."""
    shutil.copytree(BUILT_IN / "vae", tmp_path / "bank" / "vae")
    return tmp_path / "bank"


def test_the_built_in_bank_comes_read(tmp_path: Path) -> None:
    """`make check` compares each of them with its file."""
    paths = sorted(BUILT_IN.rglob("*.md"))[::30]
    for path in paths:
        read = parsed.shipped()[parsed.key(path.parent.name, path.stem, path.read_bytes())]
        assert read == load_file(path)
        assert read.fingerprint == load(path.parent.parent).bank[path.stem].fingerprint


def test_a_file_that_is_known_is_not_parsed_again(bank: Path) -> None:
    path = bank / "vae" / "vae-elbo.md"
    known = parsed.key("vae", "vae-elbo", path.read_bytes())
    other = load_file(bank / "vae" / "vq-vae.md")
    assert isinstance(other, Question)

    assert load_file(path, {known: other}) is other


@pytest.mark.parametrize("change", [b"\n", b" ", b"\\"])
def test_whatever_changes_in_it_is_read_anew(bank: Path, change: bytes) -> None:
    path = bank / "vae" / "vae-elbo.md"
    before = parsed.key("vae", "vae-elbo", path.read_bytes())
    path.write_bytes(path.read_bytes() + change)

    assert parsed.key("vae", "vae-elbo", path.read_bytes()) != before
    assert parsed.key("gan", "vae-elbo", b"") != parsed.key("vae", "vae-elbo", b"")


def test_what_is_outdated_is_counted_and_put_right(bank: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parsed"
    count = len(list(bank.rglob("*.md")))

    assert outdated(bank, folder) == count + 1  # nobody has signed either
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


def test_what_other_code_has_read_is_read_again_and_stays_as_it_is_where_nothing_changed(
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


def test_what_is_kept_comes_back_as_it_was(bank: Path, tmp_path: Path) -> None:
    questions = {question.id: question for question in load(bank, known={}).bank}
    parsed.save(tmp_path / "vae.json.gz", questions)

    assert parsed.read(tmp_path / "vae.json.gz") == questions


def test_a_damaged_file_is_no_loss(bank: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "parsed"
    count = outdated(bank, folder, write=True)
    path = folder / "vae.json.gz"
    sound = path.read_bytes()
    for data in (sound[:-9], sound[:40] + b"?" + sound[41:], b"", b"not gzip"):
        path.write_bytes(data)
        assert parsed.read(path) == {}
    assert "are read from their own files" in caplog.text

    assert outdated(bank, folder, write=True) == count - 1
    assert path.read_bytes() == sound
