"""Explanations that were given: kept, found again by their token, and followed back to what they began with."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog
from sqlmodel import and_, col, delete, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import DatabaseError, NotFound
from bot.replies import Citation, Explanation
from bot.store.orm import Channel, Member, StoredExplanation
from bot.study.lookup.prompts import TURNS, Turn
from bot.study.practice.rounds import open_questions
from bot.text.cleaning import clean
from knowledge.questions import Bank

log = structlog.get_logger()

FRESH, ELSEWHERE = timedelta(hours=24), timedelta(hours=1)
"""How long one may go on from what was last read in a channel by talking to the bot there, and around it."""
DEEPEST = 20
"""Explanations of one thread that are followed back."""
KEPT = timedelta(days=365)
"""How long an explanation can be followed up on or shared; its member's next one sweeps those before away."""

_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads like something else


def new_token() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(10))


@dataclass(frozen=True, slots=True)
class Thread:
    """An explanation to follow up on. `turns` are those up to it that the asker may know, newest first.

    `rests_on` are the questions that it and all before it rest on.
    """

    parent: StoredExplanation
    turns: tuple[Turn, ...]
    rests_on: frozenset[str]


async def kept(
    study: Study, context: RequestContext, asked: str, told: Explanation, parent_id: int | None, *, public: bool
) -> str | None:
    """Keep a finished explanation, once for each request; its token.

    None where it could not be: what was read stays read.
    """
    try:
        async with study.store.write() as session:
            # A thread can be deleted for good while its next explanation is being written.
            if await session.get(Member, context.member_id, with_for_update=True) is None:
                return None
            if again := await of_request(session, context):
                return again.explanation_key
            forgotten = (
                col(StoredExplanation.member_id) == context.member_id,
                col(StoredExplanation.at) < context.at - KEPT,
            )
            await session.exec(delete(StoredExplanation).where(*forgotten))
            parent = await session.get(StoredExplanation, parent_id, with_for_update=True) if parent_id else None
            row = StoredExplanation(
                explanation_key=new_token(),
                request_id=context.request_id,
                workspace_id=context.workspace_id,
                channel_id=context.channel_id,
                member_id=context.member_id,
                parent_id=parent.id if parent else None,
                request_text=asked,
                text=clean(told.text),
                source=told.source,
                reason=told.reason,
                questions=[citation.id for citation in told.citations],
                is_public=public,
                at=context.at,
            )
            session.add(row)
    except DatabaseError as problem:
        log.warning("explanation not kept", problem=str(problem))
        return None
    return row.explanation_key


async def by_token(session: AsyncSession, context: RequestContext, token: str) -> StoredExplanation:
    """The explanation of that token in the asker's workspace. Raises NotFound, alike for other workspaces'."""
    query = select(StoredExplanation).where(
        StoredExplanation.explanation_key == token.strip().lower(),
        StoredExplanation.workspace_id == context.workspace_id,
    )
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound("There is no explanation by that mark here any more. `explain` gives you a new one.")
    return found


async def of_request(session: AsyncSession, context: RequestContext) -> StoredExplanation | None:
    """What this very request was told before: platforms may deliver one twice."""
    query = select(StoredExplanation).where(
        StoredExplanation.workspace_id == context.workspace_id, StoredExplanation.request_id == context.request_id
    )
    return (await session.exec(query)).first()


async def newest_here(session: AsyncSession, context: RequestContext) -> StoredExplanation | None:
    """The newest explanation of the last day that a talk in this channel may go on from.

    Among others, that is one for all to read; alone with the bot, any of the asker's own. Where there is none here, it
    is the newest around: of the channel that a thread is in, or of wherever the asker was.
    """
    here = col(StoredExplanation.channel_id) == context.channel_id
    around = col(Channel.external_id) == context.location.parent_channel
    mine = col(StoredExplanation.member_id) == context.member_id
    query = (
        select(StoredExplanation)
        .join(Channel, col(Channel.id) == StoredExplanation.channel_id)
        .where(
            StoredExplanation.workspace_id == context.workspace_id,
            mine if context.location.direct else and_(col(StoredExplanation.is_public), or_(here, around)),
            col(StoredExplanation.at) > context.at - FRESH,
            or_(here, col(StoredExplanation.at) > context.at - ELSEWHERE),
        )
        .order_by(here.desc(), col(StoredExplanation.at).desc(), col(StoredExplanation.id).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()


async def thread_of(
    session: AsyncSession, context: RequestContext, parent: StoredExplanation, *, public: bool
) -> Thread:
    """The thread up to an explanation; what others were told in private before it is no context for the asker.

    Where what follows is `public`, neither is what the asker was told alone.
    """
    rests_on, turns, knows = set[str](), list[Turn](), True
    row: StoredExplanation | None = parent
    for _ in range(DEEPEST):
        if row is None:
            break
        rests_on.update(row.questions)
        mine = not public and (row is parent or row.member_id == context.member_id)
        knows = knows and (mine or row.is_public)
        if knows and len(turns) < TURNS:
            turns.append(Turn(row.request_text, row.text))
        row = await session.get(StoredExplanation, row.parent_id) if row.parent_id else None
    return Thread(parent, tuple(turns), frozenset(rests_on))


async def spoiled(session: AsyncSession, context: RequestContext, questions: Collection[str]) -> bool:
    """Whether any of the questions is a daily one still open in the workspace, which no channel may be shown."""
    return not (await open_questions(session, context.workspace_id, context.at)).isdisjoint(questions)


_SOURCES: dict[str, Literal["model", "cache", "bank"]] = {"model": "model", "cache": "cache", "bank": "bank"}


def told_again(row: StoredExplanation, bank: Bank) -> Explanation:
    """A kept explanation as it was read, citing what is still in the bank."""
    cited = [(n, bank.get(id)) for n, id in enumerate(row.questions, 1)]
    citations = tuple(Citation(n, q.id, q.title) for n, q in cited if q is not None)
    return Explanation(row.text, _SOURCES.get(row.source, "model"), citations, reason=row.reason)
