"""`studyhall ask` and `studyhall explain`: look things up without a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner

from bot.cli.console import err, load_config, open_library, out, print_json
from bot.errors import SetupError
from bot.replies import Buttons, Explanation, Reply
from bot.text.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import RenderableType

    from bot.context.library import Library
    from knowledge.retrieval.search import SearchResult


def ask(text: str, *, as_json: bool) -> None:
    """Print the best match. While search by meaning is loading, show what keywords find on standard error."""
    text = _cleaned(text)
    library = open_library(load_config())
    try:
        found = asyncio.run(_search(library, text, show_keyword_match=not as_json))
    finally:
        library.close()
    if as_json:
        print_json(
            {
                "answered": found.answered,
                "results": [
                    {
                        "id": hit.question.id,
                        "question": hit.question.title,
                        "topic": hit.question.topic,
                        "difficulty": hit.question.difficulty.value,
                        "score": round(hit.score, 6),
                    }
                    for hit in found.hits
                ],
            }
        )
        return
    out.print(_match(found))
    for hit in found.hits[1:3] if found.answered and not found.clear else ():
        out.print(f"See also: {hit.question.title}", style="dim", markup=False, highlight=False)


async def _search(library: Library, text: str, *, show_keyword_match: bool) -> SearchResult:
    found = await library.search(text)
    if not found.keywords_only:
        return found
    if show_keyword_match:
        err.print("By keywords, while search by meaning is loading:", style="dim")
        err.print(_match(found))
    await library.wait_ready()
    return await library.search(text)


def _match(found: SearchResult) -> RenderableType:
    """Draw the reply to `ask` without its buttons, and without the note to ask again later."""
    from bot.platforms.terminal.render import draw
    from bot.study.lookup.ask import KEYWORDS_ONLY, search_reply

    blocks = search_reply(found).blocks
    return draw(Reply.of(*(block for block in blocks if not isinstance(block, Buttons) and block != KEYWORDS_ONLY)))


def _cleaned(text: str) -> str:
    """Return the text as the `ask` command would get it. Raises SetupError if it's empty or too long."""
    from bot.dispatch.catalog import registry

    limit = registry().find("ask").parameters[0].max_length
    text = clean(text)
    if not text or len(text) > limit:
        raise SetupError(f"A question can have 1 to {limit} visible characters; yours has {len(text):,}.")
    return text


def explain(text: str, *, as_json: bool) -> None:
    """Print an explanation: on a terminal as it's being written, elsewhere once it's complete."""
    from bot.app import open_inference
    from bot.platforms.terminal.render import draw
    from bot.study.lookup.explain import explanation_of

    text, config = _cleaned(text), load_config()
    library, inference = open_library(config), open_inference(config)

    async def write() -> Explanation:
        try:
            await library.wait_ready()
            drafts = explanation_of(library, inference, text)
            if as_json or not out.is_terminal:
                return [draft async for draft in drafts][-1]
            return await _show_drafts(drafts)
        finally:
            if inference is not None:
                await inference.close()

    try:
        explanation = asyncio.run(write())
    finally:
        library.close()
    if as_json:
        print_json(
            {
                "source": explanation.source,
                "text": explanation.text,
                "citations": [citation.id for citation in explanation.citations],
                "why": explanation.reason,
            }
        )
        return
    out.print(draw(Reply.of(explanation)))
    for citation in explanation.citations:
        out.print(f"[{citation.number}] {citation.title}", markup=False, highlight=False)


async def _show_drafts(drafts: AsyncIterator[Explanation]) -> Explanation:
    """Show each draft in place of the one before it, and return the last."""
    from bot.platforms.terminal.render import draw

    with Live(Spinner("dots", "one moment…"), console=out, transient=True) as live:
        async for draft in drafts:
            live.update(draw(Reply.of(draft)))
    return draft
