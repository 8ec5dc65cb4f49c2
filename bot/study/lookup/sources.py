"""Which questions of the bank an explanation rests on: what a search finds, and what a follow-up means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.context.library import Library
from bot.study.lookup.explanations import Thread
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

SOURCES = 3
STANDS_ALONE = 0.8
"""Probability of one topic from which on a follow-up names its own subject. "What is LoRA?" reaches 0.99, "why is
that?" 0.08, "can you give an example" 0.61: words that fit anything find something, but spread over the topics."""


def fitting(found: SearchResult) -> tuple[Question, ...]:
    """The sources that a search gives; none where nothing fits."""
    if not found.answered:
        return ()
    # Hits far below the best one would only lead the model astray.
    return tuple(hit.question for hit in found.hits[:SOURCES] if hit.score >= found.hits[0].score / 2)


async def following(library: Library, thread: Thread, text: str) -> tuple[tuple[Question, ...], bool, SearchResult]:
    """The sources of a follow-up, whether they are the parent's own, and what its words alone find.

    Words that name a subject are searched for as they are. Others mean the parent's subject, or something beside it.
    """
    found = await library.search(text)
    before = tuple(q for id in thread.parent.questions if (q := library.bank.get(id)))
    if not before or _stands_alone(found):
        return fitting(found), False, found
    # An id is the shortest name of its subject; a title would only find itself.
    beside = fitting(await library.search(f"{before[0].id.replace('-', ' ')}: {text}"))
    if not beside or beside[0] in before:
        return before, True, found
    return tuple(dict.fromkeys((*beside, *before)))[:SOURCES], False, found


def _stands_alone(found: SearchResult) -> bool:
    if not found.answered:
        return False
    topic = found.hits[0].question.topic
    return sum(hit.score for hit in found.hits if hit.question.topic == topic) >= STANDS_ALONE
