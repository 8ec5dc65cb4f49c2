"""Find questions of a bank that ask nearly the same thing, by how similar their titles are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from knowledge.questions import Question
from knowledge.retrieval.index import Index

MIN_TITLE_SIMILARITY = 0.92
"""Two titles with at least this cosine ask the same thing."""


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two questions that ask nearly the same thing; `similarity` is the cosine of their titles, -1 to 1."""

    first: Question
    second: Question
    similarity: float


def near_duplicates(index: Index) -> Iterator[NearDuplicate]:
    """Yield the pairs whose titles are at least `MIN_TITLE_SIMILARITY` similar, in the order of the bank."""
    questions, titles = tuple(index.passages.bank), index.vectors[index.passages.firsts]
    similarity = np.triu(titles @ titles.T, k=1)
    for first, second in np.argwhere(similarity >= MIN_TITLE_SIMILARITY).tolist():
        yield NearDuplicate(questions[first], questions[second], float(similarity[first, second]))
