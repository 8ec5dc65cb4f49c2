"""Practice from a message: the bank's question that's closest to what somebody wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Reply
from bot.study.lookup.ask import nothing_found
from bot.study.practice.queries import unavailable_questions
from bot.study.practice.selection import ask_as_practice

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

MAX_SENTENCES = 6
"""How many sentences of a message are also searched for one by one."""
MIN_SENTENCE = 12
"""A sentence with fewer characters is too short to be worth searching for."""


async def quiz(study: Study, context: RequestContext, *, text: str) -> Reply:
    """Ask a practice question about the topic of a message, never one that is open or retired in the workspace."""
    unavailable = await study.store.query(unavailable_questions, context)
    whole, *sentences = search_texts(text)
    best = await study.library.search(whole, without=unavailable)
    topics = best.topics
    if not best.answered:
        # Small talk around it can hide what a message is about; one of its sentences may say it.
        found = [await study.library.search(sentence, without=unavailable) for sentence in sentences]
        best = max(found, key=_score, default=best)
    if not best.answered:
        return nothing_found(topics)
    return await ask_as_practice(study, context, best.hits[0].question)


def search_texts(text: str) -> list[str]:
    """Return as much of the message as a search reads, then its sentences: questions first, then longer ones first."""
    from knowledge.retrieval.search import MAX_QUERY_LENGTH

    whole = text if len(text) <= MAX_QUERY_LENGTH else text[:MAX_QUERY_LENGTH].rsplit(maxsplit=1)[0]
    parts = (part.strip() for part in re.split(r"(?<=[.?!])\s+|\n+", text))
    sentences = [part[:MAX_QUERY_LENGTH] for part in parts if len(part) >= MIN_SENTENCE]
    sentences.sort(key=lambda sentence: (not sentence.endswith("?"), -len(sentence)))
    return [whole, *list(dict.fromkeys(sentences))[:MAX_SENTENCES]]


def _score(found: SearchResult) -> float:
    return found.hits[0].score if found.answered else 0.0
