"""The embedding index and its file."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from knowledge import vault
from knowledge.embed import Embedder
from knowledge.index import FORMAT, TOKEN_SCALE, Index, build
from knowledge.questions import Bank, Question
from knowledge.windows import SHORTEST, WORDS, Kind, plain, windows


@dataclass
class Progress:
    """Takes down each report; the last total is what had to be embedded."""

    reports: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        self.reports.append((done, total))

    @property
    def embedded(self) -> int:
        return self.reports[-1][1] if self.reports else 0


def saved(folder: Path) -> Path:
    [path] = folder.glob("*.index")
    return path


def same(one: Index, other: Index) -> bool:
    names = ("owners", "starts", "sentences", "tokens", "ids")
    return one.keys == other.keys and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def changed(question: Question) -> Question:
    return replace(question, title="What does LoRA change?")


def test_the_first_start_embeds_every_window(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    progress = Progress()
    index = build(bank, embedder, tmp_path / "index", progress)
    total = sum(len(windows(question)) for question in bank)

    assert progress.reports[0] == (0, total)
    assert progress.reports[-1] == (total, total)
    assert len(index.owners) == total


def test_a_start_with_an_unchanged_bank_embeds_nothing(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    first = build(bank, embedder, tmp_path)
    progress, fresh = Progress(), Embedder()
    again = build(bank, fresh, tmp_path, progress)

    assert progress.reports == []
    assert not fresh.loaded
    assert same(first, again)


def test_only_what_changed_is_embedded(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    build(bank, embedder, tmp_path)
    progress = Progress()
    edited = Bank.of([changed(bank["lora"]), bank["rag"], bank["vae"]])
    index = build(edited, embedder, tmp_path, progress)

    assert progress.embedded == len(windows(edited["lora"]))
    assert index.keys == tuple(question.fingerprint for question in edited)


def test_what_is_gone_is_dropped(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    whole = build(bank, embedder, tmp_path)
    progress = Progress()
    rest = Bank.of([bank["rag"], bank["vae"]])
    index = build(rest, embedder, tmp_path, progress)

    assert progress.reports == []
    assert len(index.ids) == len(whole.part(1).ids) + len(whole.part(2).ids)
    assert same(index, build(rest, embedder, tmp_path))


def test_a_part_holds_the_vectors_of_its_question(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    part = build(bank, embedder, tmp_path).part(1)
    [title, *_] = embedder.both([plain(bank["rag"].title)])

    assert len(part.owners) == len(windows(bank["rag"]))
    assert np.allclose(part.tokens[: part.starts[1]] / TOKEN_SCALE, title.tokens, atol=0.01)


def test_damage_anywhere_in_the_file_is_noticed(
    bank: Bank, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    sound = path.read_bytes()
    label = f"{FORMAT} {embedder.name}"
    assert vault.read(path, label)[0] == first.keys
    flip = [*range(0, 60, 7), len(sound) // 2, len(sound) - 3]
    damaged = [sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :] for at in flip]
    for data in [*damaged, sound[:-1], sound[: len(sound) // 2], b"", sound + b"x", b"not an index"]:
        path.write_bytes(data)
        caplog.clear()
        with pytest.raises(vault.Unsound):
            vault.read(path, label)
    with caplog.at_level(logging.WARNING):
        again = build(bank, embedder, tmp_path)

    assert "is made again" in caplog.text
    assert same(first, again)
    assert path.read_bytes() == sound


def test_an_index_of_another_version_is_made_again(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    first = build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    vault.save(path, "0 of long ago", first.keys, {"tokens": first.tokens})
    progress = Progress()

    assert same(first, build(bank, embedder, tmp_path, progress))
    assert progress.embedded == len(first.owners)


def test_arrays_that_do_not_belong_together_are_made_again(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    first = build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    arrays = {name: getattr(first, name) for name in ("owners", "starts", "sentences", "tokens", "ids")}
    vault.save(path, f"{FORMAT} {embedder.name}", first.keys, arrays | {"starts": first.starts[:-1]})

    assert same(first, build(bank, embedder, tmp_path))


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x.index"
    with pytest.raises(ValueError, match="allow_pickle"):
        vault.save(path, "label", (), {"evil": np.array([object()])})

    assert list(tmp_path.iterdir()) == []


def test_an_index_that_cannot_be_saved_is_used_all_the_same(
    bank: Bank, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way of a folder")
    with caplog.at_level(logging.WARNING):
        index = build(bank, embedder, blocked / "index")

    assert len(index.keys) == 3
    assert "could not be saved" in caplog.text


def test_saving_leaves_one_file_and_sweeps_what_a_killed_process_left(
    bank: Bank, embedder: Embedder, tmp_path: Path
) -> None:
    build(bank, embedder, tmp_path)
    path = saved(tmp_path)
    stale, recent = tmp_path / f"{path.name}.old.part", tmp_path / f"{path.name}.new.part"
    for part in (stale, recent):
        part.write_bytes(b"half")
    os.utime(stale, (0, 0))
    build(Bank.of([bank["rag"]]), embedder, tmp_path)

    assert {*tmp_path.glob("*.index*")} == {path, recent}


def test_each_model_has_a_file_of_its_own() -> None:
    names = [vault.file_name(name) for name in ("a/b", "a-b", "../../etc/x", "all-MiniLM-L6-v2 53aa")]

    assert len({*names}) == 4
    assert all("/" not in name and not name.startswith(".") for name in names)


def test_an_empty_bank_has_no_index(embedder: Embedder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no question"):
        build(Bank(), embedder, tmp_path)


def test_a_wording_of_signs_alone_can_be_indexed(bank: Bank, embedder: Embedder, tmp_path: Path) -> None:
    odd = Bank.of([replace(bank["rag"], aliases=("$$", "🤖", "\u0301"))])

    assert len(build(odd, embedder, tmp_path).owners) == len(windows(odd["rag"]))


def test_windows_are_the_wordings_then_the_points_then_pieces_after_the_title(bank: Bank) -> None:
    long = replace(bank["rag"], answer=" ".join(map(str, range(2 * WORDS + SHORTEST - 1))), in_depth="deep")
    found = windows(long)

    def of(kind: Kind) -> list[str]:
        return [text for which, text in found if which is kind]

    assert [kind for kind, _ in found] == sorted(kind for kind, _ in found)
    assert of(Kind.WORDING) == ["What is retrieval-augmented generation?", "rag", *long.aliases]
    assert of(Kind.POINT) == [*long.key_points, long.choices[long.right_choice].text]
    sizes = [len(text.split()) - len(long.title.split()) for text in of(Kind.BODY)]
    assert sizes == [WORDS, WORDS + SHORTEST - 1, 1]


def test_plain_words_lose_their_markup() -> None:
    assert plain("the **update** $\\Delta W = \\frac{\\alpha}{r} B A$ in `code`") == (
        "the update Delta W = frac alpha r B A in code"
    )
