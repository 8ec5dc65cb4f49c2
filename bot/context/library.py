"""The bank and its search, made ready in the background and asked from a thread: the event loop goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.errors import NotFound, SetupError, UserError, did_you_mean
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.search import KeywordSearch, Search, SearchResult

Progress = Callable[[int, int], None]
T = TypeVar("T")

PATIENCE = 2.0
AGAIN = 60.0
"""Seconds after which search is made ready once more where that failed."""
MUCH = 100
"""Passages that take longer to embed than anybody has patience for."""
AT_ONCE = 4
"""Workspaces whose own questions are embedded at the same time."""

log = structlog.get_logger()


@dataclass
class Library:
    """A bank and its search.

    Reading the vectors and loading the model take about a second, and embedding a large bank of one's own takes
    minutes. `prepare` does that in the background; until it is done, searches go by words.
    """

    bank: Bank
    index_folder: Path
    embedder: Embedder
    progress: Progress | None = None
    max_wait: float | None = PATIENCE
    """Seconds that a search waits for vectors and model before it goes by words alone, which it does at once where much
    has to be embedded; None waits for as long as it takes."""
    _by_words: KeywordSearch | None = field(default=None, init=False)
    _search: Search | None = field(default=None, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)
    _preparing: Future[None] | None = field(default=None, init=False)
    _problem: str = field(default="", init=False)
    _failed_at: float = field(default=0.0, init=False)
    _embedded: tuple[int, int] = field(default=(0, 0), init=False)
    _much: Future[None] = field(default_factory=Future, init=False)
    _model: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "model"), init=False)
    _background: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "prepare"), init=False)

    def load_search(self) -> Search:
        """The search itself, with its model loaded. Blocks until it is there. Raises SetupError."""
        from knowledge.retrieval.models import ModelError

        with self._opening:
            if self._search is None:
                try:
                    search = self._open()
                    search.warm()
                except ModelError as problem:
                    raise SetupError(str(problem)) from problem
                self._search = search
            return self._search

    def load_keyword_search(self) -> KeywordSearch:
        """The search that needs no model. Blocks for a moment the first time."""
        with self._reading:
            if self._by_words is None:
                self._by_words = self._read()
            return self._by_words

    def _read(self) -> KeywordSearch:
        from knowledge.retrieval.passages import Passages
        from knowledge.retrieval.search import KeywordSearch

        return KeywordSearch(Passages.of(self.bank))

    def _open(self) -> Search:
        from knowledge.retrieval.index import build
        from knowledge.retrieval.search import Search

        by_words = self.load_keyword_search()
        index = build(by_words.passages, self.embedder, self.index_folder, self._embedding)
        return Search(by_words, index, self.embedder)

    def _embedding(self, done: int, total: int) -> None:
        self._embedded = done, total
        if total - done > MUCH and not self._much.done():
            self._much.set_result(None)
        if self.progress:
            self.progress(done, total)

    def prepare(self) -> Future[None]:
        """Begin to make search ready, unless that has begun. The future is done when it is ready or has failed."""
        if self._preparing is None or (self._problem and time.monotonic() - self._failed_at >= AGAIN):
            self._problem = ""
            self._preparing = self._background.submit(self._prepared)
        return self._preparing

    def _prepared(self) -> None:
        started = time.monotonic()
        try:
            self.load_search()
            log.info("search ready", seconds=round(time.monotonic() - started, 2))
        except Exception as problem:
            self._problem, self._failed_at = str(problem), time.monotonic()
            log.error("search by words alone", problem=self._problem, exc_info=not isinstance(problem, SetupError))

    async def wait_ready(self) -> None:
        """Wait until search is ready. Raises SetupError."""
        await asyncio.wait([asyncio.wrap_future(self.prepare())])  # whoever stops waiting stops nothing
        if self._search is None:
            raise SetupError(self._problem)

    @property
    def pending(self) -> str:
        """What search by meaning still lacks, in words; empty once it is ready."""
        if self._search is not None:
            return ""
        if self._problem:
            return "it failed, and the log says why"
        done, total = self._embedded
        return f"{done:,} of {total:,} passages embedded" if total else "the model is loading"

    async def search(self, text: str, *, k: int = 10, without: Collection[str] = ()) -> SearchResult:
        """The questions that fit the text, best first, leaving out the ids in `without`.

        By words alone (`keywords_only` in the result) while the rest is not ready within `patience`.
        """
        if self._search is None:
            awaited = [self.prepare()] if self.max_wait is None else [self.prepare(), self._much]
            waiting = [asyncio.wrap_future(one) for one in awaited]
            await asyncio.wait(waiting, timeout=self.max_wait, return_when=asyncio.FIRST_COMPLETED)
        left_out = frozenset(without)

        def work() -> SearchResult:
            search = self._search or self.load_keyword_search()
            return search.search(text, k=k, without=left_out)

        return await self._in_thread(work)

    async def compare(self, question: Question, text: str) -> Coverage:
        """Which key points of the question the text mentions."""

        def work() -> Coverage:
            from knowledge.coverage import measure_coverage

            return measure_coverage(question, text, self.embedder)

        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._model, work)

    def suggest(self, typed: str, limit: int) -> tuple[Question, ...]:
        """Questions whose titles fit what has been typed so far, best first; needs no model."""
        from knowledge.retrieval.suggest import suggest

        return suggest(self.bank, typed, limit)

    def question(self, id: str) -> Question:
        """The question of that id, in any case. Raises NotFound with the nearest."""
        if found := self.bank.get(id.strip().lower()):
            return found
        hint = did_you_mean(id, self.bank.questions) or " `ask` finds questions by their words."
        raise NotFound(f"The bank has no question `{id[:60]}`.{hint}")

    def topic(self, name: str) -> str:
        """The topic of that name, in any case or spacing. Raises UserError with the topics there are."""
        wanted = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
        if wanted in self.bank.topics:
            return wanted
        hint = did_you_mean(wanted, self.bank.topics)
        raise UserError(f"There is no topic “{name[:60]}”.{hint} The topics: {', '.join(self.bank.topics)}.")

    def close(self) -> None:
        """Stop what is under way."""
        self.embedder.close()
        for threads in (self._background, self._model):
            threads.shutdown(wait=False, cancel_futures=True)


class OwnLibrary(Library):
    """The questions of one workspace on top of a library, whose threads and model it shares."""

    def __init__(self, own: Bank, beneath: Library, workspace_id: int) -> None:
        folder = beneath.index_folder / "own" / str(workspace_id)
        super().__init__(own.over(beneath.bank), folder, beneath.embedder, max_wait=beneath.max_wait)
        self._own = own
        self._beneath = beneath
        self._model, self._background = beneath._model, beneath._background

    def _read(self) -> KeywordSearch:
        from knowledge.retrieval.passages import Passages
        from knowledge.retrieval.search import KeywordSearch

        return KeywordSearch(Passages.of(self._own), self._beneath.load_keyword_search())

    def _open(self) -> Search:
        from knowledge.retrieval.index import build
        from knowledge.retrieval.search import Search

        beneath, by_words = self._beneath.load_search(), self.load_keyword_search()
        index = build(by_words.passages, self.embedder, self.index_folder, self._embedding)
        return Search(by_words, index, self.embedder, beneath)

    def close(self) -> None:
        """Nothing to close: the library beneath does it."""
