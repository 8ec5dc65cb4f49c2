"""Reading tables and JSON lines."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from knowledge.format.csv_format import COLUMNS
from knowledge.importers.draft import ParsedFile
from knowledge.importers.read import read
from knowledge.questions import Difficulty
from tests.knowledge.files import LORA, put


def reading(tmp_path: Path, name: str, text: str) -> ParsedFile:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read(path)


def test_columns_can_have_any_sensible_name(tmp_path: Path) -> None:
    found = reading(tmp_path, "deck.csv", 'Back,Front,Level,Deck,Tags\n"A, b",What is it?,Hard,ML::Deep,"x, y"\n')

    (draft,) = found.drafts
    assert (draft.title, draft.answer, draft.topic) == ("What is it?", "A, b", "Deep")
    assert draft.difficulty is Difficulty.HARD
    assert draft.tags == ("x", "y")
    assert draft.line == 2


def test_tabs_and_semicolons_separate_columns_too(tmp_path: Path) -> None:
    assert reading(tmp_path, "a.tsv", "question\tanswer\nWhat?\tThat, and this\n").drafts[0].answer == "That, and this"
    assert reading(tmp_path, "b.csv", "question;answer\nWhat?;That, and this\n").drafts[0].answer == "That, and this"


def test_without_column_names_the_first_two_columns_are_read_and_noted(tmp_path: Path) -> None:
    found = reading(tmp_path, "c.csv", "What is it?,A thing\nAnd that?,Another\n")

    assert [draft.title for draft in found.drafts] == ["What is it?", "And that?"]
    assert "no known column names" in found.problems[0][1]


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


def test_a_broken_table_gives_the_rows_before_the_break(tmp_path: Path) -> None:
    found = reading(tmp_path, "e.csv", 'question,answer\nWhat?,That\n"open,\n')

    assert [draft.title for draft in found.drafts] == ["What?"]
    assert "can't be read as a table" in found.problems[0][1]


def test_problems_of_json_lines_have_their_line(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "f.jsonl",
        '{"q": "What?", "a": "That.", "level": "beginner"}\nnot json\n[1]\n{"a": "no question"}\n'
        '{"question": "Why?", "answer": "So.", "difficulty": "tricky"}\n',
    )

    assert [(draft.title, draft.difficulty) for draft in found.drafts] == [("What?", Difficulty.EASY), ("Why?", None)]
    assert [line for line, _ in found.problems] == [2, 3, 4, 5]


def test_the_apostrophe_before_a_formula_is_removed(tmp_path: Path) -> None:
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
def test_the_format_is_detected_from_the_content(tmp_path: Path, name: str, text: str) -> None:
    first = reading(tmp_path, name, text).drafts[0]

    assert (first.title, first.answer) == ("What?", "That.")


def test_a_stray_quotation_mark_loses_no_rows(tmp_path: Path) -> None:
    found = reading(tmp_path, "a.csv", 'question,answer\nA?,one\nB?,"two" three\nC?,four\n')

    assert [draft.title for draft in found.drafts] == ["A?", "B?", "C?"]
    assert found.problems == [(3, "there's a quotation mark in the middle of a cell; it was left out")]


def test_a_row_without_a_question_is_reported_and_left_out(tmp_path: Path) -> None:
    found = reading(tmp_path, "a.tsv", "question\tanswer\n\tThat.\nWhy?\tSo.\n")

    assert [draft.title for draft in found.drafts] == ["Why?"]
    assert found.problems == [(2, "has no question")]


def test_key_points_are_read_next_to_other_peoples_names(tmp_path: Path) -> None:
    line = '{"question": "Why?", "answer": "So.", "key_points": ["One.", "Two."], "choices": null}'

    assert reading(tmp_path, "a.jsonl", line).drafts[0].key_points == ("One.", "Two.")


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("choices", "It trains a low-rank update.", "a choice is [x] or [ ] followed by its text"),
        ("misconceptions", "LoRA is slower", "why it's wrong"),
        ("references", "LoRA, 2021", 'a reference is {"title"'),
        ("references", '{"title": "LoRA"}', 'a reference is {"title"'),
        ("references", "[]", 'a reference is {"title"'),
        ("difficulty", "tricky", "'tricky' is not a valid Difficulty"),
        ("as_of", "today", "Invalid isoformat string"),
    ],
)
def test_a_bad_cell_in_our_own_table_is_reported_with_its_line(
    tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    values = {"id": "lora", "question": "What is LoRA?", "answer": "Adapters.", column: cell}
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, [values.get(name, "") for name in COLUMNS]])
    found = read(tmp_path / "a.csv")

    assert found.drafts == []
    [(line, problem)] = found.problems
    assert line == 2
    assert problem.startswith("isn't what `bank export --format csv` writes: ")
    assert reason in problem


def test_null_lists_of_paragraphs_and_wrong_types_in_json_lines(tmp_path: Path) -> None:
    found = reading(
        tmp_path,
        "a.jsonl",
        'null\n{"q": "Why?", "a": ["So.", "And so."]}\n{"title": 7, "choices": []}\n'
        '{"title": "Why?", "key_points": [1]}\n',
    )

    assert [draft.answer for draft in found.drafts] == ["So.\n\nAnd so."]
    assert [(line, reason.rpartition(": ")[2]) for line, reason in found.problems] == [
        (1, "is null"),
        (3, "title, answer, in_depth, id, and topic must be texts, and the title can't be empty"),
        (4, "key_points must be a list of texts"),
    ]


def test_a_file_of_a_bank_is_read_whole_or_reported(tmp_path: Path) -> None:
    valid = read(put(tmp_path, "fine-tuning/lora", LORA))
    mistaken = read(put(tmp_path, "fine-tuning/broken", LORA.replace("[x]", "[ ]")))

    assert [(draft.id, draft.topic, len(draft.choices)) for draft in valid.drafts] == [("lora", "fine-tuning", 4)]
    assert (mistaken.drafts, valid.problems) == ([], [])
    assert "one of them [x]" in mistaken.problems[0][1]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("fine-tuning/lora", ("lora", "fine-tuning")),
        ("Downloads/My question", ("my-question", "downloads")),
        ("???/!", ("question", "imported")),
    ],
)
def test_a_file_of_a_bank_can_have_any_name(tmp_path: Path, name: str, found: tuple[str, str]) -> None:
    parsed = read(put(tmp_path, name, LORA))

    assert parsed.problems == []
    assert [(draft.id, draft.topic) for draft in parsed.drafts] == [found]


def test_a_file_of_a_bank_can_be_named_without_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(put(tmp_path, "Fine tuning/lora", LORA).parent)

    assert [(draft.id, draft.topic) for draft in read(Path("lora.md")).drafts] == [("lora", "fine-tuning")]
