"""Drafts -> questions of a bank: names given, texts made fit, and those left out that the bank has already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from knowledge import projection, tame
from knowledge.embed import Embedder, Floats
from knowledge.front import NAME
from knowledge.importers.draft import Draft
from knowledge.index import Index
from knowledge.load import NAME_LIMIT, read
from knowledge.questions import Bank, Choice, Difficulty, Misconception, Question
from knowledge.text import Note
from knowledge.windows import Kind, plain, windows
from knowledge.write import markdown

TOPIC = "imported"
TWIN = 0.75
"""From this likeness on (cosine after the bank's own projection), two ways of asking ask the same.

Measured on 183 imported questions of which 152 had their twin among 215: 139 were told to have one, 137 of them the
right one. At .65 it finds nine more and is wrong in a dozen; at .80 it finds 24 fewer.
"""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A draft that asks what another question asks already; `likeness` of the two nearest wordings, up to 1."""

    draft: Draft
    twin: Question
    likeness: float


@dataclass(slots=True)
class Taken:
    """What came of some drafts. A problem has the draft's line."""

    questions: list[Question] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


class Intake:
    """Takes drafts into a bank, file after file; each is compared with what is there and what came before it."""

    def __init__(
        self, bank: Bank, index: Index, own: Bank, embedder: Embedder, *, duplicates: bool = False, prefix: str = ""
    ) -> None:
        """`bank` with its index, and beside it `own`, which is where the questions go.

        With `duplicates`, those are taken too. `prefix` is what new ids begin with.
        """
        self._bank = own.over(bank)
        self._embedder = embedder
        self._keep = duplicates
        self._prefix = prefix
        self._taken = {question.id for question in self._bank}
        cut = [(question, kind) for question in bank for kind, _ in windows(question)]
        self._asked = [question for question, kind in cut if kind is Kind.WORDING]
        asks = np.array([kind is not Kind.BODY for _, kind in cut])
        self._map = projection.fit(index.sentences[asks], index.owners[asks])
        known = index.sentences[[kind is Kind.WORDING for _, kind in cut]]
        asked = [(question, wording) for question in own for wording in (question.title, *question.aliases)]
        self._asked += [question for question, _ in asked]
        mine = embedder.sentences([plain(wording) or wording for _, wording in asked])
        self._wordings = projection.project(np.concatenate([known, mine]), self._map)

    def take(self, drafts: Sequence[Draft]) -> Taken:
        """The questions that these drafts make, in their order, and what is left out with its reason."""
        taken = Taken()
        fit = [(draft, made) for draft in drafts if (made := self._made(draft, taken))]
        vectors = projection.project(
            self._embedder.sentences([plain(question.title) for _, question in fit]), self._map
        )
        for (draft, question), vector in zip(fit, vectors, strict=True):
            twin = self._twin(question, vector)
            if twin:
                taken.duplicates.append(Duplicate(draft, *twin))
            if twin is None or (self._keep and twin[0] != question):
                taken.questions.append(self._named(question))
                self._remember(taken.questions[-1], vector)
        return taken

    def _twin(self, question: Question, vector: Floats) -> tuple[Question, float] | None:
        same = self._bank.get(question.id)
        if same == question:
            return question, 1.0
        likeness = self._wordings @ vector
        best = int(likeness.argmax())
        return (self._asked[best], float(likeness[best])) if likeness[best] >= TWIN else None

    def _remember(self, question: Question, vector: Floats) -> None:
        self._asked.append(question)
        self._wordings = np.concatenate([self._wordings, vector[None]])

    def _made(self, draft: Draft, taken: Taken) -> Question | None:
        """The question that a draft makes, under its own name as yet; None with a problem where it makes none."""

        def note(_: int, reason: str) -> None:
            taken.problems.append((draft.line, reason))

        question = _tamed(draft, note)
        if not question.title or not question.answer:
            note(0, "has no text that could be kept" if not question.title else "is left out: it has no answer")
            return None
        problems: set[tuple[int, str]] = set()
        found = read(question.topic, question.id, markdown(question), problems)
        if found is None:
            note(0, f"cannot be kept: {sorted(problems)[0][1]}")
        return found

    def _named(self, question: Question) -> Question:
        """The question under an id that nothing else has."""
        stem = question.id if question.id.startswith(self._prefix) else f"{self._prefix}{question.id}"
        stem = stem[:NAME_LIMIT].strip("-")
        id, number = stem, 2
        while id in self._taken:
            ending = f"-{number}"
            id, number = stem[: NAME_LIMIT - len(ending)].rstrip("-") + ending, number + 1
        self._taken.add(id)
        return replace(question, id=id)


def slug(text: str, least: str) -> str:
    """Words of a text as an id of at most 60 characters; `least` where none is left."""
    plain_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    found = "-".join(re.findall(r"[a-z0-9]+", plain_text))
    if len(found) > NAME_LIMIT:
        found = found[: NAME_LIMIT + 1].rpartition("-")[0] or found[:NAME_LIMIT]
    return found.strip("-") or least


def _tamed(draft: Draft, note: Note) -> Question:
    title = tame.title(draft.title, note)
    return Question(
        id=draft.id if _is_name(draft.id) else slug(draft.id or title, "question"),
        topic=draft.topic if _is_name(draft.topic) else slug(draft.topic, TOPIC),
        title=title,
        difficulty=draft.difficulty or Difficulty.MEDIUM,
        answer=tame.text(draft.answer, note),
        in_depth=tame.text(draft.in_depth, note),
        key_points=tuple(_lines(draft.key_points, note)),
        misconceptions=tuple(
            Misconception(tame.line(m.claim, note), tame.line(m.reason, note)) for m in draft.misconceptions
        ),
        choices=tuple(Choice(tame.line(c.text, note), c.right, tame.line(c.reason, note)) for c in draft.choices),
        follow_ups=tuple(_lines(draft.follow_ups, note)),
        aliases=tuple(_words(draft.aliases)),
        related=tuple(name for name in draft.related if NAME.fullmatch(name)),
        references=draft.references,
        tags=tuple(_words(draft.tags)),
        as_of=draft.as_of,
    )


def _is_name(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and len(text) <= NAME_LIMIT


def _lines(texts: Iterable[str], note: Note) -> Iterator[str]:
    yield from filter(None, (tame.line(text, note) for text in texts))


def _words(texts: Collection[str]) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, (" ".join(tame.visible(text).split()) for text in texts)))
