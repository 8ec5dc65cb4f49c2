"""Explanations: written by the inference server based on the bank, or the bank's own text, and always labeled.

Each is stored, and follow-ups are written with the earlier ones as context.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from bot import metrics
from bot.context.identity import RequestContext
from bot.context.library import Library
from bot.context.study import Study
from bot.inference.client import Inference, InferenceCutShortError, InferenceError
from bot.replies import Button, Buttons, Citation, Explanation, Notice, Reply
from bot.study.lookup import explanations, queries
from bot.study.lookup.ask import KEYWORDS_ONLY, MAX_LABEL
from bot.study.lookup.explanations import Thread, load_thread, newest_here, require_explanation, restore
from bot.study.lookup.prompts import Turn, citations, from_bank, nothing_found, prompt, validate
from bot.study.lookup.sources import MAX_SOURCES, follow_up_sources, sources_of
from bot.study.practice.open_questions import record_viewing, spoils
from bot.text.cleaning import short
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

log = structlog.get_logger()

WHAT_TO_ASK = Notice("What would you like to know? Write it after my name, like: how does LoRA save memory?")
SPOILER = Notice(
    "That's today's open question, so I can't answer it here before the reveal. `explain` tells you now, in private, "
    "but then it only counts as practice for you."
)


async def explain(study: Study, context: RequestContext, *, text: str) -> AsyncIterator[Reply]:
    """Explain something: yield drafts as the text grows, then the complete text with buttons for its sources."""
    found = await study.library.search(text)
    drafts = _write(study.inference, text, sources_of(found), found)
    async for reply in _replies(study, context, text, drafts, note=KEYWORDS_ONLY if found.keywords_only else None):
        yield reply


async def followup(study: Study, context: RequestContext, *, explanation_key: str, text: str) -> AsyncIterator[Reply]:
    """Explain something that follows up on an earlier explanation."""
    thread = await study.store.query(_thread_by_key, context, explanation_key)
    sources, deeper, found = await follow_up_sources(study.library, thread, text)
    drafts = _write(study.inference, text, sources, found, thread.turns, deeper=deeper)
    async for reply in _replies(study, context, text, drafts, thread):
        yield reply


async def talk(study: Study, context: RequestContext, *, text: str = "") -> AsyncIterator[Reply]:
    """Explain something where somebody asked, following up on what was last explained there.

    In a daily question's thread, it explains that question. In a channel, it never gives away an open one.
    """
    if not text:
        yield Reply.of(WHAT_TO_ASK)
        return
    public = not context.location.direct
    thread, question = await study.store.query(_topic_of_talk, context, study.library.bank)
    if thread:
        sources, deeper, found = await follow_up_sources(study.library, thread, text)
    else:
        found, deeper = await study.library.search(text), False
        first = (question,) if question else ()
        sources = tuple(dict.fromkeys((*first, *sources_of(found))))[:MAX_SOURCES]
    if public and await study.store.query(spoils, context, [source.id for source in sources]):
        yield Reply.of(SPOILER)
        return
    thread = thread if thread and thread.turns else None
    drafts = _write(study.inference, text, sources, found, thread.turns if thread else (), deeper=deeper)
    async for reply in _replies(study, context, text, drafts, thread, public=public):
        yield reply


def _thread_by_key(connection: Connection, context: RequestContext, key: str) -> Thread:
    return load_thread(connection, context, require_explanation(connection, context, key), public=False)


def _topic_of_talk(
    connection: Connection, context: RequestContext, bank: Bank
) -> tuple[Thread | None, Question | None]:
    """Return what a conversation continues: a thread of explanations, the question of a daily thread, or neither."""
    public = not context.location.direct
    parent = newest_here(connection, context)
    if parent is None or parent.channel_id != context.channel_id:
        question = bank.get(queries.question_of_thread(connection, context) or "")
        if question is not None:
            return None, question
    if parent is None:
        return None, None
    thread = load_thread(connection, context, parent, public=public)
    if public and spoils(connection, context, thread.question_ids):
        thread = Thread(thread.parent, (), frozenset())  # its sources may be fine, its words would give it away
    return thread, None


async def explanation_of(library: Library, inference: Inference | None, text: str) -> AsyncIterator[Explanation]:
    """Yield growing drafts from the model, or the bank's own text if there's no model or it fails."""
    found = await library.search(text)
    async for draft in _write(inference, text, sources_of(found), found):
        yield draft


async def _write(
    inference: Inference | None,
    text: str,
    sources: tuple[Question, ...],
    found: SearchResult,
    earlier: Sequence[Turn] = (),
    *,
    deeper: bool = False,
) -> AsyncIterator[Explanation]:
    """Yield drafts of an explanation from these sources; `deeper` if the member has read the sources' answers."""
    if not sources:
        yield nothing_found(found)
        return
    if inference is None:
        yield from_bank(sources, why="no inference server is configured", deeper=deeper)
        return
    written, cut_short, outcome = "", "", "stopped"
    try:
        async for piece in inference.stream(prompt(text, sources, earlier)):
            written += piece
            if written.strip():
                yield Explanation(written, "model", citations(sources), done=False)
        outcome = "complete"
    except InferenceCutShortError as problem:
        cut_short, outcome = str(problem), "cut_short"
    except InferenceError as problem:
        outcome = "failed"
        log.warning("inference", problem=str(problem))
        yield from_bank(sources, why=str(problem), deeper=deeper)
        return
    finally:
        metrics.INFERENCE_CALLS.labels(outcome).inc()
    yield validate(written, sources, cut_short, deeper=deeper)


async def _replies(
    study: Study,
    context: RequestContext,
    request_text: str,
    drafts: AsyncIterator[Explanation],
    thread: Thread | None = None,
    *,
    public: bool = False,
    note: Notice | None = None,
) -> AsyncIterator[Reply]:
    """Yield a reply for each draft; the last one is stored and has the buttons.

    If a request is delivered again, it gets the same explanation; the model isn't asked again.
    """
    before = await study.store.query(queries.explanation_of_request, context)
    if before is not None:
        explanation = restore(before, study.library.bank)
        further = follow_up_buttons(before.explanation_key, share=not before.is_public)
        yield Reply.of(explanation, source_buttons(explanation), further)
        return
    recorded: tuple[Citation, ...] = ()
    viewed: Notice | None = None
    async for explanation in drafts:
        if explanation.citations and explanation.citations != recorded and not public:  # before a word is shown
            recorded = explanation.citations
            context_ids = thread.question_ids if thread and explanation.source == "model" else ()
            viewed = await record_viewing(study, context, [*(c.id for c in recorded), *context_ids]) or viewed
        if not explanation.done or explanation.source == "refused":
            yield Reply.of(note, explanation, viewed)
            continue
        key = await explanations.store(study, context, request_text, explanation, thread, public=public)
        buttons = follow_up_buttons(key, share=not public) if key else None
        yield Reply.of(note, explanation, viewed, source_buttons(explanation), buttons)


def source_buttons(explanation: Explanation) -> Buttons | None:
    """Return a button that opens each source, in private."""
    opened = tuple(Button(short(c.title, MAX_LABEL), f"show {c.id}") for c in explanation.citations)
    return Buttons(opened, prompt="Sources:") if opened else None


def follow_up_buttons(key: str, *, share: bool) -> Buttons:
    """Return buttons to follow up on an explanation and, unless the channel has read it, to share it."""
    more = Button("Ask more", f"followup {key}")
    return Buttons((more, Button("Share", f"share explanation {key}")) if share else (more,))
