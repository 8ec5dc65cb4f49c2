"""Explanations: written by the inference backend over what the bank has, or the bank's own text, always labelled.

They grow into threads: each is kept, and a follow-up on it is explained with those before it in view.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.library import Library
from bot.context.study import Study
from bot.inference.client import CutShort, Inference, InferenceUnavailable
from bot.replies import Button, Buttons, Citation, Explanation, Notice, Reply
from bot.store.orm import Channel, Delivery, Round
from bot.study.lookup.ask import BY_WORDS, LABEL, peeked_at
from bot.study.lookup.explanations import (
    Thread,
    by_token,
    kept,
    newest_here,
    of_request,
    spoiled,
    thread_of,
    told_again,
)
from bot.study.lookup.prompts import Turn, checked, citations, from_bank, prompt, refused
from bot.study.lookup.sources import SOURCES, fitting, following
from bot.text.cleaning import short
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

log = structlog.get_logger()

WHAT = Notice("What would you like to know? Write it after my name, like: how does LoRA save memory?")
SPOILER = Notice(
    "That is today's open question, so I keep it to myself here: the answer comes at the reveal. `explain` tells you "
    "now, in private, and then it counts as practice for you."
)


async def explain(study: Study, context: RequestContext, *, text: str) -> AsyncIterator[Reply]:
    """Drafts of a growing explanation, then the whole with its sources to open."""
    found = await study.library.search(text)
    told = _over(study.inference, text, fitting(found), found)
    async for reply in _growing(study, context, text, told, note=BY_WORDS if found.keywords_only else None):
        yield reply


async def followup(study: Study, context: RequestContext, *, to: str, text: str) -> AsyncIterator[Reply]:
    """An explanation that goes on from an earlier one."""
    async with study.store.read() as session:
        thread = await thread_of(session, context, await by_token(session, context, to), public=False)
    sources, deeper, found = await following(study.library, thread, text)
    told = _over(study.inference, text, sources, found, thread.turns, deeper=deeper)
    async for reply in _growing(study, context, text, told, thread):
        yield reply


async def talk(study: Study, context: RequestContext, *, text: str = "") -> AsyncIterator[Reply]:
    """A word to the bot: follows up on what was last explained there, for all who are there to read.

    In the thread of a daily question it explains from that question. It never shows others what is still open.
    """
    if not text:
        yield Reply.of(WHAT)
        return
    public = not context.location.direct
    async with study.store.read() as session:
        parent, question = await newest_here(session, context), None
        if parent is None or parent.channel_id != context.channel_id:
            question = study.library.bank.get(await _thread_question(session, context) or "")
        thread = await thread_of(session, context, parent, public=public) if parent and not question else None
        if thread and public and await spoiled(session, context, thread.rests_on):
            thread = Thread(thread.parent, (), frozenset())  # its sources may still do, its words would not
    if thread:
        sources, deeper, found = await following(study.library, thread, text)
    else:
        found, deeper = await study.library.search(text), False
        first = (question,) if question else ()
        sources = tuple(dict.fromkeys((*first, *fitting(found))))[:SOURCES]
    async with study.store.read() as session:
        spoils = public and await spoiled(session, context, [source.id for source in sources])
    if spoils:
        yield Reply.of(SPOILER)
        return
    thread = thread if thread and thread.turns else None
    told = _over(study.inference, text, sources, found, thread.turns if thread else (), deeper=deeper)
    async for reply in _growing(study, context, text, told, thread, public=public):
        yield reply


async def explanation_of(library: Library, inference: Inference | None, text: str) -> AsyncIterator[Explanation]:
    """By the model if there is one, in growing drafts; else, or when it fails, the bank's own text, labelled."""
    found = await library.search(text)
    async for told in _over(inference, text, fitting(found), found):
        yield told


async def _over(
    inference: Inference | None,
    text: str,
    sources: tuple[Question, ...],
    found: SearchResult,
    earlier: Sequence[Turn] = (),
    *,
    deeper: bool = False,
) -> AsyncIterator[Explanation]:
    """An explanation over these sources; `deeper` where they were told before, so that only more of them helps."""
    if not sources:
        yield refused(found)
        return
    if inference is None:
        yield from_bank(sources, why="no inference server is configured", deeper=deeper)
        return
    written, cut = "", ""
    try:
        async for piece in inference.stream(prompt(text, sources, earlier)):
            written += piece
            if written.strip():
                yield Explanation(written, "model", citations(sources), done=False)
    except CutShort as problem:
        cut = str(problem)
    except InferenceUnavailable as problem:
        log.warning("inference", problem=str(problem))
        yield from_bank(sources, why=str(problem), deeper=deeper)
        return
    yield checked(written, sources, cut, deeper=deeper)


async def _growing(
    study: Study,
    context: RequestContext,
    asked: str,
    explanations: AsyncIterator[Explanation],
    thread: Thread | None = None,
    *,
    public: bool = False,
    note: Notice | None = None,
) -> AsyncIterator[Reply]:
    """Replies of an explanation as it grows; the last of them is kept and has the buttons.

    A request that comes a second time is told what it was told the first time; the model is not asked again.
    """
    async with study.store.read() as session:
        before = await of_request(session, context)
    if before is not None:
        told = told_again(before, study.library.bank)
        yield Reply.of(told, opening(told), going_on(before.explanation_key, share=not before.is_public))
        return
    shown: tuple[Citation, ...] = ()
    peeked: Notice | None = None
    async for told in explanations:
        if told.citations and told.citations != shown and not public:  # before a word of them is shown
            shown = told.citations
            behind = thread.rests_on if thread and told.source == "model" else ()
            peeked = await peeked_at(study, context, [*(c.id for c in shown), *behind]) or peeked
        if not told.done or told.source == "refused":
            yield Reply.of(note, told, peeked)
            continue
        token = await kept(study, context, asked, told, thread.parent.id if thread else None, public=public)
        yield Reply.of(note, told, peeked, opening(told), going_on(token, share=not public) if token else None)


def opening(told: Explanation) -> Buttons | None:
    """The sources to open, each in private."""
    opened = tuple(Button(short(c.title, LABEL), f"show {c.id}") for c in told.citations)
    return Buttons(opened, prompt="Sources:") if opened else None


def going_on(token: str, *, share: bool) -> Buttons:
    """What one can do with an explanation; what the channel has read need not be shared with it."""
    more = Button("Ask more", f"followup {token}")
    return Buttons((more, Button("Share", f"share explanation {token}")) if share else (more,))


async def _thread_question(session: AsyncSession, context: RequestContext) -> str | None:
    """The id of the daily question whose thread the asker writes in."""
    query = (
        select(Round.question_id)
        .join(Delivery, col(Delivery.id) == Round.delivery_id)
        .join(Channel, col(Channel.id) == Delivery.channel_id)
        .where(Channel.workspace_id == context.workspace_id, Delivery.thread_ref == context.location.channel)
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()
