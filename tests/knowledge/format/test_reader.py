"""Reading the files of a bank, valid or with mistakes."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.format.reader import SIZE_LIMIT, load, load_file
from knowledge.questions import Bank, Choice, Difficulty, Misconception, Question, Reference
from tests.knowledge.files import LORA, RAG, put


def line_of(source: str, text: str) -> int:
    return source[: source.index(text)].count("\n") + 1


def test_a_valid_file_becomes_a_question(bank: Bank) -> None:
    lora = bank["lora"]

    assert (lora.topic, lora.title, lora.difficulty) == ("fine-tuning", "What is LoRA?", Difficulty.MEDIUM)
    assert lora.aliases == ("cheap way to tune a big network", "low rank adapters")
    assert lora.references == (Reference("LoRA", "Hu and others", 2021, "arXiv:2106.09685", checked=True),)
    assert lora.misconceptions == (Misconception("LoRA makes every inference slower", "merged, it adds nothing."),)
    assert lora.choices[:2] == (
        Choice("It trains only the biases", False, "that is BitFit."),
        Choice("It trains a low-rank update.", True),
    )
    assert lora.follow_ups == ("How do you choose the rank?", "Which matrices get adapters?")


def test_texts_keep_their_markdown(bank: Bank) -> None:
    assert bank["lora"].in_depth.startswith("The update is $\\Delta W = \\frac{\\alpha}{r} B A$.\n\n$$\nW = W_0")


def test_a_bank_is_sorted_by_topic_and_id(bank: Bank) -> None:
    assert [question.id for question in bank] == ["lora", "rag", "vae"]


def test_the_date_of_the_facts_is_read(tmp_path: Path) -> None:
    question = load_file(put(tmp_path, "rag/rag", RAG.replace("aliases", "as_of = 2026-11-01\naliases", 1)))

    assert isinstance(question, Question)
    assert question.as_of == date(2026, 11, 1)


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    unix = load_file(put(tmp_path, "a/rag", RAG))
    windows = load_file(put(tmp_path, "b/rag", b"\xef\xbb\xbf" + RAG.replace("\n", "\r\n").encode()))

    assert isinstance(unix, Question)
    assert isinstance(windows, Question)
    assert (unix.answer, unix.choices) == (windows.answer, windows.choices)


MISTAKES = [
    ('difficulty = "medium"', 'difficulty = "tricky"', '"easy", "medium" or "hard"'),
    ('difficulty = "medium"', "difficulty = medium", "isn't TOML"),
    ('difficulty = "medium"', 'difficulty = ["medium"', "isn't TOML"),
    ('difficulty = "medium"\n', "", "but it's missing"),
    ('tags = ["adapters"]', 'tag = ["adapters"]', "did you mean tags?"),
    ('tags = ["adapters"]', 'tags = "adapters"', "tags must be a list of texts"),
    ('tags = ["adapters"]', 'tags = ["\\u202e"]', "U+202E"),
    ('  "low rank adapters",', "  7,", "aliases must be a list of texts"),
    ('related = ["rag"]', 'related = ["The RAG"]', "isn't an id"),
    ('related = ["rag"]', 'related = ["rag"]\nas_of = "2026"', "a date without quotes"),
    ('"low rank adapters"', '"low rank\\nadapters"', "each of the aliases must be a single line"),
    ('"low rank adapters"', '"cheap way to tune a big network"', "contains 'cheap way to tune a big network' twice"),
    ('{ title = "LoRA", by = "Hu and others",', '"LoRA", { title = "LoRA", by = "Hu",', "references is a list"),
    ('title = "LoRA"', 'title = " "', "only if somebody looked it up"),
    ('title = "LoRA"', 'title = "Lo\\u200bRA"', "a reference contains U+200B"),
    ("year = 2021", 'year = "2021"', "a year like 2017"),
    ("year = 2021", "yaer = 2021", "did you mean year?"),
    ("checked = true", "checked = false", "or neither"),
    ("arXiv:2106.09685", "javascript:alert(1)", "should look like arXiv"),
    ("# What is LoRA?", "# LoRA", "ends like a sentence"),
    ("# What is LoRA?", "What is LoRA?", "starts with the question as a heading"),
    ("## In depth", "## Deeper", "'Deeper' doesn't belong here"),
    ("## Misconceptions", "## Follow-ups", "come, in this order, ## In depth, ## Key points"),
    ("## Key points", "## Choices", "doesn't belong here"),
    ("\\frac{\\alpha}{r} B A", "\\frac{\\alpha}{r B A", "can't read the formula"),
    ("W = W_0 + \\Delta W", "\\left( W", "\\right is missing at the end"),
    ("W = W_0 + \\Delta W", "\\begin{aligned} W", "can't read the formula"),
    ("W = W_0 + \\Delta W", "W^a^b", "two superscripts follow each other"),
    ("- LoRA keeps the", "- It costs $ and LoRA keeps the", "a dollar sign doesn't start a formula"),
    ("- LoRA keeps the", "Some text.\n\n- LoRA keeps the", "one list of bullets"),
    ("- LoRA keeps the", "- # LoRA keeps the", "one paragraph of plain text"),
    ("slower — merged", "slower: merged", "one dash"),
    ("- [x] It trains", "- [ ] It trains", "one dash"),
    ("- [ ] It removes layers — that is pruning.", "- [x] It removes layers.", "one of them [x]"),
    ("- [ ] It removes layers — that is pruning.\n", "", "there must be 4 choices"),
    ("- [ ] It removes layers", "- It removes layers", "starts with [x]"),
    ("- [ ] It removes layers", "- [ ] It trains only the biases", "two choices say the same thing"),
    ("trains two small", "trains\u200b two small", "U+200B (zero width space)"),
    ("trains two small", "trains \u202etwo small", "U+202E (right-to-left override)"),
    ("trains two small", "trains&#x202E; two small", "U+202E"),
    ("trains two small", "trains \x07two small", "U+0007"),
]


@pytest.mark.parametrize(("right", "wrong", "reason"), MISTAKES, ids=[reason for _, _, reason in MISTAKES])
def test_a_mistake_is_reported_with_what_would_be_right(tmp_path: Path, right: str, wrong: str, reason: str) -> None:
    assert LORA.count(right) == 1
    problems = load_file(put(tmp_path, "fine-tuning/lora", LORA.replace(right, wrong)))

    assert not isinstance(problems, Question)
    assert any(reason in problem.reason for problem in problems), problems


EXACT = [
    ('tags = ["adapters"]', 'tag = ["adapters"]'),
    ('difficulty = "medium"', 'difficulty = "tricky"'),
    ("year = 2021", 'year = "2021"'),
    ("\\frac{\\alpha}{r} B A", "\\frac{\\alpha}{r B A"),
    ("slower — merged", "slower: merged"),
    ("- [ ] It removes layers", "- It removes layers"),
    ("trains two small", "trains\u200b two small"),
    ("## Misconceptions", "## Mistakes"),
]


@pytest.mark.parametrize(("right", "wrong"), EXACT)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, right: str, wrong: str) -> None:
    problems = load_file(put(tmp_path, "fine-tuning/lora", LORA.replace(right, wrong)))

    assert not isinstance(problems, Question)
    assert problems[0].line == line_of(LORA, right)


REFERENCE = '{ title = "LoRA", by = "Hu and others", year = 2021, at = "arXiv:2106.09685", checked = true },'
BREAKING = [
    (LORA[: LORA.index("# What")], 13, "starts with the question as a heading"),
    (LORA[: LORA.index("# What")] + "No heading.\n", 13, "starts with the question as a heading"),
    (LORA.replace("# What", "```\n# What"), 13, "starts with the question as a heading"),
    (LORA.replace("# What", "- # What").replace("## ", "### "), 13, "starts with the question as a heading"),
    (LORA.replace("tags =", f"year = {'1' * 5000}\ntags ="), 3, "at most 4,300 digits"),
    (LORA.replace("year = 2021", f"year = {'1_0' * 2500}"), 10, "at most 4,300 digits"),
    (LORA.replace("year = 2021", f"year = 0x{'f' * 5000}"), 10, "a year like 2017, not a huge number"),
    (LORA.replace('"medium"', f"0x{'f' * 5000}"), 2, '"easy", "medium" or "hard", not a huge number'),
    (LORA.replace('"medium"', "[" * 6000), 1, "nested too deeply"),
    (LORA.replace('"medium"', "{ a = " * 2000), 1, "nested too deeply"),
    (LORA.replace('"medium"', f"{{ a{'.a' * 3000} = 1 }}"), 2, '"easy", "medium" or "hard", not a huge table'),
    (LORA.replace("difficulty =", f"difficulty{'.a' * 3000} ="), 2, "not a huge table"),
    (LORA.replace(REFERENCE, f'{{ title.{"a." * 3000}a = "LoRA" }},'), 9, 'a reference has title = "..."'),
    (LORA.replace('"medium"', f'"{"m" * 9000}"'), 2, "m…"),
    (LORA.replace("tags =", f"tags{'.a' * 50_000} ="), 1, "at most 16,384 characters"),
    (LORA.replace('"adapters"', ", ".join(f'"{number}"' for number in range(9000))), 1, "at most 16,384 characters"),
]


@pytest.mark.parametrize(("source", "line", "reason"), BREAKING, ids=[reason for _, _, reason in BREAKING])
def test_a_file_that_breaks_parsers_is_left_out_and_the_others_load(
    folder: Path, source: str, line: int, reason: str
) -> None:
    path = put(folder, "rag/broken", source)
    loaded = load(folder)

    assert [question.id for question in loaded.bank] == ["lora", "rag", "vae"]
    assert {problem.path for problem in loaded.problems} == {path}
    assert any(problem.line == line and reason in problem.reason for problem in loaded.problems), loaded.problems
    assert all(len(problem.reason) < 1000 for problem in loaded.problems)


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    source = LORA.replace("slower — merged", "slower: merged").replace('"medium"', '"tricky"')
    problems = load_file(put(tmp_path, "fine-tuning/lora", source))

    assert not isinstance(problems, Question)
    assert len(problems) == 2


def test_a_file_with_mistakes_is_left_out_and_the_others_load(folder: Path) -> None:
    path = put(folder, "rag/broken", "no front matter")
    loaded = load(folder)

    assert [question.id for question in loaded.bank] == ["lora", "rag", "vae"]
    assert {problem.path for problem in loaded.problems} == {path}


def test_a_byte_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    source = LORA.encode().replace(b"two small", b"two \xff small")
    problems = load_file(put(tmp_path, "fine-tuning/lora", source))

    assert not isinstance(problems, Question)
    assert [problem.line for problem in problems] == [line_of(LORA, "two small")]
    assert "0xff" in problems[0].reason


def test_a_byte_order_mark_does_not_shift_the_byte_that_is_reported(tmp_path: Path) -> None:
    problems = load_file(put(tmp_path, "rag/rag", b"\xef\xbb\xbf+++\n\xfe"))

    assert not isinstance(problems, Question)
    assert [(problem.line, problem.reason[:9]) for problem in problems] == [(2, "byte 0xfe")]


def test_a_file_whose_name_is_not_utf8_is_reported(folder: Path) -> None:
    put(folder, os.fsdecode(b"rag/caf\xe9"), RAG)
    put(folder, os.fsdecode(b"caf\xe9/rag"), RAG)
    loaded = load(folder)

    assert len(loaded.bank) == 3
    assert [str(problem).encode() for problem in loaded.problems if "single dashes" in problem.reason]
    assert all("\\udce9" in str(problem) for problem in loaded.problems)


@pytest.mark.parametrize("name", ["rag/pipe.md", ".importing"])
def test_a_pipe_in_a_bank_does_not_stop_it_from_loading(folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    loaded = load(folder)

    assert len(loaded.bank) == 3
    assert [problem.reason for problem in loaded.problems] == ["can't be read: it isn't a file"] * name.endswith(".md")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    problems = load_file(put(tmp_path, "rag/rag", RAG + " " * SIZE_LIMIT))

    assert not isinstance(problems, Question)
    assert "too large" in problems[0].reason


def test_a_front_matter_needs_both_of_its_fences(tmp_path: Path) -> None:
    problems = load_file(put(tmp_path, "rag/rag", '+++\ndifficulty = "easy"\n# What is it?\n'))

    assert not isinstance(problems, Question)
    assert (problems[0].line, problems[0].reason) == (1, "the front matter has to end with another +++ line")


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    (tmp_path / "rag" / "rag.md").mkdir(parents=True)
    [problem] = load(tmp_path).problems

    assert problem.reason.startswith("can't be read: ")


def test_an_empty_file_is_reported(tmp_path: Path) -> None:
    problems = load_file(put(tmp_path, "rag/rag", "\n"))

    assert not isinstance(problems, Question)
    assert problems[0].reason == "is empty"


@pytest.mark.parametrize("name", ["rag/Rag One", "Topics/rag", "rag/a--b"])
def test_names_of_files_and_folders_are_checked(tmp_path: Path, name: str) -> None:
    problems = load_file(put(tmp_path, name, RAG))

    assert not isinstance(problems, Question)
    assert "a-z, 0-9 and single dashes" in problems[0].reason


def test_an_id_can_be_used_only_once_in_all_topics(folder: Path) -> None:
    put(folder, "vae/rag", RAG)
    loaded = load(folder)

    assert loaded.bank["rag"].topic == "rag"
    assert "ids are unique" in loaded.problems[0].reason


def test_a_file_outside_a_topic_is_reported_and_hidden_ones_are_skipped(folder: Path) -> None:
    put(folder, "stray", RAG)
    put(folder, "rag/deep/deeper", RAG)
    put(folder, ".git/x", "not a question")
    put(folder, "_drafts/x", "not a question")
    loaded = load(folder)

    assert len(loaded.bank) == 3
    assert {problem.path.stem for problem in loaded.problems} == {"stray", "deeper"}


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    loaded = load(tmp_path / "nowhere")

    assert len(loaded.bank) == 0
    assert "isn't a folder" in loaded.problems[0].reason


def test_the_whole_built_in_bank_loads() -> None:
    loaded = load()

    assert loaded.problems == ()
    assert len(loaded.bank) >= 40


@given(st.text(max_size=300))
def test_a_file_with_any_text_is_a_question_or_has_problems(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    source = RAG.replace("It fetches passages", text.encode("utf-8", "ignore").decode(), 1)
    result = load_file(put(tmp_path_factory.mktemp("any"), "rag/rag", source))

    assert isinstance(result, Question) or result


@pytest.mark.parametrize("heading", ["In depth", "Key points", "Misconceptions", "Choices", "Follow-ups"])
def test_each_section_is_optional(tmp_path: Path, heading: str) -> None:
    before, _, after = LORA.partition(f"## {heading}\n")
    rest = after.partition("\n## ")
    question = load_file(put(tmp_path, "fine-tuning/lora", before + (f"## {rest[2]}" if rest[1] else "")))

    assert isinstance(question, Question)
    parts = (question.in_depth, question.key_points, question.misconceptions, question.choices, question.follow_ups)
    assert sum(not part for part in parts) == 1


def test_files_of_an_unfinished_import_do_not_count(tmp_path: Path) -> None:
    put(tmp_path, "fine-tuning/lora", LORA)
    put(tmp_path, "fine-tuning/half-done", LORA)
    (tmp_path / ".importing").write_text("fine-tuning/half-done.md\n")

    assert [question.id for question in load(tmp_path).bank] == ["lora"]


def test_a_damaged_journal_does_not_stop_a_bank_from_loading(tmp_path: Path) -> None:
    put(tmp_path, "fine-tuning/lora", LORA)
    put(tmp_path, "fine-tuning/half-done", LORA)
    (tmp_path / ".importing").write_bytes(b"\xff\xfe\nfine-tuning/half-done.md\n\0\n" + b"a" * 5000)

    assert [question.id for question in load(tmp_path).bank] == ["lora"]
