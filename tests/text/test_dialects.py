"""Markdown as banks and models write it, in every dialect."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.writer import bare
from tests.text.dialects import DIALECTS, in_terminal

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "render"
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not at ../shared/cases")
@every_dialect
def test_what_went_wrong_once_is_right(dialect: str) -> None:
    wrong = []
    for file in sorted(CASES.glob("*.json")):
        case: dict[str, Any] = json.loads(file.read_text())
        expected = case.get(dialect, {})
        written = DIALECTS[dialect]((CASES / case["file"]).read_text(), case.get("model", False))
        missing = [part for part in expected.get("has", ()) if part not in written]
        unwanted = [part for part in expected.get("lacks", ()) if part in written]
        if "has_one" in expected and not any(part in written for part in expected["has_one"]):
            missing.append(" or ".join(expected["has_one"]))
        if missing or unwanted:
            wrong.append((case["file"], missing, unwanted, written))
    assert wrong == []


def words(text: str, dialect: str) -> str:
    """Return what a reader sees, roughly: without marks, escapes and line breaks."""
    if dialect == "html":
        text = re.sub(r"<br />|</?\w[^>]*>", lambda tag: " " if tag[0] == "<br />" else "", text)
    if dialect != "terminal":
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            text = text.replace(entity, sign)
    return " ".join(re.sub(r"[`\u200b\u2068\u2069\\]", "", text.replace("< ", "<")).split())


MONEY = [
    ("It costs $5 per million, $15 in all.", "It costs $5 per million, $15 in all."),
    ("US$20, not US$30; A$7 and HK$8", "US$20, not US$30; A$7 and HK$8"),
    ("from $10/month to $20/month", "from $10/month to $20/month"),
    ("($5) or ($6)", "($5) or ($6)"),
    ("$3k–$5k a year", "$3k–$5k a year"),
    ("$1,000.50 and $2,000.75", "$1,000.50 and $2,000.75"),
    ("set $HOME/bin:$PATH and ${A_B}:${C_D}", "set $HOME/bin:$PATH and ${A_B}:${C_D}"),
    ("five $ or six $ more", "five $ or six $ more"),
    ("$5 million or 10 per cent$", "$5 million or 10 per cent$"),
]
FORMULAS = [
    (r"so $x_1$ costs $5 and $x^2$ too", "so x₁ costs $5 and x² too"),
    (r"the $n$th of $2$ and $\alpha$-divergence", "the nth of 2 and α-divergence"),
    (r"\(x_1\) and \( x^2 \)", "x₁ and x²"),
    (r"\$5 is not $5$", "$5 is not 5"),
    (r"code `\(a\)` and `$x_1$` stay", r"code (a) and $x_1$ stay"),
    (r"an escaped \[1\] is a bracket", "an escaped [1] is a bracket"),
]


@every_dialect
@pytest.mark.parametrize(("text", "read"), MONEY + FORMULAS)
def test_money_is_no_formula_and_formulas_are(dialect: str, text: str, read: str) -> None:
    assert words(DIALECTS[dialect](text, True), dialect) == read


DISPLAY = [
    "so\n\\[\nx_1\n\\]\nthen",
    "so\n\\[ x_1 \\]\nthen",
    "so\n\n$$x_1$$\n\nthen",
    "so\n$$\nx_1\n$$\nthen",
    "so $$x_1$$ then",
    "- so\n\n  $$\n  x_1\n  $$\n- then",
    "> so\n>\n> \\[ x_1 \\]\n>\n> then",
]


@every_dialect
@pytest.mark.parametrize("text", DISPLAY)
def test_a_display_formula_stands_on_a_line_of_its_own(dialect: str, text: str) -> None:
    written = re.sub(r"<[^>]*>|&gt;|[>▌•▎-]", "", DIALECTS[dialect](text, True))
    lines = [line.strip() for line in written.splitlines() if line.strip().strip("`") not in ("", "text")]

    assert [line for line in lines if line] == ["so", "x₁", "then"]


CODE = [
    "so\n\n```py\nx = 1  # **a** $y_1$\n```\n\nthen",
    "so\n~~~\nx = 1  # **a** $y_1$\n~~~\nthen",
    "so\n\n    x = 1  # **a** $y_1$\n\nthen",
    "so\n\n   ```\n   x = 1  # **a** $y_1$\n   ```\nthen",
    "1. so\n   ```bash\n   x = 1  # **a** $y_1$\n   ```\n2. then",
    "> so\n>\n> ```\n> x = 1  # **a** $y_1$\n> ```\n>\n> then",
    "so\n\n````md\nx = 1  # **a** $y_1$\n````\nthen",
    "- so\n  - deep:\n    ~~~~\n    x = 1  # **a** $y_1$\n    ~~~~\n- then",
]


@every_dialect
@pytest.mark.parametrize("text", CODE)
def test_a_block_of_code_ends_where_its_fence_does(dialect: str, text: str) -> None:
    written = DIALECTS[dialect](text, True)

    assert "x = 1  # **a** $y_1$" in written
    assert "~~~" not in written
    after = words(written.partition("$y_1$")[2], dialect)
    assert after.endswith("then")
    assert len(after) < 12


@every_dialect
def test_an_unclosed_fence_goes_on_to_the_end(dialect: str) -> None:
    written = DIALECTS[dialect]("so\n\n```py\nx = 1\n\n# not a heading", True)

    assert "# not a heading" in written
    assert written.count("```") in (0, 2)


@every_dialect
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("one<br>two<br/>three<BR />four", "one two three four"),
        ("x<sub>2</sub> and y<sup>n</sup>", "x₂ and yⁿ"),
        ("a <mask>, <s>, </s>, <pad>, <|end|> and <unk>", "a <mask>, <s>, </s>, <pad>, <|end|> and <unk>"),
        ("List<int> and a < b > c", "List<int> and a < b > c"),
        ("the <p> tag and <script>alert(1)</script>", "the <p> tag and <script>alert(1)</script>"),
        ("press <kbd>q</kbd>, <u>now</u>", "press q, now"),
    ],
)
def test_angle_brackets_are_words_unless_they_are_known_tags(dialect: str, text: str, read: str) -> None:
    written = DIALECTS[dialect](text, False)
    if dialect == "html":
        assert "<script" not in written
        written = written.replace("<sub>2</sub>", "₂").replace("<sup>n</sup>", "ⁿ")

    assert words(written, dialect).replace("< b", "<b") == read.replace("< b", "<b")


TABLES = [
    "Model | Price\n--- | ---\nA | 5\nBee | 10",
    "| Model | Price |\n|:---|---:|\n| A | 5 |\n| Bee | 10 |",
    "Prices:\n\nModel|Price\n-|-\n**A**|5\nBee|`10`",
    "> | Model | Price |\n> |---|---|\n> | A | 5 |\n> | Bee | 10 |",
]


@every_dialect
@pytest.mark.parametrize("text", TABLES)
def test_the_columns_of_a_table_stand_below_each_other(dialect: str, text: str) -> None:
    written = DIALECTS[dialect](text, True)

    assert not re.search(r"-\s*\|", written)
    if dialect == "html":
        assert written.count("<td") == 4
        return
    lines = [line for line in written.splitlines() if re.search("Model|A|Bee", line)]
    columns = {re.search(r"(?:Price|5|10) *$", line.rstrip("│` ")).start() for line in lines}  # type: ignore[union-attr]
    assert len(lines) == 3
    assert dialect == "terminal" or len(columns) == 1


@pytest.mark.parametrize("dialect", ["discord", "slack_mrkdwn"])
def test_wide_characters_take_two_columns_in_a_table(dialect: str) -> None:
    written = DIALECTS[dialect]("a | b\n-|-\n模型 | 1\nxy | 2", True)

    assert "模型  1\nxy    2" in written


@pytest.mark.parametrize("dialect", ["discord", "slack_mrkdwn", "slack_markdown"])
def test_a_table_too_wide_for_a_chat_becomes_a_list(dialect: str) -> None:
    written = DIALECTS[dialect](f"model | notes\n-|-\n**A** | {'long ' * 12}\nB | `x`", True)

    assert "```" not in written
    assert re.search(r"^[-•] model: \*+A\*+ · notes: long", written)
    assert re.search(r"^[-•] model: B · notes: `x`$", written, re.MULTILINE)


@pytest.mark.parametrize("dialect", ["discord", "slack_mrkdwn", "slack_markdown"])
def test_a_cell_written_right_to_left_keeps_the_order_of_its_row(dialect: str) -> None:
    written = DIALECTS[dialect]("name | points\n-|-\nדוד לוי | 10\nada | 9", True)

    assert "\u2068דוד לוי\u2069  10\nada      9" in written


@pytest.mark.parametrize("dialect", ["slack_mrkdwn", "slack_markdown", "discord"])
def test_the_end_of_a_sentence_is_no_part_of_an_address(dialect: str) -> None:
    assert DIALECTS[dialect]("See https://example.org/x.", True) == "See `https://example.org/x`."


@every_dialect
def test_no_cell_of_a_table_is_lost(dialect: str) -> None:
    assert "extra" in DIALECTS[dialect]("a | b\n-|-\n1 | 2 | extra", True)


@pytest.mark.parametrize("row", ["$5 | $6", "$HOME | $PATH", "`$a` | b$", r"\$a | b\$"])
def test_dollars_in_two_cells_leave_them_apart(row: str) -> None:
    assert DIALECTS["html"](f"a | b\n-|-\n{row}", True).count("<td") == 2


@every_dialect
def test_a_long_word_in_a_cell_is_whole(dialect: str) -> None:
    assert DIALECTS[dialect]("a | b\n-|-\nit | " + "w" * 200, True).count("w") == 200


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("What is **LoRA**?", "What is LoRA?"),
        ("Why is $x_1 < 2 * 3$ in `f`?", "Why is x₁ < 2 * 3 in f?"),
        ("What does $$\\hat{AB}$$ say?", r"What does \hat{AB} say?"),
        ("Snake_case, and 2 * 3?", "Snake_case, and 2 * 3?"),
    ],
)
def test_a_label_is_a_line_without_formatting(title: str, label: str) -> None:
    assert bare(title) == label


@pytest.mark.parametrize("width", [40, 80, 120])
def test_code_wider_than_the_terminal_is_wrapped(width: int) -> None:
    shown = in_terminal("```py\n" + "x" * 300 + "\n```", width=width)

    assert shown.count("x") == 300
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize("dialect", ["discord", "slack_markdown", "slack_mrkdwn"])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Well done, דנה, 3 days!", "Well done, \u2068דנה\u2069, 3 days!"),
        ("**مريم علي** has 3 points", "\u2068مريم علي\u2069 has 3 points"),
        ("מודל שפה גדול הוא transformer", "מודל שפה גדול הוא transformer"),
        ("plain ascii", "plain ascii"),
    ],
)
def test_words_written_right_to_left_keep_the_order_around_them(dialect: str, text: str, shown: str) -> None:
    assert DIALECTS[dialect](text, False).replace("*", "") == shown


SIGNS = (*"*_~`<>#-|:!\n ab", "1. ", "|-|\n", "- ", "\u202e", "](", "http://a", "$$", "$$a$$")
texts = st.lists(st.sampled_from(SIGNS)).map("".join)


@given(texts)
def test_no_letter_is_lost_in_any_dialect(text: str) -> None:
    text = re.sub(r"`{3,}|~{3,}", "", text)  # what follows a fence names a language
    letters = re.findall("[ab]", text)
    for dialect, write in DIALECTS.items():
        written = write(text, True)
        shown = re.sub(r"</?\w[^>]*>", "", written) if dialect == "html" else written
        assert re.findall("[ab]", re.sub(r"&\w+;", "", shown)) == letters, dialect
