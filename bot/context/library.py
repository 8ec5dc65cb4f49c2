"""A bank and its search, prepared in the background and used from threads so that the event loop stays free."""

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

from bot.context.load import Load
from bot.errors import NotFoundError, SetupError, UserError, did_you_mean
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.search import KeywordSearch, Search, SearchResult

Progress = Callable[[int, int], None]
"""Called with the number of passages embedded so far, and the total."""
T = TypeVar("T")

MAX_WAIT = 2.0
"""Seconds."""
RETRY_DELAY = 60.0
"""Seconds before a failed preparation is retried."""
MAX_QUICK_PASSAGES = 100
"""Embedding more passages than this takes longer than anyone wants to wait."""
MAX_PREPARATIONS = 4
"""How many libraries are prepared at the same time."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Threads:
    """`model` is one thread, so that searches don't compete for cores."""

    model: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "model"))
    background: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(MAX_PREPARATIONS, "prepare"))


class Library:
    """A bank and its search, optionally on top of another library, whose threads and model it then shares.

    Reading the vectors and loading the model take about a second, and embedding a large bank takes minutes. `prepare`
    does that in the background; until it's done, searches only match words.
    """

    def __init__(
        self,
        bank: Bank,
        index_folder: Path,
        embedder: Embedder,
        progress: Progress | None = None,
        max_wait: float | None = MAX_WAIT,
        *,
        beneath: Library | None = None,
    ) -> None:
        """`max_wait` is how many seconds a search waits for vectors and model; None waits as long as it takes.

        After that, or right away if more than MAX_QUICK_PASSAGES still have to be embedded, it only matches words.
        """
        self.bank: Bank = bank.over(beneath.bank) if beneath else bank
        self.embedder = embedder
        self._own_bank = bank
        self._index_folder = index_folder
        self._progress = progress
        self._max_wait = max_wait
        self._beneath = beneath
        self.threads: _Threads = beneath.threads if beneath else _Threads()
        self.load: Load = beneath.load if beneath else Load()
        self._keyword_search: KeywordSearch | None = None
        self._search: Search | None = None
        self._loading_keywords = Lock()
        self._loading = Lock()
        self._preparing: Future[None] | None = None
        self._problem = ""
        self._failed_at = 0.0
        self._embedded = (0, 0)
        self._takes_long: Future[None] = Future()

    def extended_by(self, bank: Bank, folder: str) -> Library:
        """Return a library of both banks; the vectors of `bank` go in `folder`, inside this library's index folder."""
        return Library(bank, self._index_folder / folder, self.embedder, max_wait=self._max_wait, beneath=self)

    def load_search(self) -> Search:
        """Return the search with its model loaded. Blocks until it is. Raises SetupError."""
        from knowledge.retrieval.models import ModelError

        with self._loading:
            if self._search is None:
                try:
                    search = self._open_search()
                    search.warm()
                except ModelError as problem:
                    raise SetupError(str(problem)) from problem
                self._search = search
            return self._search

    def _open_search(self) -> Search:
        from knowledge.retrieval.index import build
        from knowledge.retrieval.search import Search

        beneath = self._beneath.load_search() if self._beneath else None
        keyword_search = self.load_keyword_search()
        index = build(keyword_search.passages, self.embedder, self._index_folder, self._report_progress)
        return Search(keyword_search, index, self.embedder, beneath)

    def load_keyword_search(self) -> KeywordSearch:
        """Return the search that needs no model. Blocks for a moment the first time."""
        from knowledge.retrieval.passages import Passages
        from knowledge.retrieval.search import KeywordSearch

        with self._loading_keywords:
            if self._keyword_search is None:
                beneath = self._beneath.load_keyword_search() if self._beneath else None
                self._keyword_search = KeywordSearch(Passages.of(self._own_bank), beneath)
            return self._keyword_search

    def _report_progress(self, done: int, total: int) -> None:
        self._embedded = done, total
        if total - done > MAX_QUICK_PASSAGES and not self._takes_long.done():
            self._takes_long.set_result(None)
        if self._progress:
            self._progress(done, total)

    def prepare(self) -> Future[None]:
        """Start preparing search, unless that has already started. The future is done once that succeeds or fails."""
        if self._preparing is None or (self._problem and time.monotonic() - self._failed_at >= RETRY_DELAY):
            self._problem = ""
            self._preparing = self.threads.background.submit(self._prepare)
        return self._preparing

    def _prepare(self) -> None:
        started = time.monotonic()
        try:
            self.load_search()
            log.info("search ready", seconds=round(time.monotonic() - started, 2))
        except Exception as problem:
            self._problem, self._failed_at = str(problem), time.monotonic()
            log.error("search by words alone", problem=type(problem).__name__, exc_info=problem)

    async def wait_ready(self) -> None:
        """Wait until search is ready. Raises SetupError. Canceling a waiter doesn't cancel the preparation."""
        await asyncio.wait([asyncio.wrap_future(self.prepare())])
        if self._search is None:
            raise SetupError(self._problem)

    @property
    def pending(self) -> str:
        """What search by meaning is waiting for, as text; empty once it's ready."""
        if self._search is not None:
            return ""
        if self._problem:
            return "it failed, and the log says why"
        done, total = self._embedded
        return f"{done:,} of {total:,} passages embedded" if total else "the model is loading"

    async def search(self, text: str, *, k: int = 10, without: Collection[str] = ()) -> SearchResult:
        """Return the questions that match the text, best first, without the ids in `without`.

        Only matches words (`keywords_only` in the result) if the rest isn't ready after `max_wait`.
        Raises TooBusyError.
        """
        if self._search is None:
            events = [self.prepare()] if self._max_wait is None else [self.prepare(), self._takes_long]
            waiting = [asyncio.wrap_future(event) for event in events]
            await asyncio.wait(waiting, timeout=self._max_wait, return_when=asyncio.FIRST_COMPLETED)
        excluded = frozenset(without)

        def work() -> SearchResult:
            search = self._search or self.load_keyword_search()
            return search.search(text, k=k, without=excluded)

        return await self._in_thread(work)

    async def compare(self, question: Question, text: str) -> Coverage:
        """Return which key points of the question the text mentions. Raises TooBusyError."""

        def work() -> Coverage:
            from knowledge.coverage import measure_coverage

            return measure_coverage(question, text, self.embedder)

        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with self.load.costly_task():
            return await asyncio.get_running_loop().run_in_executor(self.threads.model, work)

    def suggest(self, typed: str, limit: int) -> tuple[Question, ...]:
        """Return the questions whose titles match what was typed so far, best first. Needs no model."""
        from knowledge.retrieval.suggest import suggest

        return suggest(self.bank, typed, limit)

    def question(self, question_id: str) -> Question:
        """Return a question by its id, in any case. Raises NotFoundError with the closest id."""
        if question := self.bank.get(question_id.strip().lower()):
            return question
        hint = did_you_mean(question_id, self.bank.questions) or " `ask` searches the questions."
        raise NotFoundError(f"There's no question `{question_id[:60]}`.{hint}")

    def topic(self, name: str) -> str:
        """Return a topic by its name, in any case or spacing. Raises UserError with the list of topics."""
        wanted = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
        if wanted in self.bank.topics:
            return wanted
        hint = did_you_mean(wanted, self.bank.topics)
        raise UserError(f"There's no topic “{name[:60]}”.{hint} The topics are {', '.join(self.bank.topics)}.")

    def close(self) -> None:
        """Cancel what's in progress. Does nothing for a library on top of another one, which owns the threads."""
        if self._beneath is not None:
            return
        self.embedder.close()
        for executor in (self.threads.background, self.threads.model):
            executor.shutdown(wait=False, cancel_futures=True)
