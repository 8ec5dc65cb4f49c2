"""Find out, before an answer is shown, if its question is open for its reader, or for others in the channel."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Notice
from bot.study.practice import queries

VIEWED_NOTICE = Notice(
    "This daily question is still open. You've seen the answer now, so it counts as practice for you."
)


async def record_viewing(study: Study, context: RequestContext, question_ids: Collection[str]) -> Notice | None:
    """Record that the member is about to be shown these answers.

    Returns what to tell them where one of the questions is open for them.
    """
    open_rounds = await study.store.query(queries.unanswered_open_rounds, context, question_ids)
    if not open_rounds:
        return None
    await study.store.transaction(queries.record_viewed, context, open_rounds)
    return VIEWED_NOTICE


def spoils(connection: Connection, context: RequestContext, question_ids: Collection[str]) -> bool:
    """Tell whether one of these answers would give away a question that is open in the workspace."""
    return not queries.open_questions(connection, context.workspace_id, context.at).isdisjoint(question_ids)
