"""The embedding index and its files."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from knowledge.format.reader import load
from knowledge.questions import Bank, Question
from knowledge.retrieval import array_file
from knowledge.retrieval.array_file import ArrayFileError, key, read
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import SHIPPED, Index, ship, shipped
from knowledge.retrieval.index import build as build_index
from knowledge.retrieval.passages import MIN_PASSAGE_WORDS, PASSAGE_WORDS, Kind, Passages, passages_of, plain


@dataclass
class Progress:
    """Keep every report; the last total is the number of texts that had to be embedded."""

    reports: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        self.reports.append((done, total))

    @property
    def embedded(self) -> int:
        return self.reports[-1][1] if self.reports else 0


def build(bank: Bank, embedder: Embedder, folder: Path, progress: Progress | None = None) -> Index:
    return build_index(Passages.of(bank), embedder, folder, progress)


def saved(folder: Path) -> Path:
    [path] = folder.glob("*.safetensors")
    return path


def same(one: Index, other: Index) -> bool:
    return one.passages.texts == other.passages.texts and np.array_equal(one.vectors, other.vectors)


def new(bank: Bank, embedder: Embedder) -> set[str]:
    """Return the texts whose vectors aren't shipped."""
    known = shipped(embedder.name)
    return {text for text in Passages.of(bank).texts if key(text) not in known}


def changed(question: Question) -> Question:
    return replace(question, title="What does LoRA change?")


def test_the_first_start_embeds_what_is_not_shipped(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    progress = Progress()
    index = build(bank, embedder, tmp_path / "index", progress)
    total = len(new(bank, embedder))

    assert progress.reports[0] == (0, total)
    assert progress.reports[-1] == (total, total)
    assert index.vectors.shape == (sum(len(passages_of(question)) for question in bank), embedder.width)


def test_a_start_with_an_unchanged_bank_embeds_nothing(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    first = build(bank, embedder, tmp_path)
    progress, fresh = Progress(), Embedder()
    again = build(bank, fresh, tmp_path, progress)

    assert progress.reports == []
    assert fresh._loaded is None
    assert same(first, again)


def test_only_what_changed_is_embedded(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    before = build(bank, embedder, tmp_path)
    progress = Progress()
    edited = Bank.of([changed(bank["lora"]), bank["rag"], bank["vae"]])
    index = build(edited, embedder, tmp_path, progress)

    assert progress.embedded == len({*index.passages.texts} - {*before.passages.texts})
    assert 0 < progress.embedded < len(passages_of(edited["lora"]))


def test_changes_that_search_does_not_read_embed_nothing(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    build(bank, embedder, tmp_path)
    progress = Progress()
    build(Bank.of([replace(bank["lora"], references=(), tags=("other",)), bank["rag"]]), embedder, tmp_path, progress)

    assert progress.reports == []


def test_a_row_is_the_vector_of_its_passage(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    index = build(bank, embedder, tmp_path)

    assert np.allclose(np.linalg.norm(index.vectors, axis=1), 1, atol=1e-4)
    cosines = (index.vectors * embedder.vectors(index.passages.texts)).sum(axis=1)
    assert cosines.min() > 0.9999


def test_damage_anywhere_in_the_file_is_noticed(
    bank: Bank, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    intact = path.read_bytes()
    assert read(path, embedder.name).keys() == {key(text) for text in first.passages.texts}
    flip = [*range(0, 60, 7), len(intact) // 2, len(intact) - 3]
    damaged = [intact[:at] + bytes([intact[at] ^ 1]) + intact[at + 1 :] for at in flip]
    for data in [*damaged, intact[:-1], intact[: len(intact) // 2], b"", intact + b"x", b"not an index"]:
        path.write_bytes(data)
        caplog.clear()
        with pytest.raises(ArrayFileError):
            read(path, embedder.name)
    with caplog.at_level(logging.WARNING):
        again = build(bank, embedder, tmp_path)

    assert "Computing the vectors" in caplog.text
    assert same(first, again)
    assert path.read_bytes() == intact


def test_a_file_cut_short_at_any_length_is_noticed(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    intact = path.read_bytes()
    for size in {*range(0, len(intact), len(intact) // 50), *range(len(intact) - 20, len(intact))}:
        path.write_bytes(intact[:size])
        with pytest.raises(ArrayFileError):
            read(path, embedder.name)


def test_a_damaged_file_is_replaced_even_if_all_its_vectors_are_shipped(
    embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise, each start would find it again."""
    shipped_bank = Bank.of([load().bank["lora"]])
    path = tmp_path / array_file.file_name(embedder.name)
    path.write_bytes(b"half")
    progress = Progress()
    with caplog.at_level(logging.WARNING):
        first = build(shipped_bank, embedder, tmp_path, progress)

    assert "Computing the vectors" in caplog.text
    assert progress.reports == []
    assert read(path, embedder.name).keys() == {key(text) for text in first.passages.texts}


def test_vectors_of_another_model_or_format_are_computed_again(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    first = build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    save_file(
        {"keys": np.zeros(1, np.uint64)}, path, {"studyhall": json.dumps({"format": "0", "model": embedder.name})}
    )
    progress = Progress()

    assert same(first, build(bank, embedder, tmp_path, progress))
    assert progress.embedded == len(new(bank, embedder))
    with pytest.raises(ArrayFileError, match="another version or model"):
        read(path, "another model")


def test_the_vectors_of_the_built_in_bank_are_shipped(embedder: Embedder, tmp_path: Path) -> None:
    bank = load().bank
    progress, fresh = Progress(), Embedder()
    index = build(bank, fresh, tmp_path / "none", progress)
    some = range(0, len(index.passages.texts), 971)

    assert progress.reports == []
    assert fresh._loaded is None
    assert not (tmp_path / "none").exists()
    found = embedder.vectors([index.passages.texts[at] for at in some])
    assert (index.vectors[list(some)] * found).sum(axis=1).min() > 0.9999
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) / len(bank) < 40_000


def test_other_models_do_not_get_the_shipped_vectors() -> None:
    assert shipped("another model") == {}


def test_updating_the_shipped_vectors_embeds_what_is_new_and_drops_what_is_gone(
    bank: Bank, embedder: Embedder, tmp_path: Path
) -> None:
    folder, progress = tmp_path / "vectors", Progress()
    first = ship(bank, embedder, folder=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = ship(bank, embedder, progress, folder=folder)
    edited = Bank.of([changed(bank["lora"]), bank["rag"]])
    changes = ship(edited, embedder, folder=folder, write=False)

    assert first.new == len(Passages.of(bank).texts)
    assert (again.new, again.gone, progress.reports) == (0, 0, [])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert changes == ship(edited, embedder, folder=folder)
    assert changes.new == len({*Passages.of(edited).texts} - {*Passages.of(bank).texts})
    assert {path.name for path in folder.iterdir()} == {"fine-tuning.safetensors", "rag.safetensors"}
    assert (folder / "rag.safetensors").read_bytes() == before["rag.safetensors"]


def test_an_index_that_cannot_be_saved_is_used_anyway(
    bank: Bank, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way of a folder")
    with caplog.at_level(logging.WARNING):
        index = build(bank, embedder, blocked / "index")

    assert len(index.passages.bank) == 3
    assert "Couldn't save the vectors" in caplog.text


def test_saving_leaves_one_file_and_deletes_what_a_killed_process_left(
    bank: Bank, embedder: Embedder, tmp_path: Path
) -> None:
    build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    stale, recent = tmp_path / f"{path.name}.old.part", tmp_path / f"{path.name}.new.part"
    for part in (stale, recent):
        part.write_bytes(b"half")
    os.utime(stale, (0, 0))
    build(Bank.of([changed(bank["lora"])]), embedder, tmp_path)

    assert {*tmp_path.glob("*.safetensors*")} == {path, recent}


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    path.mkdir()
    with pytest.raises(OSError, match="vectors"):
        array_file.save(path, "model", {1: np.zeros(4, np.int8)})

    assert list(tmp_path.iterdir()) == [path]


def test_each_model_has_its_own_file() -> None:
    names = [array_file.file_name(name) for name in ("a/b", "a-b", "../../etc/x", "all-MiniLM-L6-v2 53aa")]

    assert len({*names}) == 4
    assert all("/" not in name and not name.startswith(".") for name in names)


def test_the_index_of_an_empty_bank_is_empty(embedder: Embedder, tmp_path: Path) -> None:
    assert build(Bank(), embedder, tmp_path / "index").vectors.shape == (0, embedder.width)
    assert not (tmp_path / "index").exists()


def test_a_wording_of_symbols_only_can_be_indexed(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    odd = Bank.of([replace(bank["rag"], aliases=("$$", "🤖", "\u0301"))])

    assert len(build(odd, embedder, tmp_path).vectors) == len(passages_of(odd["rag"]))


def test_passages_are_the_wordings_then_the_points_then_pieces_after_the_title(bank: Bank) -> None:
    long = replace(
        bank["rag"], answer=" ".join(map(str, range(2 * PASSAGE_WORDS + MIN_PASSAGE_WORDS - 1))), in_depth="deep"
    )
    passages = passages_of(long)

    def of(kind: Kind) -> list[str]:
        return [text for passage_kind, text in passages if passage_kind is kind]

    assert [kind for kind, _ in passages] == sorted(kind for kind, _ in passages)
    assert of(Kind.WORDING) == ["What is retrieval-augmented generation?", "rag", *long.aliases]
    assert of(Kind.POINT) == [*long.key_points, long.choices[long.right_choice].text]
    sizes = [len(text.split()) - len(long.title.split()) for text in of(Kind.BODY)]
    assert sizes == [PASSAGE_WORDS, PASSAGE_WORDS + MIN_PASSAGE_WORDS - 1, 1]


def test_plain_text_has_no_markup() -> None:
    assert plain("the **update** $\\Delta W = \\frac{\\alpha}{r} B A$ in `code`") == (
        "the update Delta W = frac alpha r B A in code"
    )
