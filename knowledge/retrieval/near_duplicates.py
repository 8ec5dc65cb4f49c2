"""Which questions of a bank ask nearly the same, by likeness of their titles and of the other ways they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from knowledge.questions import Question
from knowledge.retrieval.index import Index

TITLES_ALIKE = 0.92
"""Titles this like each other (cosine) ask the same."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two questions that ask nearly the same; `likeness` of their titles, -1 to 1."""

    one: Question
    other: Question
    likeness: float


def twins(index: Index, least: float = TITLES_ALIKE) -> Iterator[Twins]:
    """Pairs in the order of the bank whose titles are at least so like each other."""
    questions, titles = tuple(index.windows.bank), index.vectors[index.windows.firsts]
    likeness = np.triu(titles @ titles.T, k=1)
    for one, other in np.argwhere(likeness >= least).tolist():
        yield Twins(questions[one], questions[other], float(likeness[one, other]))
