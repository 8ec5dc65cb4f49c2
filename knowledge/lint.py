"""What a whole bank has to hold beyond each file's form: known relations, lengths, choices that give nothing away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from knowledge.format.latex import formulas_of, undrawable
from knowledge.format.reader import BUILT_IN, Problem
from knowledge.questions import OWN, Bank, Difficulty, Question
from knowledge.retrieval.embedding import Progress
from knowledge.retrieval.index import Index
from knowledge.retrieval.near_duplicates import twins

LENGTHS = {
    "the answer's words": (60, 150),
    "the words in depth": (80, 300),
    "key points": (3, 6),
    "misconceptions": (1, 4),
    "follow-ups": (2, 3),
    "aliases": (6, 30),
}
LONGEST_SHARE = 0.35
"""Above this share of questions whose right choice is the longest, length gives the answer away (chance is 0.25)."""

NO_PROSE = re.compile(r"^(`{3,}|~{3,}).*?^\1|\$\$.*?\$\$", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$[^$\n]+\$")


def check(bank: Bank, folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """Every problem of the bank as a whole, those of the questions first. `folder` is only named in them."""
    problems = [_problem(folder, question, reason) for question in bank for reason in _of_one(question, bank)]
    problems += [Problem(folder, 0, reason) for reason in _of_all(bank)]
    return tuple(problems)


def check_formulas(bank: Bank, folder: Path = BUILT_IN, progress: Progress | None = None) -> tuple[Problem, ...]:
    """The formulas that cannot be drawn, by question. Draws every one: some 10 ms each."""
    problems = []
    for number, question in enumerate(bank):
        if progress:
            progress(number, len(bank))
        for formula in dict.fromkeys(formulas_of(question)):
            if why := undrawable(formula):
                problems.append(_problem(folder, question, f"the formula ${formula}$: {why}"))
    if progress:
        progress(len(bank), len(bank))
    return tuple(problems)


def check_likeness(index: Index, folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """The questions that ask nearly what another one asks."""
    return tuple(
        _problem(folder, pair.one, f"asks nearly the same as {pair.other.id} (likeness {pair.likeness:.2f})")
        for pair in twins(index)
    )


def check_coverage(bank: Bank, rows: Iterable[Mapping[str, str]], folder: Path = BUILT_IN) -> tuple[Problem, ...]:
    """What is missing of a list of questions that a bank has to hold: rows with an `id`, and perhaps a `topic`."""
    problems = []
    for row in rows:
        id, topic = row["id"], row.get("topic") or ""
        question = bank.get(id)
        if question is None:
            problems.append(Problem(folder, 0, f"lacks the question {id!r} ({row.get('question', '')})"))
        elif topic and question.topic != topic:
            problems.append(_problem(folder, question, f"belongs in the topic {topic!r}"))
    return tuple(problems)


def stats(bank: Bank) -> dict[str, int | dict[str, int]]:
    """How many questions there are, by topic (alphabetical) and by difficulty (easiest first)."""
    topics = Counter(question.topic for question in bank)
    difficulties = Counter(question.difficulty for question in bank)
    return {
        "total": len(bank),
        "topics": {topic: topics[topic] for topic in bank.topics},
        "difficulties": {difficulty.value: difficulties[difficulty] for difficulty in Difficulty},
    }


def unchecked(bank: Bank) -> int:
    """How many references nobody has looked up yet."""
    return sum(not reference.checked for question in bank for reference in question.references)


def longest_share(bank: Bank) -> float:
    """The share of questions with choices whose right one is longer than every other; 0 where there are none."""
    posed = [question for question in bank if question.choices]
    return sum(map(_right_is_longest, posed)) / max(1, len(posed))


def words(text: str) -> int:
    """Words of prose: code and display formulas count nothing, a formula in the text one."""
    return len(FORMULA.sub("x", NO_PROSE.sub(" ", text)).split())


def _problem(folder: Path, question: Question, reason: str) -> Problem:
    return Problem(folder / question.topic / f"{question.id}.md", 0, reason)


def _of_one(question: Question, bank: Bank) -> Iterator[str]:
    counts = (
        words(question.answer),
        words(question.in_depth),
        len(question.key_points),
        len(question.misconceptions),
        len(question.follow_ups),
        len(question.aliases),
    )
    for (what, (least, most)), count in zip(LENGTHS.items(), counts, strict=True):
        if not least <= count <= most:
            yield f"{what}: {count}, should be {least} to {most}"
    if question.id.startswith(OWN):
        yield f"ids that begin with {OWN} are for workspaces' own questions: rename the file"
    if not question.choices:
        yield "has no choices: it can be asked in one's own words alone"
    for other in question.related:
        if other == question.id:
            yield "is related to itself"
        elif other not in bank:
            yield f"related: there is no question {other!r}"
    if not question.references:
        yield "has no reference"


def _of_all(bank: Bank) -> Iterator[str]:
    if (share := longest_share(bank)) > LONGEST_SHARE:
        yield f"the right choice is the longest in {share:.0%} of questions, should be at most {LONGEST_SHARE:.0%}"
    asked: dict[str, str] = {}
    for question in bank:
        for wording in (question.title, *question.aliases):
            owner = asked.setdefault(" ".join(re.findall(r"\w+", wording.casefold())), question.id)
            if owner != question.id:
                yield f"{owner} and {question.id} are both asked as {wording!r}"


def _right_is_longest(question: Question) -> bool:
    wrong = (len(choice.text) for choice in question.choices if not choice.right)
    return len(question.choices[question.right_choice].text) > max(wrong)
