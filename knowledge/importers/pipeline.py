"""Turn question drafts into questions for a bank: find duplicates, and give the others unique ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from knowledge.format.reader import NAME_LIMIT
from knowledge.importers.draft import QuestionDraft
from knowledge.importers.normalize import normalized
from knowledge.questions import Bank, Question
from knowledge.retrieval import projection
from knowledge.retrieval.embedding import Embedder, Floats, Progress
from knowledge.retrieval.index import Index
from knowledge.retrieval.passages import Kind, plain

MIN_SIMILARITY = 0.75
"""At this similarity or above, two questions ask the same thing.

It's mostly the cosine of their wordings after the bank's own projection, and for the rest that of their texts:
questions on neighboring subjects have similar wordings but different answers. Measured with 183 imported questions and
a bank of 262: of the 160 that are in the bank, 140 are matched with the right question and none with a wrong one; with
the right one taken out of the bank, 8 of the 183 are matched with another. By wordings alone, it'd be 144 and 27.
"""
WORDING_WEIGHT = 0.6
"""The weight of the wordings; the texts have the rest."""
ANSWER_LENGTH = 400
"""Characters of an answer that count when texts are compared."""
BATCH_SIZE = 256
"""Questions that are embedded between two progress reports."""
Where = Literal["bank", "target", "import"]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A draft that asks the same thing as another question, the `match`; `similarity` is at most 1.

    `where` is the match: in the bank, among the questions that the import adds to, or earlier in the same import.
    `same`: it's exactly the same question, under the same id.
    """

    draft: QuestionDraft
    match: Question
    similarity: float
    where: Where
    same: bool = False


@dataclass(slots=True)
class ImportResult:
    """The questions to add, the duplicates, and the problems, each with its draft's line."""

    questions: list[Question] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


class ImportPipeline:
    """Import drafts, one file at a time. Each is compared with the bank and with the drafts before it."""

    def __init__(
        self,
        index: Index,
        target: Bank,
        embedder: Embedder,
        *,
        duplicates: bool = False,
        prefix: str = "",
        names: Collection[str] = (),
    ) -> None:
        """Import into `target`, which is used together with the bank of the index.

        With `duplicates`, import those too. New ids start with `prefix` and avoid the ids in `names`.
        """
        bank = index.passages.bank
        self._target, self._bank = target, target.over(bank)
        self._embedder = embedder
        self._keep_duplicates = duplicates
        self._prefix = prefix
        self._used_ids = {*names, *(question.id for question in self._bank)}
        self._numbers = Counter[str]()
        kinds, owners = index.passages.kinds, index.passages.owners
        is_wording, is_body = kinds == Kind.WORDING, kinds == Kind.BODY
        self._projection = projection.fit(index.vectors[~is_body], owners[~is_body])
        self._known = [*bank, *target]
        numbers = {question.id: number for number, question in enumerate(target, len(bank))}
        texts = [(question, text) for question in target for text in (question.title, *question.aliases)]
        target_wordings = embedder.vectors([plain(text) or text for _, text in texts])
        wordings = np.concatenate([index.vectors[is_wording], target_wordings])
        self._wordings = projection.project(wordings, self._projection)
        self._wording_owners = np.append(owners[is_wording], [numbers[q.id] for q, _ in texts]).astype(np.int64)
        self._bodies = np.concatenate([index.vectors[is_body], embedder.vectors([*map(_body, target)])])
        self._body_owners = np.append(owners[is_body], [*numbers.values()]).astype(np.int64)

    def run(self, drafts: Sequence[QuestionDraft], progress: Progress | None = None) -> ImportResult:
        """Turn drafts into questions, in their order. Raises ModelError."""
        result = ImportResult()
        made = [(draft, question) for draft in drafts if (question := self._question(draft, result))]
        titles, bodies = self._vectors([question for _, question in made], progress)
        first = len(self._known)
        new_titles, new_bodies = np.empty_like(titles), np.empty_like(bodies)  # of the imported questions, in order
        for (draft, question), title, body in zip(made, titles, bodies, strict=True):
            count = len(self._known) - first
            duplicate = self._duplicate(
                draft, question, title, body, new_titles=new_titles[:count], new_bodies=new_bodies[:count]
            )
            if duplicate:
                result.duplicates.append(duplicate)
            if duplicate is None or (self._keep_duplicates and not duplicate.same):
                result.questions.append(self._with_unique_id(question))
                self._known.append(result.questions[-1])
                new_titles[count], new_bodies[count] = title, body
        count = len(self._known) - first
        owners = np.arange(first, len(self._known))
        self._wordings = np.concatenate([self._wordings, new_titles[:count]])
        self._wording_owners = np.append(self._wording_owners, owners)
        self._bodies = np.concatenate([self._bodies, new_bodies[:count]])
        self._body_owners = np.append(self._body_owners, owners)
        return result

    def _vectors(self, questions: Sequence[Question], progress: Progress | None) -> tuple[Floats, Floats]:
        """Embed the titles, projected, and the bodies."""
        embedded = []
        for start in range(0, len(questions), BATCH_SIZE):
            if progress:
                progress(start, len(questions))
            batch = questions[start : start + BATCH_SIZE]
            texts = [*(plain(question.title) or question.title for question in batch), *map(_body, batch)]
            embedded.append(self._embedder.vectors(texts))
        if progress and questions:
            progress(len(questions), len(questions))
        width = self._wordings.shape[1]
        halves = [(both[: len(both) // 2], both[len(both) // 2 :]) for both in embedded]
        titles = np.concatenate([np.zeros((0, width), np.float32), *(title for title, _ in halves)])
        bodies = np.concatenate([np.zeros((0, width), np.float32), *(body for _, body in halves)])
        return projection.project(titles, self._projection), bodies

    def _duplicate(
        self,
        draft: QuestionDraft,
        question: Question,
        title: Floats,
        body: Floats,
        *,
        new_titles: Floats,
        new_bodies: Floats,
    ) -> Duplicate | None:
        """Match the draft with the most similar question, if it's similar enough."""
        same = self._bank.get(self._prefixed_id(question))
        if same == replace(question, id=self._prefixed_id(question)):
            return Duplicate(draft, same, 1.0, "target" if same.id in self._target else "bank", same=True)
        before = len(self._known) - len(new_titles)
        by_wording, by_body = np.full((2, len(self._known)), -1.0)
        np.maximum.at(by_wording, self._wording_owners, self._wordings @ title)
        np.maximum.at(by_body, self._body_owners, self._bodies @ body)
        by_wording[before:], by_body[before:] = new_titles @ title, new_bodies @ body
        similarity = WORDING_WEIGHT * by_wording + (1 - WORDING_WEIGHT) * by_body
        best = int(similarity.argmax()) if len(similarity) else 0
        if not len(similarity) or similarity[best] < MIN_SIMILARITY:
            return None
        match = self._known[best]
        where: Where = "target" if match.id in self._target else "bank" if match.id in self._bank else "import"
        return Duplicate(draft, match, min(1.0, float(similarity[best])), where)

    def _question(self, draft: QuestionDraft, result: ImportResult) -> Question | None:
        """Make a question of the draft, still under the draft's id; None and a problem if that's impossible."""

        def note(_: int, reason: str) -> None:
            result.problems.append((draft.line, reason))

        return normalized(draft, note, allow_own_prefix=bool(self._prefix))

    def _prefixed_id(self, question: Question) -> str:
        prefixed = question.id if question.id.startswith(self._prefix) else f"{self._prefix}{question.id}"
        return prefixed[:NAME_LIMIT].strip("-")

    def _with_unique_id(self, question: Question) -> Question:
        unique = stem = self._prefixed_id(question)
        while unique in self._used_ids:
            self._numbers[stem] += 1
            ending = f"-{self._numbers[stem] + 1}"
            unique = stem[: NAME_LIMIT - len(ending)].rstrip("-") + ending
        self._used_ids.add(unique)
        return replace(question, id=unique)


def _body(question: Question) -> str:
    """Return the title and the start of the answer as one text."""
    return f"{plain(question.title)} {plain(question.answer[: 4 * ANSWER_LENGTH])[:ANSWER_LENGTH]}"
