"""What the bank as a whole has to hold."""

from __future__ import annotations

from dataclasses import replace

from knowledge.check import check, longest_share, stats, unchecked, words
from knowledge.load import load
from knowledge.questions import Bank, Choice


def reasons(bank: Bank) -> str:
    return "\n".join(map(str, check(bank)))


def test_the_built_in_bank_is_sound() -> None:
    assert check(load().bank) == ()


def test_an_unknown_relation_is_told(bank: Bank) -> None:
    wrong = Bank.of([replace(bank["lora"], related=("lroa", "lora")), bank["rag"]])

    assert "there is no question 'lroa'" in reasons(wrong)
    assert "is related to itself" in reasons(wrong)


def test_lengths_out_of_bounds_are_told(bank: Bank) -> None:
    assert "rag/rag.md: the answer's words: 18, should be 60 to 150" in reasons(bank)
    assert "aliases: 2, should be 6 to 30" in reasons(bank)


def test_two_questions_with_one_wording_are_told(bank: Bank) -> None:
    twin = replace(bank["rag"], aliases=("Low-rank adapters!",))

    assert "lora and rag are both asked as" in reasons(Bank.of([bank["lora"], twin]))


def test_a_bank_whose_right_choice_is_mostly_the_longest_is_told(bank: Bank) -> None:
    telling = (Choice("a very long right choice", True), *(Choice(f"short {i}", False, "no") for i in range(3)))
    wrong = Bank.of(replace(question, choices=telling) for question in bank)

    assert longest_share(wrong) == 1.0
    assert "the right choice is the longest in 100% of questions" in reasons(wrong)


def test_formulas_and_code_are_not_counted_as_prose() -> None:
    assert words("one $a + b$ three\n\n$$\nx + y\n$$\n\n```python\nno words here\n```\nfour") == 4


def test_stats_count_topics_and_difficulties(bank: Bank) -> None:
    assert stats(bank) == {
        "total": 3,
        "topics": {"fine-tuning": 1, "rag": 1, "vae": 1},
        "difficulties": {"easy": 1, "medium": 1, "hard": 1},
    }


def test_references_nobody_looked_up_are_counted(bank: Bank) -> None:
    reference = replace(bank["lora"].references[0], checked=False, at="")

    assert unchecked(bank) == 0
    assert unchecked(Bank.of([replace(bank["lora"], references=(reference, reference))])) == 2
