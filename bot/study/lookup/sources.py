"""Find the questions an explanation is based on: by search, or because a follow-up refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.context.library import Library
from bot.study.lookup.explanations import Thread
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

MAX_SOURCES = 3
MIN_OWN_TOPIC = 0.8
"""If one topic has at least this probability, a follow-up names its own subject. "What is LoRA?" reaches 0.99, "why
is that?" 0.08, "can you give an example" 0.61: words that fit anything find something, but spread over the topics."""


def sources_of(found: SearchResult) -> tuple[Question, ...]:
    """Return the sources that a search finds; none if nothing fits."""
    if not found.answered:
        return ()
    # Hits far below the best one would only lead the model astray.
    return tuple(hit.question for hit in found.hits[:MAX_SOURCES] if hit.score >= found.hits[0].score / 2)


async def follow_up_sources(
    library: Library, thread: Thread, text: str
) -> tuple[tuple[Question, ...], bool, SearchResult]:
    """Return the sources of a follow-up, whether they are just its parent's, and what its words alone find.

    If its words name a subject, only they are searched for. Otherwise it's about the parent's subject, or something
    close.
    """
    found = await library.search(text)
    before = tuple(question for known in thread.parent.questions if (question := library.bank.get(known)))
    if not before or _names_own_subject(found):
        return sources_of(found), False, found
    # An id is the shortest name of its subject; a title would only find itself.
    nearby = sources_of(await library.search(f"{before[0].id.replace('-', ' ')}: {text}"))
    if not nearby or nearby[0] in before:
        return before, True, found
    return tuple(dict.fromkeys((*nearby, *before)))[:MAX_SOURCES], False, found


def _names_own_subject(found: SearchResult) -> bool:
    if not found.answered:
        return False
    topic = found.hits[0].question.topic
    return sum(hit.score for hit in found.hits if hit.question.topic == topic) >= MIN_OWN_TOPIC
