"""A quiz about what somebody wrote: the question of the bank that is nearest to a message, as practice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Reply
from bot.study.lookup.ask import nothing
from bot.study.practice.rounds import open_questions, retired_questions
from bot.study.practice.selection import pose

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

SENTENCES = 6
"""Most sentences of a message that are looked at each by itself."""
SHORTEST = 12
"""Characters below which a sentence says nothing to go by."""


async def quiz(study: Study, context: RequestContext, *, text: str) -> Reply:
    """A practice question on what a message is about; never one that is open or retired here."""
    async with study.store.read() as session:
        shut = await open_questions(session, context.workspace_id, context.at)
        shut |= await retired_questions(session, context.workspace_id)
    whole, *sentences = pieces(text)
    best = await study.library.search(whole, without=shut)
    topics = best.topics
    if not best.answered:
        # Small talk around it hides what a message is about; one of its sentences may say it.
        found = [await study.library.search(sentence, without=shut) for sentence in sentences]
        best = max(found, key=_fits, default=best)
    if not best.answered:
        return nothing(topics)
    return await pose(study, context, best.hits[0].question)


def pieces(text: str) -> list[str]:
    """The message, as much of it as a search reads, then its sentences: those that ask first, then the longer ones."""
    from knowledge.retrieval.search import MAX_QUERY_LENGTH

    whole = text if len(text) <= MAX_QUERY_LENGTH else text[:MAX_QUERY_LENGTH].rsplit(maxsplit=1)[0]
    split = (sentence.strip() for sentence in re.split(r"(?<=[.?!])\s+|\n+", text))
    sentences = [sentence[:MAX_QUERY_LENGTH] for sentence in split if len(sentence) >= SHORTEST]
    sentences.sort(key=lambda sentence: (not sentence.endswith("?"), -len(sentence)))
    return [whole, *list(dict.fromkeys(sentences))[:SENTENCES]]


def _fits(found: SearchResult) -> float:
    return found.hits[0].score if found.answered else 0.0
