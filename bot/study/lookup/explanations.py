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

from bot.context.identity import Asker, Study
from bot.errors import DatabaseError, NotFound
from bot.replies import Citation, Explanation
from bot.store.models import Channel, Explained, Member
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

    parent: Explained
    turns: tuple[Turn, ...]
    rests_on: frozenset[str]


async def kept(
    study: Study, asker: Asker, asked: str, told: Explanation, parent_id: int | None, *, public: bool
) -> str | None:
    """Keep a finished explanation, once for each request; its token.

    None where it could not be: what was read stays read.
    """
    try:
        async with study.store.write() as session:
            # A thread can be deleted for good while its next explanation is being written.
            if await session.get(Member, asker.member_id, with_for_update=True) is None:
                return None
            if again := await of_request(session, asker):
                return again.token
            forgotten = (col(Explained.member_id) == asker.member_id, col(Explained.at) < asker.at - KEPT)
            await session.exec(delete(Explained).where(*forgotten))
            parent = await session.get(Explained, parent_id, with_for_update=True) if parent_id else None
            row = Explained(
                token=new_token(),
                request_id=asker.request_id,
                workspace_id=asker.workspace_id,
                channel_id=asker.channel_id,
                member_id=asker.member_id,
                parent_id=parent.id if parent else None,
                asked=asked,
                text=clean(told.text),
                source=told.source,
                why=told.why,
                questions=[citation.id for citation in told.citations],
                public=public,
                at=asker.at,
            )
            session.add(row)
    except DatabaseError as problem:
        log.warning("explanation not kept", problem=str(problem))
        return None
    return row.token


async def by_token(session: AsyncSession, asker: Asker, token: str) -> Explained:
    """The explanation of that token in the asker's workspace. Raises NotFound, alike for other workspaces'."""
    query = select(Explained).where(
        Explained.token == token.strip().lower(), Explained.workspace_id == asker.workspace_id
    )
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound("There is no explanation by that mark here any more. `explain` gives you a new one.")
    return found


async def of_request(session: AsyncSession, asker: Asker) -> Explained | None:
    """What this very request was told before: platforms may deliver one twice."""
    query = select(Explained).where(
        Explained.workspace_id == asker.workspace_id, Explained.request_id == asker.request_id
    )
    return (await session.exec(query)).first()


async def newest_here(session: AsyncSession, asker: Asker) -> Explained | None:
    """The newest explanation of the last day that a talk in this channel may go on from.

    Among others, that is one for all to read; alone with the bot, any of the asker's own. Where there is none here, it
    is the newest around: of the channel that a thread is in, or of wherever the asker was.
    """
    here = col(Explained.channel_id) == asker.channel_id
    around = col(Channel.external_id) == asker.place.inside
    mine = col(Explained.member_id) == asker.member_id
    query = (
        select(Explained)
        .join(Channel, col(Channel.id) == Explained.channel_id)
        .where(
            Explained.workspace_id == asker.workspace_id,
            mine if asker.place.direct else and_(col(Explained.public), or_(here, around)),
            col(Explained.at) > asker.at - FRESH,
            or_(here, col(Explained.at) > asker.at - ELSEWHERE),
        )
        .order_by(here.desc(), col(Explained.at).desc(), col(Explained.id).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()


async def thread_of(session: AsyncSession, asker: Asker, parent: Explained, *, public: bool) -> Thread:
    """The thread up to an explanation; what others were told in private before it is no context for the asker.

    Where what follows is `public`, neither is what the asker was told alone.
    """
    rests_on, turns, knows = set[str](), list[Turn](), True
    row: Explained | None = parent
    for _ in range(DEEPEST):
        if row is None:
            break
        rests_on.update(row.questions)
        mine = not public and (row is parent or row.member_id == asker.member_id)
        knows = knows and (mine or row.public)
        if knows and len(turns) < TURNS:
            turns.append(Turn(row.asked, row.text))
        row = await session.get(Explained, row.parent_id) if row.parent_id else None
    return Thread(parent, tuple(turns), frozenset(rests_on))


async def spoiled(session: AsyncSession, asker: Asker, questions: Collection[str]) -> bool:
    """Whether any of the questions is a daily one still open in the workspace, which no channel may be shown."""
    return not (await open_questions(session, asker.workspace_id, asker.at)).isdisjoint(questions)


_SOURCES: dict[str, Literal["model", "cache", "bank"]] = {"model": "model", "cache": "cache", "bank": "bank"}


def told_again(row: Explained, bank: Bank) -> Explanation:
    """A kept explanation as it was read, citing what is still in the bank."""
    cited = [(n, bank.get(id)) for n, id in enumerate(row.questions, 1)]
    citations = tuple(Citation(n, q.id, q.title) for n, q in cited if q is not None)
    return Explanation(row.text, _SOURCES.get(row.source, "model"), citations, why=row.why)
