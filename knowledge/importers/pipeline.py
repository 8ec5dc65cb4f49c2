"""Drafts -> questions of a bank: those that it has already are told apart, the others get ids of their own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from knowledge.format.reader import NAME_LIMIT
from knowledge.importers.draft import Draft
from knowledge.importers.normalize import fitted
from knowledge.questions import Bank, Question
from knowledge.retrieval import projection
from knowledge.retrieval.embedding import Embedder, Floats, Progress
from knowledge.retrieval.index import Index
from knowledge.retrieval.passages import Kind, plain

TWIN = 0.75
"""From this likeness on, a question asks what another asks already.

It is for the most part the cosine of the ways of asking, after the bank's own projection, and for the rest that of the
texts: questions about neighbouring things are asked alike and answered differently. Measured on 183 imported questions
and a bank of 262: of 160 that have their twin there, 140 are told the right one and none a wrong one; with the twin
taken out of the bank, 8 of the 183 are told another. By the ways of asking alone it would be 144 and 27.
"""
ASKING = 0.6
"""What the ways of asking count; the texts count the rest."""
ANSWERED = 400
"""Characters of an answer that count when texts are compared."""
AT_ONCE = 256
"""Questions that are embedded between two reports of progress."""
Where = Literal["bank", "own", "import"]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A draft that asks what another question asks already; `likeness` up to 1.

    The twin is `where`: in the bank, among those that the import adds to, or earlier in the same import. `same`: it is
    the very same question, under the same id.
    """

    draft: Draft
    twin: Question
    likeness: float
    where: Where
    same: bool = False


@dataclass(slots=True)
class Taken:
    """What came of some drafts. A problem has the draft's line."""

    questions: list[Question] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


class Intake:
    """Takes drafts into a bank, file after file; each is compared with what is there and what came before it."""

    def __init__(
        self,
        index: Index,
        own: Bank,
        embedder: Embedder,
        *,
        duplicates: bool = False,
        prefix: str = "",
        names: Collection[str] = (),
    ) -> None:
        """`index` is that of the bank, and beside it is `own`, where the questions go.

        With `duplicates`, those are taken too. `prefix` is what new ids begin with; `names` are ids that are not to be
        had for another reason.
        """
        bank = index.windows.bank
        self._own, self._bank = own, own.over(bank)
        self._embedder = embedder
        self._keep = duplicates
        self._prefix = prefix
        self._taken = {*names, *(question.id for question in self._bank)}
        kinds, owners = index.windows.kinds, index.windows.owners
        asks = kinds != Kind.BODY
        self._map = projection.fit(index.vectors[asks], owners[asks])
        asked = [(question, wording) for question in own for wording in (question.title, *question.aliases)]
        self._known = [*bank, *own]
        of_own = {question.id: number for number, question in enumerate(own, len(bank))}
        self._askers = np.append(owners[kinds == Kind.WORDING], [of_own[q.id] for q, _ in asked]).astype(np.int64)
        self._tellers = np.append(owners[~asks], [*of_own.values()]).astype(np.int64)
        mine = embedder.vectors([plain(wording) or wording for _, wording in asked])
        wordings = np.concatenate([index.vectors[kinds == Kind.WORDING], mine])
        self._wordings = projection.project(wordings, self._map)
        self._bodies = np.concatenate([index.vectors[~asks], embedder.vectors([*map(_body, own)])])

    def take(self, drafts: Sequence[Draft], progress: Progress | None = None) -> Taken:
        """The questions that these drafts make, in their order, and what is left out with its reason."""
        taken = Taken()
        fit = [(draft, made) for draft in drafts if (made := self._made(draft, taken))]
        titles, bodies = self._vectors([question for _, question in fit], progress)
        first = len(self._known)
        asks, tells = np.empty_like(titles), np.empty_like(bodies)  # of those that are taken, in their order
        for (draft, question), title, body in zip(fit, titles, bodies, strict=True):
            new = len(self._known) - first
            if twin := self._twin(draft, question, title, body, asks[:new], tells[:new]):
                taken.duplicates.append(twin)
            if twin is None or (self._keep and not twin.same):
                taken.questions.append(self._named(question))
                self._known.append(taken.questions[-1])
                asks[new], tells[new] = title, body
        new = len(self._known) - first
        last = np.arange(first, len(self._known))
        self._askers, self._tellers = np.append(self._askers, last), np.append(self._tellers, last)
        self._wordings = np.concatenate([self._wordings, asks[:new]])
        self._bodies = np.concatenate([self._bodies, tells[:new]])
        return taken

    def _vectors(self, questions: Sequence[Question], progress: Progress | None) -> tuple[Floats, Floats]:
        found = []
        for start in range(0, len(questions), AT_ONCE):
            if progress:
                progress(start, len(questions))
            some = questions[start : start + AT_ONCE]
            found.append(self._embedder.vectors([*(plain(q.title) or q.title for q in some), *map(_body, some)]))
        if progress and questions:
            progress(len(questions), len(questions))
        width = self._wordings.shape[1]
        halves = [(both[: len(both) // 2], both[len(both) // 2 :]) for both in found]
        titles = np.concatenate([np.zeros((0, width), np.float32), *(title for title, _ in halves)])
        bodies = np.concatenate([np.zeros((0, width), np.float32), *(body for _, body in halves)])
        return projection.project(titles, self._map), bodies

    def _twin(
        self, draft: Draft, question: Question, title: Floats, body: Floats, titles: Floats, bodies: Floats
    ) -> Duplicate | None:
        """The question that this one is like most, where it is like enough. `titles` and `bodies`: of new ones."""
        same = self._bank.get(self._stem(question))
        if same == replace(question, id=self._stem(question)):
            return Duplicate(draft, same, 1.0, "own" if same.id in self._own else "bank", same=True)
        before = len(self._known) - len(titles)
        asking, telling = np.full((2, len(self._known)), -1.0)
        np.maximum.at(asking, self._askers, self._wordings @ title)
        np.maximum.at(telling, self._tellers, self._bodies @ body)
        asking[before:], telling[before:] = titles @ title, bodies @ body
        likeness = ASKING * asking + (1 - ASKING) * telling
        best = int(likeness.argmax()) if len(likeness) else 0
        if not len(likeness) or likeness[best] < TWIN:
            return None
        twin = self._known[best]
        place: Where = "own" if twin.id in self._own else "bank" if twin.id in self._bank else "import"
        return Duplicate(draft, twin, min(1.0, float(likeness[best])), place)

    def _made(self, draft: Draft, taken: Taken) -> Question | None:
        """The question that a draft makes, under its own name as yet; None with a problem where it makes none."""

        def note(_: int, reason: str) -> None:
            taken.problems.append((draft.line, reason))

        return fitted(draft, note, own=bool(self._prefix))

    def _stem(self, question: Question) -> str:
        stem = question.id if question.id.startswith(self._prefix) else f"{self._prefix}{question.id}"
        return stem[:NAME_LIMIT].strip("-")

    def _named(self, question: Question) -> Question:
        """The question under an id that nothing else has."""
        stem = self._stem(question)
        id, number = stem, 2
        while id in self._taken:
            ending = f"-{number}"
            id, number = stem[: NAME_LIMIT - len(ending)].rstrip("-") + ending, number + 1
        self._taken.add(id)
        return replace(question, id=id)


def _body(question: Question) -> str:
    """What a question says, as one text."""
    return f"{plain(question.title)} {plain(question.answer[: 4 * ANSWERED])[:ANSWERED]}"
