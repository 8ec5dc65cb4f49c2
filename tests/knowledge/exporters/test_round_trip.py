"""Exporting a bank and importing it again."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anki.collection import Collection, ExportAnkiPackageOptions, ImportAnkiPackageRequest
from anki.decks import DeckId
from hypothesis import given
from hypothesis import strategies as st

from knowledge.exporters import anki, jsonl, markdown
from knowledge.exporters import csv as tables
from knowledge.format import csv_format
from knowledge.format.reader import load
from knowledge.importers.read import of_question, read
from knowledge.questions import Bank

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_json_lines_lose_nothing_of_the_whole_bank(tmp_path: Path) -> None:
    bank = load().bank
    (tmp_path / "bank.jsonl").write_text("".join(jsonl.lines(bank)))
    found = read(tmp_path / "bank.jsonl")

    assert found.problems == []
    assert [replace(draft, line=1) for draft in found.drafts] == [of_question(question) for question in bank]


def test_files_lose_nothing_of_the_whole_bank(tmp_path: Path) -> None:
    bank = load().bank
    markdown.write(tmp_path, bank)

    assert load(tmp_path).bank == bank


def test_a_spreadsheet_runs_none_of_the_cells(bank: Bank, tmp_path: Path) -> None:
    odd = Bank.of([replace(bank["lora"], answer="=HYPERLINK(1)"), bank["rag"]])
    text = "".join(tables.lines(odd))
    (tmp_path / "bank.csv").write_text(text)

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    found = {draft.id: draft for draft in read(tmp_path / "bank.csv").drafts}
    assert found["lora"].answer == "=HYPERLINK(1)"
    assert found["rag"].aliases == bank["rag"].aliases
    assert found["rag"].topic == "rag"


def test_a_table_loses_nothing_of_the_whole_bank(tmp_path: Path) -> None:
    bank = load().bank
    (tmp_path / "bank.csv").write_text("".join(tables.lines(bank)))
    found = read(tmp_path / "bank.csv")

    assert found.problems == []
    assert [replace(draft, line=1) for draft in found.drafts] == [of_question(question) for question in bank]


@given(st.text("'=+-@\t＝x \n,;|\"", max_size=8))
def test_any_cell_comes_back_and_a_spreadsheet_runs_none(text: str) -> None:
    written = csv_format.escaped(text)

    assert csv_format.unescaped(written) == text
    assert not written.startswith(("=", "+", "-", "@", "\t", "＝"))


@pytest.fixture
def package(bank: Bank, tmp_path: Path) -> Path:
    path = tmp_path / "bank.apkg"
    anki.write(path, bank, NOW)
    return path


def test_an_anki_package_opens_in_ankis_own_library(bank: Bank, package: Path, tmp_path: Path) -> None:
    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        log = collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(package))).log
        assert len(log.new) == collection.note_count() == len(bank)
        (note,) = (
            collection.get_note(note_id)
            for note_id in collection.find_notes("LoRA deck:Studyhall tag:topic::fine-tuning")
        )
        assert note.fields[0] == bank["lora"].title
        assert r"\(" in note.fields[1]
        assert "<li>" in note.fields[1]
        assert "difficulty::medium" in note.tags
    finally:
        collection.close()


def test_anki_commands_are_only_text(bank: Bank, tmp_path: Path) -> None:
    orders = (
        "[sound:a.mp3] [latex]\\input{x}[/latex] [$]y[/$] [anki:play:q:0] <script>x</script> ![p](https://a.example/p)"
    )
    anki.write(tmp_path / "a.apkg", [replace(bank["rag"], answer=orders)], NOW)
    with zipfile.ZipFile(tmp_path / "a.apkg") as package:
        held = package.read("collection.anki2").decode("utf-8", "replace")

    assert not any(order in held for order in ("[sound:", "[latex]", "[/latex]", "[$]", "[anki:", "<script", "<img"))
    assert "&#91;sound:a.mp3]" in held


def test_a_later_package_updates_the_notes_of_an_earlier_one(bank: Bank, package: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.apkg"
    changed = Bank.of([replace(bank["lora"], answer="Something new."), bank["rag"], bank["vae"]])
    anki.write(later, changed, datetime(2026, 12, 1, tzinfo=UTC))
    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        for path in (package, later):
            collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(path)))
        assert collection.note_count() == len(bank)
        assert collection.find_notes("Something new")
    finally:
        collection.close()


def test_cards_come_back_as_drafts_and_cloze_cards_and_media_are_reported(package: Path, tmp_path: Path) -> None:
    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(package)))
        deck, kinds = DeckId(collection.decks.id("Studyhall") or 0), collection.models
        cloze = collection.new_note(kinds.by_name("Cloze") or {})
        cloze["Text"] = "The {{c1::answer}} is hidden"
        collection.add_note(cloze, deck)
        picture = collection.new_note(kinds.by_name("Basic") or {})
        picture["Front"], picture["Back"] = (
            'What is this? <img src="a.png">',
            "<b>It</b> &lt;is&gt;<br>a <code>thing</code>",
        )
        collection.add_note(picture, deck)
        out = tmp_path / "mine.apkg"
        collection.export_anki_package(
            out_path=str(out), options=ExportAnkiPackageOptions(with_scheduling=False, legacy=False), limit=None
        )
    finally:
        collection.close()
    found = read(out)

    assert len(found.drafts) == 4
    assert any("1 cloze cards were skipped" in reason for _, reason in found.problems)
    assert any("pictures or sound" in reason for _, reason in found.problems)
    last = next(draft for draft in found.drafts if "What is this?" in draft.title)
    assert r"**It** \<is>" in last.answer
    assert "`thing`" in last.answer
