"""Tables and JSON lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.importers.draft import ParsedFile
from knowledge.importers.read import read
from knowledge.questions import Difficulty


def reading(tmp_path: Path, name: str, text: str) -> ParsedFile:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read(path)


def test_columns_are_known_by_any_sensible_name(tmp_path: Path) -> None:
    found = reading(tmp_path, "deck.csv", 'Back,Front,Level,Deck,Tags\n"A, b",What is it?,Hard,ML::Deep,"x, y"\n')

    (draft,) = found.drafts
    assert (draft.title, draft.answer, draft.topic) == ("What is it?", "A, b", "Deep")
    assert draft.difficulty is Difficulty.HARD
    assert draft.tags == ("x", "y")
    assert draft.line == 2


def test_tabs_and_semicolons_part_columns_too(tmp_path: Path) -> None:
    assert reading(tmp_path, "a.tsv", "question\tanswer\nWhat?\tThat, and this\n").drafts[0].answer == "That, and this"
    assert reading(tmp_path, "b.csv", "question;answer\nWhat?;That, and this\n").drafts[0].answer == "That, and this"


def test_without_names_the_first_two_columns_are_taken_and_that_is_said(tmp_path: Path) -> None:
    found = reading(tmp_path, "c.csv", "What is it?,A thing\nAnd that?,Another\n")

    assert [draft.title for draft in found.drafts] == ["What is it?", "And that?"]
    assert "no row of names" in found.problems[0][1]


def test_html_in_a_cell_becomes_markdown_and_scripts_are_left_out(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "d.csv",
        'question,answer\n"<b>What?</b>","<p>One<br>two</p><script>alert(1)</script><pre>x = 1</pre>"\n',
    )

    assert found.drafts[0].title == "**What?**"
    assert "alert" not in found.drafts[0].answer
    assert "x = 1" in found.drafts[0].answer
    assert "<" not in found.drafts[0].answer
    assert "scripts" in found.problems[0][1]


def test_a_broken_table_gives_what_came_before(tmp_path: Path) -> None:
    found = reading(tmp_path, "e.csv", 'question,answer\nWhat?,That\n"open,\n')

    assert [draft.title for draft in found.drafts] == ["What?"]
    assert "cannot be read as a table" in found.problems[0][1]


def test_json_lines_with_problems_told_by_line(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "f.jsonl",
        '{"q": "What?", "a": "That.", "level": "beginner"}\nnot json\n[1]\n{"a": "no question"}\n'
        '{"question": "Why?", "answer": "So.", "difficulty": "tricky"}\n',
    )

    assert [(draft.title, draft.difficulty) for draft in found.drafts] == [("What?", Difficulty.EASY), ("Why?", None)]
    assert [line for line, _ in found.problems] == [2, 3, 4, 5]


def test_an_apostrophe_before_a_formula_is_taken_away_again(tmp_path: Path) -> None:
    assert reading(tmp_path, "g.csv", "question,answer\nWhat?,'=1+1\n").drafts[0].answer == "=1+1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", '{"question": "What?", "answer": "That."}\n'),
        ("b.md", '[{"question": "What?", "answer": "That."}]\n'),
        ("c.txt", "question;answer\nWhat?;That.\n"),
        ("d.txt", "#separator:tab\n#html:true\nWhat?\tThat.\n"),
        ("e.txt", "What?\tThat.\nWhy?\tSo.\n"),
    ],
)
def test_what_a_file_is_is_told_from_what_is_in_it(tmp_path: Path, name: str, text: str) -> None:
    first = reading(tmp_path, name, text).drafts[0]

    assert (first.title, first.answer) == ("What?", "That.")


def test_a_stray_quotation_mark_costs_no_rows(tmp_path: Path) -> None:
    found = reading(tmp_path, "a.csv", 'question,answer\nA?,one\nB?,"two" three\nC?,four\n')

    assert [draft.title for draft in found.drafts] == ["A?", "B?", "C?"]
    assert found.problems == [(3, "a quotation mark stands in the middle of a cell; it is left out")]


def test_a_row_without_its_question_is_told_and_its_answer_is_no_question(tmp_path: Path) -> None:
    found = reading(tmp_path, "a.tsv", "question\tanswer\n\tThat.\nWhy?\tSo.\n")

    assert [draft.title for draft in found.drafts] == ["Why?"]
    assert found.problems == [(2, "has no question")]


def test_key_points_are_known_beside_names_of_others(tmp_path: Path) -> None:
    line = '{"question": "Why?", "answer": "So.", "key_points": ["One.", "Two."], "choices": null}'

    assert reading(tmp_path, "a.jsonl", line).drafts[0].key_points == ("One.", "Two.")
