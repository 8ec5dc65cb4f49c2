"""The projection that is fitted to a bank's wordings."""

from __future__ import annotations

import numpy as np
import pytest

from knowledge.retrieval.embedding import Floats, Integers
from knowledge.retrieval.projection import fit, project


def a_bank_with_noise_in_one_direction() -> tuple[Floats, Integers]:
    """Return 20 questions with 10 wordings each; questions differ in 8 directions, and wordings in 4 others."""
    random = np.random.default_rng(1)
    about = np.repeat(random.normal(size=(20, 8)), 10, axis=0)
    manner = 3 * random.normal(size=(200, 4))
    vectors = np.concatenate([about, manner], axis=1)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), np.repeat(
        np.arange(20, dtype=np.int32), 10
    )


def nearest_is_of_the_same_question(vectors: Floats, owners: Integers) -> float:
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    return float((owners[similarity.argmax(axis=1)] == owners).mean())


def test_wordings_of_one_question_get_closer() -> None:
    vectors, owners = a_bank_with_noise_in_one_direction()
    before = nearest_is_of_the_same_question(vectors, owners)

    assert nearest_is_of_the_same_question(project(vectors, fit(vectors, owners)), owners) > before + 0.1


def test_projected_vectors_have_length_one() -> None:
    vectors, owners = a_bank_with_noise_in_one_direction()

    assert np.linalg.norm(project(vectors, fit(vectors, owners)), axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("owners", [[0, 0, 0], [0, 1, 2]])
def test_one_question_or_single_wordings_give_the_identity(owners: list[int]) -> None:
    vectors = np.eye(3, dtype=np.float32)

    assert (fit(vectors, np.array(owners, np.int32)) == np.eye(3)).all()
