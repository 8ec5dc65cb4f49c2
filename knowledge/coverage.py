"""An answer in somebody's own words beside a question's key points and misconceptions, by likeness of sentences.

Likeness can tell what was mentioned, never whether it was right: a fluent wrong answer is as like as a good one.
So nothing here says "correct", and whoever shows it shows the reference beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from knowledge.questions import Question
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.passages import plain

OFF_TOPIC = 0.30
"""Below this likeness, the mean over key points of each one's nearest sentence, an answer is about something else."""
PERHAPS = 0.35
MENTIONED = 0.45
NEAREST = 0.12
"""A sentence speaks for the key point it is most like, and for others that are at most so much less like it. All key
points of a question speak of the same thing: without this, two of them said word for word "mention" three quarters of
the others; with it none, and the bank's own answers still mention 85 % of their key points."""
MISTAKEN = 0.70
MARGIN = 0.05
"""A sentence this like a misconception, and by this much more than any key point, is pointed out.

Good answers name misconceptions to reject them, so only where both or neither deny something. Of the bank's own 40
answers, 0.60 without that condition points out ten sentences, this two. Said as it stands in the bank, a misconception
is found seven times in ten.
"""

LONGEST = 4000
"""Characters of an answer that count."""
SENTENCES = 60
CLAUSES_FROM = 25
"""A sentence of at least so many words counts by its clauses too: people who type fast use few full stops."""
CLAUSE_WORDS = 5
MOST_POINTS = 6
"""Sentences of an answer that stand in for key points where a question has none."""

DENIAL = re.compile(r"\b(?:not|no|never|nor|none|without|cannot|neither|rather|instead|\w+n['’]t)\b", re.IGNORECASE)
END = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\betc\.)(?<!\bcf\.)(?<!\bapprox\.)[\"')\]]*\s+"
    r"|\n+\s*(?:[-*•]|\d+[.)])?\s*",
)
CLAUSE = re.compile(r",\s+|\s+(?:and|but|because|while|whereas|so)\s+")


@dataclass(frozen=True, slots=True)
class PointFound:
    """A key point and how it was found, by which sentence of the answer ("" where it is missing)."""

    claim: str
    state: Literal["mentioned", "perhaps", "missing"]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class MisconceptionFound:
    """A misconception, why it is wrong, and the sentence that sounds like it."""

    claim: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a question an answer touches. `share` of the key points, 0 to 1: a "perhaps" counts half.

    Where it is `off_topic`, everything is missing.
    """

    points: tuple[PointFound, ...]
    misconceptions: tuple[MisconceptionFound, ...]
    off_topic: bool
    share: float


def sentences(text: str) -> list[str]:
    """Sentences, and after each long one its clauses, in order; at most `SENTENCES`."""
    found = []
    for sentence in END.split(text[:LONGEST]):
        sentence = " ".join(sentence.split())
        if not re.search(r"\w", sentence):
            continue
        found.append(sentence)
        if len(sentence.split()) >= CLAUSES_FROM:
            found += [clause for clause in CLAUSE.split(sentence) if len(clause.split()) >= CLAUSE_WORDS]
    return found[:SENTENCES]


def points_of(question: Question) -> tuple[str, ...]:
    """The key points; of a question without any, the first sentences of its answer, as a key point may be long."""
    if question.key_points:
        return question.key_points
    return tuple(s for s in END.split(question.answer) if len(s.split()) >= CLAUSE_WORDS)[:MOST_POINTS]


def compare(question: Question, text: str, embedder: Embedder) -> Coverage:
    """Which key points the answer mentions. A sentence nearer to a misconception than to any point counts for none."""
    said = sentences(text)
    expected = points_of(question)
    if not said or not expected:
        return _nothing(expected)
    claims = [*expected, *(misconception.claim for misconception in question.misconceptions)]
    vectors = embedder.vectors([*map(plain, said), *map(plain, claims)])
    likeness = vectors[: len(said)] @ vectors[len(said) :].T
    points, mistakes = np.split(likeness, [len(expected)], axis=1)
    if points.max(axis=0).mean() < OFF_TOPIC:
        return _nothing(expected)
    ahead = mistakes - points.max(axis=1, keepdims=True)
    far = points < points.max(axis=1, keepdims=True) - NEAREST
    usable = np.where((ahead.max(axis=1, initial=-1.0)[:, None] > 0) | far, -1.0, points)
    found = tuple(
        _point(claim, float(column.max()), said[int(column.argmax())])
        for claim, column in zip(expected, usable.T, strict=True)
    )
    clashes = np.where((mistakes >= MISTAKEN) & (ahead >= MARGIN), mistakes, -1.0).T
    doubts = tuple(
        MisconceptionFound(misconception.claim, misconception.reason, sentence)
        for misconception, column in zip(question.misconceptions, clashes, strict=True)
        if column.max() > 0
        and bool(DENIAL.search(sentence := said[int(column.argmax())])) == bool(DENIAL.search(misconception.claim))
    )
    worth = {"mentioned": 1.0, "perhaps": 0.5, "missing": 0.0}
    return Coverage(found, doubts, False, sum(worth[point.state] for point in found) / len(found))


def _point(claim: str, likeness: float, sentence: str) -> PointFound:
    if likeness >= MENTIONED:
        return PointFound(claim, "mentioned", sentence)
    return PointFound(claim, "perhaps", sentence) if likeness >= PERHAPS else PointFound(claim, "missing")


def _nothing(expected: Sequence[str]) -> Coverage:
    return Coverage(tuple(PointFound(claim, "missing") for claim in expected), (), True, 0.0)
