"""Compare an answer with a question's key points and misconceptions, by the similarity of sentences.

Similarity shows what was mentioned, never whether it was right: a fluent wrong answer is as similar as a good one. So
nothing here says "correct", and callers show the reference next to the result.
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

MIN_TOPIC_SIMILARITY = 0.30
"""If the mean over key points of each one's nearest sentence is below this, the answer is about something else."""
MIN_PERHAPS = 0.35
MIN_MENTIONED = 0.45
MAX_LAG = 0.12
"""A sentence counts for the key point it's most similar to, and for others whose similarity is at most this much lower.
All key points of a question are about the same thing: without this limit, quoting two of them "mentions" three quarters
of the others; with it, none, and the bank's own answers still mention 85% of their key points."""
MIN_MISCONCEPTION = 0.70
MIN_LEAD = 0.05
"""A sentence is pointed out if it's at least `MIN_MISCONCEPTION` similar to a misconception, and by `MIN_LEAD` more
similar than to any key point.

Good answers mention misconceptions to reject them, so both have to contain a denial, or neither. In the bank's own
answers (40 at the time), 0.60 points out ten sentences without that condition, and two with it. A misconception quoted
from the bank is found seven times out of ten.
"""

MAX_ANSWER_LENGTH = 4000
"""Characters of an answer that count."""
MAX_SENTENCES = 60
MIN_LONG_SENTENCE = 25
"""A sentence of at least this many words is also compared clause by clause: people who type fast use few periods."""
MIN_CLAUSE = 5
"""Words of a clause that counts."""
MAX_SUBSTITUTE_POINTS = 6
"""Sentences of the reference answer that stand in for key points if a question has none."""

DENIAL = re.compile(r"\b(?:not|no|never|nor|none|without|cannot|neither|rather|instead|\w+n['’]t)\b", re.IGNORECASE)
END = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\betc\.)(?<!\bcf\.)(?<!\bapprox\.)[\"')\]]*\s+"
    r"|\n+\s*(?:[-*•]|\d+[.)])?\s*",
)
CLAUSE = re.compile(r",\s+|\s+(?:and|but|because|while|whereas|so)\s+")


@dataclass(frozen=True, slots=True)
class PointCoverage:
    """Whether the answer mentions a key point, and in which sentence ("" if it's missing)."""

    claim: str
    state: Literal["mentioned", "perhaps", "missing"]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class SuspectedMisconception:
    """A misconception, why it's wrong, and the sentence that sounds like it."""

    claim: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a question an answer covers. `share`: that of the key points, 0 to 1; a "perhaps" counts half.

    If the answer is `off_topic`, every point is missing.
    """

    points: tuple[PointCoverage, ...]
    misconceptions: tuple[SuspectedMisconception, ...]
    off_topic: bool
    share: float


def sentences(text: str) -> list[str]:
    """Split a text into sentences, each long one followed by its clauses; at most `MAX_SENTENCES`."""
    parts = []
    for part in END.split(text[:MAX_ANSWER_LENGTH]):
        sentence = " ".join(part.split())
        if not re.search(r"\w", sentence):
            continue
        parts.append(sentence)
        if len(sentence.split()) >= MIN_LONG_SENTENCE:
            parts += [clause for clause in CLAUSE.split(sentence) if len(clause.split()) >= MIN_CLAUSE]
    return parts[:MAX_SENTENCES]


def points_of(question: Question) -> tuple[str, ...]:
    """Return the key points, or if there are none, the first sentences of the reference answer, whole."""
    if question.key_points:
        return question.key_points
    long_enough = (sentence for sentence in END.split(question.answer) if len(sentence.split()) >= MIN_CLAUSE)
    return tuple(long_enough)[:MAX_SUBSTITUTE_POINTS]


def measure_coverage(question: Question, answer: str, embedder: Embedder) -> Coverage:
    """Find the key points that an answer mentions and the misconceptions that it seems to state.

    A sentence that's closer to a misconception than to every key point counts for no point. Raises ModelError.
    """
    parts = sentences(answer)
    claims = points_of(question)
    if not parts or not claims:
        return _off_topic(claims)
    references = [*claims, *(misconception.claim for misconception in question.misconceptions)]
    vectors = embedder.vectors([*map(plain, parts), *map(plain, references)])
    similarity = vectors[: len(parts)] @ vectors[len(parts) :].T  # a row per sentence
    to_points, to_misconceptions = np.split(similarity, [len(claims)], axis=1)
    if to_points.max(axis=0).mean() < MIN_TOPIC_SIMILARITY:
        return _off_topic(claims)
    lead = to_misconceptions - to_points.max(axis=1, keepdims=True)
    lagging = to_points < to_points.max(axis=1, keepdims=True) - MAX_LAG
    usable = np.where((lead.max(axis=1, initial=-1.0)[:, None] > 0) | lagging, -1.0, to_points)
    points = tuple(
        _point(claim, float(column.max()), parts[int(column.argmax())])
        for claim, column in zip(claims, usable.T, strict=True)
    )
    suspicious = np.where((to_misconceptions >= MIN_MISCONCEPTION) & (lead >= MIN_LEAD), to_misconceptions, -1.0).T
    suspected = tuple(
        SuspectedMisconception(misconception.claim, misconception.reason, sentence)
        for misconception, column in zip(question.misconceptions, suspicious, strict=True)
        if column.max() > 0
        and bool(DENIAL.search(sentence := parts[int(column.argmax())])) == bool(DENIAL.search(misconception.claim))
    )
    credit = {"mentioned": 1.0, "perhaps": 0.5, "missing": 0.0}
    return Coverage(points, suspected, False, sum(credit[point.state] for point in points) / len(points))


def _point(claim: str, similarity: float, sentence: str) -> PointCoverage:
    if similarity >= MIN_MENTIONED:
        return PointCoverage(claim, "mentioned", sentence)
    return PointCoverage(claim, "perhaps", sentence) if similarity >= MIN_PERHAPS else PointCoverage(claim, "missing")


def _off_topic(claims: Sequence[str]) -> Coverage:
    return Coverage(tuple(PointCoverage(claim, "missing") for claim in claims), (), True, 0.0)
