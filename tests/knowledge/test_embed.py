"""The packaged model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from knowledge.embed import TOKEN_LIMIT, Embedder, ModelProblem


def test_vectors_have_length_one(embedder: Embedder) -> None:
    [one] = embedder.both(["what is a low-rank adapter?"])

    assert np.allclose(np.linalg.norm(one.tokens, axis=1), 1, atol=1e-4)
    assert float(np.linalg.norm(one.sentence)) == pytest.approx(1, abs=1e-4)
    assert one.tokens.shape == (len(one.ids), embedder.width)


def test_both_in_one_pass_are_what_each_is_alone(embedder: Embedder) -> None:
    texts = ["a short one", "one that is quite a bit longer than the other one"]
    both = embedder.both(texts)

    assert np.allclose(np.stack([one.sentence for one in both]), embedder.sentences(texts), atol=1e-4)
    for one, tokens in zip(both, embedder.tokens(texts), strict=True):
        assert np.allclose(one.tokens, tokens, atol=1e-4)


def test_marks_of_the_model_are_left_out(embedder: Embedder) -> None:
    assert [len(tokens) for tokens in embedder.tokens(["hello", "hello world", ""])] == [1, 2, 0]


def test_a_long_text_is_cut(embedder: Embedder) -> None:
    assert len(embedder.tokens(["word " * 1000])[0]) == TOKEN_LIMIT - 2


def test_no_text_gives_no_vectors(embedder: Embedder) -> None:
    assert embedder.both([]) == []
    assert embedder.sentences([]).shape == (0, embedder.width)


def test_like_texts_are_nearer_than_unlike_ones(embedder: Embedder) -> None:
    cat, kitten, tax = embedder.sentences(["a cat sleeps", "a kitten is sleeping", "income tax is due in July"])

    assert cat @ kitten > cat @ tax + 0.3


def test_several_threads_share_one_model(embedder: Embedder) -> None:
    texts = [f"text number {number}" for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: embedder.sentences([text])[0], texts))

    assert np.allclose(np.stack(found), embedder.sentences(texts), atol=1e-4)


def test_naming_a_model_does_not_load_it() -> None:
    fresh = Embedder()

    assert fresh.name.startswith("all-MiniLM-L6-v2 ")
    assert not fresh.loaded


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="cannot be loaded"):
        Embedder(str(tmp_path)).sentences(["x"])


def test_a_changed_folder_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = Embedder(str(tmp_path)).name
    (tmp_path / "config.json").write_text("{ }")

    assert Embedder(str(tmp_path)).name != before
