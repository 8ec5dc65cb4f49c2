"""Store explanations, find them by key, and follow them back to the start of their thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog
from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import DatabaseError, NotFoundError
from bot.replies import Citation, Explanation
from bot.store.models import StoredExplanation
from bot.study.lookup import queries
from bot.study.lookup.prompts import MAX_TURNS, Turn
from bot.study.members.queries import member_if_stored
from bot.study.practice.rounds import new_key
from bot.text.cleaning import clean
from knowledge.questions import Bank

log = structlog.get_logger()

MAX_AGE_HERE, MAX_AGE_NEARBY = timedelta(hours=24), timedelta(hours=1)
"""How long a conversation can continue the last explanation in its channel, and in nearby ones."""
MAX_DEPTH = 20
"""How many explanations of a thread are followed back."""
RETENTION = timedelta(days=365)
"""How long an explanation can be followed up or shared; the member's next one deletes older ones."""
KEY_SIZE = 10


@dataclass(frozen=True, slots=True)
class Thread:
    """An explanation to follow up on.

    `turns` are the explanations up to this one that may be shown where the follow-up is read, newest first.
    `question_ids` are all questions that these explanations are based on.
    """

    parent: StoredExplanation
    turns: tuple[Turn, ...]
    question_ids: frozenset[str]


async def store(
    study: Study, context: RequestContext, request_text: str, explanation: Explanation, thread: Thread | None,
    *, public: bool,
) -> str | None:  # fmt: skip
    """Store a finished explanation, once per request, and return its key; None if that fails.

    A failure is only logged, because the member has already read the explanation.
    """
    new = StoredExplanation(
        explanation_key=new_key(KEY_SIZE),
        request_id=context.request_id,
        workspace_id=context.workspace_id,
        channel_id=context.channel_id,
        member_id=context.member_id,
        parent_id=thread.parent.id if thread else None,
        request_text=request_text,
        text=clean(explanation.text),
        source=explanation.source,
        reason=explanation.reason,
        questions=[citation.id for citation in explanation.citations],
        is_public=public,
        at=context.at,
    )
    try:
        return await study.store.transaction(_store, context, new)
    except DatabaseError as problem:
        log.warning("explanation not stored", problem=str(problem))
        return None


def _store(connection: Connection, context: RequestContext, new: StoredExplanation) -> str | None:
    # Members can delete everything about them, and so a thread's parent, while its next explanation is being written.
    if member_if_stored(connection, context.member_id, lock=True) is None:
        return None
    if before := queries.explanation_of_request(connection, context):
        return before.explanation_key
    queries.delete_explanations_before(connection, context.member_id, context.at - RETENTION)
    if new.parent_id is not None and queries.explanation(connection, new.parent_id, lock=True) is None:
        new = new.model_copy(update={"parent_id": None})
    queries.add_explanation(connection, new)
    return new.explanation_key


def require_explanation(connection: Connection, context: RequestContext, key: str) -> StoredExplanation:
    """Return the explanation of that key. Raises NotFoundError, alike for none and for another workspace's."""
    stored = queries.explanation_by_key(connection, context, key)
    if stored is None:
        raise NotFoundError("That explanation is no longer available. `explain` gets you a new one.")
    return stored


def newest_here(connection: Connection, context: RequestContext) -> StoredExplanation | None:
    """Find the newest explanation that a conversation in this channel can continue."""
    return queries.newest_explanation(connection, context, max_age_here=MAX_AGE_HERE, max_age_nearby=MAX_AGE_NEARBY)


def load_thread(connection: Connection, context: RequestContext, parent: StoredExplanation, *, public: bool) -> Thread:
    """Follow an explanation back to the start of its thread.

    `turns` end at the first one that others got in private; if the follow-up is `public`, also at the member's own.
    """
    question_ids, turns, may_show = set[str](), list[Turn](), True
    stored: StoredExplanation | None = parent
    for _ in range(MAX_DEPTH):
        if stored is None:
            break
        question_ids.update(stored.questions)
        own = not public and (stored is parent or stored.member_id == context.member_id)
        may_show = may_show and (own or stored.is_public)
        if may_show and len(turns) < MAX_TURNS:
            turns.append(Turn(stored.request_text, stored.text))
        stored = queries.explanation(connection, stored.parent_id) if stored.parent_id else None
    return Thread(parent, tuple(turns), frozenset(question_ids))


def restore(stored: StoredExplanation, bank: Bank) -> Explanation:
    """Return a stored explanation as it was read, citing those of its sources that are still in the bank."""
    numbered = [(number, bank.get(question_id)) for number, question_id in enumerate(stored.questions, 1)]
    citations = tuple(Citation(number, q.id, q.title) for number, q in numbered if q is not None)
    source: Literal["model", "bank"] = "bank" if stored.source == "bank" else "model"
    return Explanation(stored.text, source, citations, reason=stored.reason)
