"""Reading documents of questions and answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.importers.draft import ParsedFile
from knowledge.importers.read import read
from knowledge.questions import Difficulty

SOURCES = Path(__file__).resolve().parents[4] / "shared" / "sources"


def reading(tmp_path: Path, text: str, name: str = "questions.md") -> ParsedFile:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read(path)


NUMBERED = """# Advanced questions on caches

## 🟡 **1–2: Keys & values**

### 1. What does a cache keep?
"It keeps what was computed, so that nobody computes it twice.

```python
### 9. Not a question?
cache = {}
```

That is all."

#### Indepth
Keys and values of each layer.

---

### 2. When is it emptied?
"When the conversation ends."
"""


def test_numbered_headings_with_quoted_answers_and_an_indepth_part(tmp_path: Path) -> None:
    found = reading(tmp_path, NUMBERED)

    first, second = found.drafts
    assert (first.title, first.line, first.topic) == ("What does a cache keep?", 5, "Keys & values")
    assert first.answer.startswith("It keeps what was computed")
    assert "```python\n### 9. Not a question?\ncache = {}\n```" in first.answer
    assert first.in_depth == "Keys and values of each layer."
    assert second.answer == "When the conversation ends."
    assert {draft.difficulty for draft in found.drafts} == {Difficulty.HARD}
    assert found.problems == []


def test_bold_answers_under_numbered_headings_and_closing_words(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "### 1. What is a token?\n**Answer:**  \nA piece of a word.\n\n### 2. And a byte?\n**Answer:**\nEight bits.\n\n"
        "---\n\nThese two questions are all there is.\n",
    )

    assert [draft.answer for draft in found.drafts] == ["A piece of a word.", "Eight bits."]
    assert found.problems == [(10, "the text after the last rule doesn't belong to a question and was left out")]


def test_bold_question_and_answer(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "**Question:** What is a seed?\n\n**Answer:** Where the randomness begins.\n\n"
        "**Question:** Why fix it?\n\n**Answer:** To get the same again.\n",
    )

    assert [(draft.title, draft.answer) for draft in found.drafts] == [
        ("What is a seed?", "Where the randomness begins."),
        ("Why fix it?", "To get the same again."),
    ]


GUIDE = """A guide

Table of Contents

  1. First things
  2. Second things
  3. Third things

First things

What is a matrix?

A table of numbers.

Second things

Q1: How are two of them multiplied?

Answer:

Rows by columns:

# in Python
import numpy

c = numpy.matmul(a, b)

for row in c:
    print(row)

That is all there is to it, and it is enough for most people who ask.

Q: 2 times 3?

Third things

Q2: What is a tensor?

Answer:

A table of more dimensions.

Summary & Key Takeaways

Matrices are everywhere.
"""


def test_a_guide_that_lost_its_html(tmp_path: Path) -> None:
    found = reading(tmp_path, GUIDE, "guide.txt")

    assert [(draft.title, draft.topic) for draft in found.drafts] == [
        ("What is a matrix?", "First things"),
        ("How are two of them multiplied?", "Second things"),
        ("What is a tensor?", "Third things"),
    ]
    code = "```text\n# in Python\nimport numpy\n\nc = numpy.matmul(a, b)\n\nfor row in c:\n    print(row)\n```"
    assert code in found.drafts[1].answer
    assert "Q: 2 times 3?" in found.drafts[1].answer
    assert "everywhere" not in found.drafts[2].answer
    assert "“Summary & Key Takeaways” and what follows isn't a question" in found.problems[0][1]


def test_one_line_per_question_with_its_difficulty(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "20 questions\n1 What is recall? ⚡ Easy\nAnswer: The share that was found.\n"
        "2 What is precision? 📊 Medium\nAnswer: The share that was right.\n3 And both? 🔥 Hard\nAnswer: F1.\n\n"
        "Cheat Sheet\nF1\n",
        "questions.txt",
    )

    assert [(draft.title, draft.difficulty) for draft in found.drafts] == [
        ("What is recall?", Difficulty.EASY),
        ("What is precision?", Difficulty.MEDIUM),
        ("And both?", Difficulty.HARD),
    ]
    assert found.drafts[2].answer == "F1."


def test_utf8_that_was_read_as_windows_1252_is_repaired_and_the_rest_stays(tmp_path: Path) -> None:
    broken = "It’s a “model” — café".encode().decode("cp1252", errors="replace")
    found = reading(tmp_path, f"### 1. What is it?\n{broken}\n\n### 2. And now?\nÀ côté – déjà vu\n")

    assert found.drafts[1].answer == "À côté – déjà vu"
    assert "— café" in found.drafts[0].answer


def test_code_and_sentences_that_lost_their_html_are_told_apart(tmp_path: Path) -> None:
    sentence = "The learning rate is large at first, and then it decays (see above)."
    text = f"Q1: What is it?\nAnswer: So.\n\n{sentence}\n\nx = f(1)\ny = f(x)\n\nQ2: And?\nNo.\n"
    [draft, _] = reading(tmp_path, text).drafts

    assert draft.answer == f"So.\n\n{sentence}\n\n```text\nx = f(1)\ny = f(x)\n```"


def test_a_heading_with_blanks_at_its_end_is_one(tmp_path: Path) -> None:
    found = reading(tmp_path, f"### 1. What is it?{' ' * 500}\nIt.\n### 2. And that?\nThat.\n").drafts

    assert [draft.title for draft in found] == ["What is it?", "And that?"]


def test_a_question_without_an_answer_is_reported_with_its_line(tmp_path: Path) -> None:
    found = reading(tmp_path, "Q1: What is lost?\n\nQ2: What is found?\nAnswer: This.\n")

    assert (1, "“What is lost?” has no answer") in found.problems


def test_a_text_without_questions_says_what_would_be_right(tmp_path: Path) -> None:
    found = reading(tmp_path, "Once upon a time.\n")

    assert found.drafts == []
    assert "number them" in found.problems[0][1]


@pytest.mark.skipif(not SOURCES.is_dir(), reason="the documents that this was written for aren't here")
@pytest.mark.parametrize(("number", "count"), [("000", 20), ("001", 20), ("002", 23), ("003", 20), ("004", 100)])
def test_all_questions_of_real_documents_are_read(number: str, count: int) -> None:
    (path,) = SOURCES.glob(f"{number}_*")
    found = read(path)

    assert len(found.drafts) == count
    assert all(draft.answer for draft in found.drafts)
    assert not any("â€" in draft.answer or "ðŸ" in draft.topic for draft in found.drafts)
    if number != "004":
        assert len({draft.line for draft in found.drafts if draft.difficulty or draft.topic}) == count
