"""Check what the format can't: lengths, related ids, duplicates, and choices that give the answer away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from knowledge.format.latex import FormulaError, parse
from knowledge.format.markdown import formulas_of
from knowledge.format.reader import BUILT_IN, Problem
from knowledge.questions import OWN, Bank, Difficulty, Question
from knowledge.retrieval.embedding import Progress
from knowledge.retrieval.index import Index
from knowledge.retrieval.near_duplicates import near_duplicates

LENGTHS = {
    "words in the answer": (60, 150),
    "words in depth": (80, 300),
    "key points": (3, 6),
    "misconceptions": (1, 4),
    "follow-ups": (2, 3),
    "aliases": (6, 30),
}
"""The smallest and the largest count of each."""
MAX_LONGEST_SHARE = 0.35
"""If the right choice is the longest in more questions than this, length gives the answer away (chance is 0.25)."""

NOT_PROSE = re.compile(r"^(`{3,}+|~{3,}+).*?^\1|\$\$.*?\$\$", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$[^$\n]+\$")


def check(bank: Bank, folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """Find every problem of a bank, those of single questions first. `folder` is only used to name files."""
    problems = [
        _problem(folder, question, reason) for question in bank for reason in _question_problems(question, bank)
    ]
    problems += [Problem(folder, 0, reason) for reason in _bank_problems(bank)]
    return tuple(problems)


def check_formulas(bank: Bank, folder: Path = BUILT_IN, progress: Progress | None = None) -> tuple[Problem, ...]:
    """Find formulas that can't be parsed, and so can neither be drawn nor written in Unicode."""
    problems = []
    for number, question in enumerate(bank):
        if progress:
            progress(number, len(bank))
        for formula in dict.fromkeys(formulas_of(question)):
            try:
                parse(formula)
            except FormulaError as error:
                problems.append(_problem(folder, question, f"the formula ${formula}$: {error}"))
    if progress:
        progress(len(bank), len(bank))
    return tuple(problems)


def check_similarity(index: Index, folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """Find questions that ask nearly the same thing as another one."""
    return tuple(
        _problem(
            folder, pair.first, f"asks nearly the same thing as {pair.second.id} (similarity {pair.similarity:.2f})"
        )
        for pair in near_duplicates(index)
    )


def check_coverage(bank: Bank, rows: Iterable[Mapping[str, str]], folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """Find questions from a list that the bank must have but doesn't. A row has an `id`, and maybe a `topic`."""
    problems = []
    for row in rows:
        question_id, topic = row["id"], row.get("topic") or ""
        question = bank.get(question_id)
        if question is None:
            problems.append(Problem(folder, 0, f"lacks the question {question_id!r} ({row.get('question', '')})"))
        elif topic and question.topic != topic:
            problems.append(_problem(folder, question, f"belongs in the topic {topic!r}"))
    return tuple(problems)


def stats(bank: Bank) -> dict[str, int | dict[str, int]]:
    """Count the questions, by topic (alphabetical) and by difficulty (easiest first)."""
    topics = Counter(question.topic for question in bank)
    difficulties = Counter(question.difficulty for question in bank)
    return {
        "total": len(bank),
        "topics": {topic: topics[topic] for topic in bank.topics},
        "difficulties": {difficulty.value: difficulties[difficulty] for difficulty in Difficulty},
    }


def unchecked(bank: Bank) -> int:
    """Count the references that nobody has looked up yet."""
    return sum(not reference.checked for question in bank for reference in question.references)


def longest_share(bank: Bank) -> float:
    """Return the share of multiple-choice questions whose right choice is longer than every other; 0 without any."""
    multiple_choice = [question for question in bank if question.choices]
    return sum(map(_right_is_longest, multiple_choice)) / max(1, len(multiple_choice))


def words(text: str) -> int:
    """Count words of prose: code and display formulas count as none, an inline formula as one."""
    return len(FORMULA.sub("x", NOT_PROSE.sub(" ", text)).split())


def _problem(folder: Path, question: Question, reason: str) -> Problem:
    return Problem(folder / question.topic / f"{question.id}.md", 0, reason)


def _question_problems(question: Question, bank: Bank) -> Iterator[str]:
    counts = (
        words(question.answer),
        words(question.in_depth),
        len(question.key_points),
        len(question.misconceptions),
        len(question.follow_ups),
        len(question.aliases),
    )
    for (name, (smallest, largest)), count in zip(LENGTHS.items(), counts, strict=True):
        if not smallest <= count <= largest:
            yield f"{name}: {count}, should be {smallest} to {largest}"
    if question.id.startswith(OWN):
        yield f"ids that start with {OWN} are for a workspace's custom questions: rename the file"
    if not question.choices:
        yield "has no choices, so it can only be answered in your own words"
    for related_id in question.related:
        if related_id == question.id:
            yield "is related to itself"
        elif related_id not in bank:
            yield f"related: there's no question {related_id!r}"
    if not question.references:
        yield "has no reference"


def _bank_problems(bank: Bank) -> Iterator[str]:
    if (share := longest_share(bank)) > MAX_LONGEST_SHARE:
        yield f"the right choice is the longest in {share:.0%} of questions, should be at most {MAX_LONGEST_SHARE:.0%}"
    owners: dict[str, str] = {}
    for question in bank:
        for wording in (question.title, *question.aliases):
            owner = owners.setdefault(" ".join(re.findall(r"\w+", wording.casefold())), question.id)
            if owner != question.id:
                yield f"{owner} and {question.id} share the wording {wording!r}"


def _right_is_longest(question: Question) -> bool:
    wrong = (len(choice.text) for choice in question.choices if not choice.right)
    return len(question.choices[question.right_choice].text) > max(wrong)
