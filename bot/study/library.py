"""The bank and its search, opened once and asked from a thread: the model computes, the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from bot.errors import NotFound, UserError, did_you_mean
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.compare import Coverage
    from knowledge.embed import Embedder
    from knowledge.search import Found, Search

Progress = Callable[[int, int], None]
T = TypeVar("T")


@dataclass
class Library:
    """A bank, and its search once somebody needs it.

    The embedding model takes seconds to load, so the first search (or `warm`) does it, and everybody waits for the
    same load. One thread serves the model.
    """

    bank: Bank
    index_folder: Path
    embedder: Embedder
    progress: Progress | None = None
    _search: Search | None = field(default=None, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="model"), init=False
    )

    def opened(self) -> Search:
        """The search itself; loads the model and blocks, so call it in a thread where others wait."""
        with self._opening:
            if self._search is None:
                self._search = self._open()
            return self._search

    def _open(self) -> Search:
        from knowledge.index import build
        from knowledge.search import Search

        return Search(self.bank, build(self.bank, self.embedder, self.index_folder, self.progress), self.embedder)

    @property
    def prepared(self) -> bool:
        """Whether there is a saved index to start from; whether it is sound shows when it is opened."""
        return any(self.index_folder.glob("*.index")) if self.index_folder.is_dir() else False

    async def warm(self) -> None:
        """Load the model and open the index now, so that the first search need not."""
        await self._in_thread(lambda: self.opened().warm())

    async def search(self, text: str, *, k: int = 10, without: Collection[str] = ()) -> Found:
        """The questions that fit the text, best first, leaving out the ids in `without`."""
        opened = await self._search_of()
        return await self._in_thread(lambda: opened.search(text, k=k, without=frozenset(without)))

    async def _search_of(self) -> Search:
        return await self._in_thread(self.opened)

    async def compare(self, question: Question, text: str) -> Coverage:
        """Which key points of the question the text mentions."""

        def work() -> Coverage:
            from knowledge.compare import compare

            return compare(question, text, self.embedder)

        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def suggest(self, typed: str, limit: int) -> tuple[Question, ...]:
        """Questions whose titles fit what has been typed so far, best first; needs no model."""
        from knowledge.suggest import suggest

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
        self._thread.shutdown(wait=False, cancel_futures=True)


class OwnLibrary(Library):
    """The questions of one workspace on top of a library; it has the library's model thread, and leaves it open."""

    def __init__(self, own: Bank, beneath: Library, workspace_id: int) -> None:
        folder = beneath.index_folder / "own" / str(workspace_id)
        super().__init__(own.over(beneath.bank), folder, beneath.embedder)
        self._own = own
        self._beneath = beneath
        self._thread = beneath._thread

    def _open(self) -> Search:
        from knowledge.index import build
        from knowledge.search import Search

        index = build(self._own, self.embedder, self.index_folder, self.progress)
        return Search(self._own, index, self.embedder, self._beneath.opened())

    async def _search_of(self) -> Search:
        """Opened beside the model's thread: while new questions are embedded, other workspaces go on searching."""
        await self._beneath._search_of()
        return await asyncio.to_thread(self.opened)

    def close(self) -> None:
        """Nothing to close: the library beneath does it."""
