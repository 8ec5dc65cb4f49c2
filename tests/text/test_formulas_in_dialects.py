"""Formulas anywhere in a text, as people read them on each platform: nothing of a formula is lost on the way.

That Unicode says what LaTeX says is tested in test_formulas.py. Here, what people see must be the one or the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from bot.drawing.alt_text import MAX_LENGTH, alt_of
from bot.platforms.slack.markup import MARKDOWN, MRKDWN, as_read, convert, plain_line, without_marks
from bot.platforms.terminal.markup import line
from bot.text.formulas import unicode_text
from knowledge.format.markdown import formulas, texts_of
from knowledge.format.reader import load
from tests.text.dialects import DIALECTS
from tests.text.readers import READERS
from tests.text.test_formulas import FORMULAS

PLACES = (
    "${}$", "The best ${}$ is so.", "**the best ${}$ is** here", "*the ${}$ is* here", "~~the ${}$ is~~ here",
    "- so ${}$ is\n- it", "1. ${}$\n2. it", "> ${}$ is", "## The ${}$ is\n\nso",
    "| a | b |\n|---|---|\n| it | ${}$ |", "[the ${}$ is](https://a.example) it", "(${}$)", "*${}$*, **${}$**",
    "`a` ${}$ `b`", "a * ${}$ * b, ${}$*c*", "_so ${}$ is_", "\\({}\\) | \\({}\\)",
    "the C_K of ${}$:\n\n```\nx_{}\n```", "$$\n{}\n$$", "so $${}$$ is", "- so\n\n  $$\n  {}\n  $$", "> $$\n> {}\n> $$",
)  # fmt: skip
SPECIAL = (
    "a * b", "*", "x^*", "x_i^* y_j^*", "x_{i, j} + y_{a, b}", r"\theta_{\text{old}}^*", "a < b > c", "<b", "a<@1>",
    "a & b", r"a \& b", r"\#1", r"\_", "> 3", "- 3", "+ 3", "-", "1.", "2. 3", r"\# 3", "a ~ b", r"a \sim b", "P(A|B)",
    "P(A | B)", r"\|x\|_2", "||x||", r"\{x\}", r"\{a_i\}_{i=1}^n", "[a](b)", "E[x](y)", "`", r"\text{`}", r"\text{``}",
    r"\text{```}", r"\hat{h}", r"\bar{x}", r"\tilde{y}", r"a \ne b", r"\Pr(x)", r"\det A", r"\overline{AB}",
    r"a \bmod b", r"\binom{n}{k}", r"\hat{AB}^*", r"\widehat{a_i}_*", r"\foo*{a}_b*", r"\underbrace{a}_{b}",
    r"\text{דנה} < 3", r"\hat{\text{דנה}_*}", "a:x:b", r"\backslash", r"a \setminus b", "f'(x)", "x''", "@everyone",
    "a://b", r"\text{https://a.example/x}", r"\text{<t:1:R>}", r"\begin{cases} x^* & a < b \\ `y & c > d \end{cases}",
    r"\begin{pmatrix} \hat{AB} & * \\ _ & a \end{pmatrix}", "&lt;", r"\text{&lt;}",
)  # fmt: skip


def seen(dialect: str) -> Callable[[str, bool], str]:
    return lambda text, model: READERS[dialect](DIALECTS[dialect](text, model))


READ: dict[str, Callable[[str, bool], str]] = {
    **{dialect: seen(dialect) for dialect in DIALECTS},
    "terminal_line": lambda text, _: line(text).plain,
    "slack_markdown_read_aloud": lambda text, model: as_read(convert(text, MARKDOWN, from_model=model), MARKDOWN),
    "slack_mrkdwn_read_aloud": lambda text, model: as_read(convert(text, MRKDWN, from_model=model)),
    "slack_label": lambda text, _: without_marks(text),
}
"""What people see of a text, which may be from a model."""
LOOKALIKES = str.maketrans("∗＿∼ˋ‹", "*_~`<")
"""What stands for the marks of a dialect that can't escape them."""
every_dialect = pytest.mark.parametrize("dialect", READ)


def solid(text: str) -> str:
    """Return what can be compared: without spaces, the bars beside quotes, and what nobody sees."""
    return re.sub(r"[▌\s\u200b\u2068\u2069]", "", text.replace(r"\|", r"\Vert")).translate(LOOKALIKES)


def has(shown: str, latex: str) -> bool:
    """Return whether the whole formula is seen: in Unicode, or as LaTeX if Unicode can't say it in a line."""
    text = unicode_text(latex)
    expected = {solid(text)} if text else {solid(latex)}
    if text and "\n" in text:
        expected.add(solid(latex))
    return any(words in solid(read) for words in expected for read in (shown, shown.replace("\n> ", "\n")))


def placed(latex: str, place: str) -> str:
    if "|" in place:
        latex = latex.replace(r"\|", r"\Vert ")  # in a table, that would be an escaped bar
    if "`" in latex:
        place = place.replace(r"\({}\)", "${}$")
    return place.replace("{}", latex.strip())


@every_dialect
def test_signs_with_a_meaning_in_markup_are_seen_in_formulas(dialect: str) -> None:
    model = cycle([False, True])
    lost = []
    for place in PLACES:
        for latex in SPECIAL:
            text = placed(latex, place.replace("> ", "") if dialect == "slack_label" else place)
            if not has(shown := READ[dialect](text, next(model)), latex):
                lost.append((text, shown))
    assert lost == []


@given(FORMULAS | st.sampled_from(SPECIAL), st.sampled_from(PLACES), st.sampled_from(sorted(READ)), st.booleans())
def test_any_formula_is_seen_anywhere(latex: str, place: str, dialect: str, model: bool) -> None:
    event(dialect)
    shown = READ[dialect](placed(latex, place), model)

    assert has(shown, latex)


def test_the_formulas_of_the_bank_are_seen() -> None:
    """A sample, each text in one dialect; the soak sees the whole bank in all of them."""
    turns = cycle(READ)
    assert [lost for text in bank_texts()[::3] for lost in lost_formulas(text, next(turns))] == []


@pytest.mark.soak
@every_dialect
def test_all_formulas_of_the_bank_are_seen(dialect: str) -> None:
    assert [lost for text in bank_texts() for lost in lost_formulas(text, dialect)] == []


def bank_texts() -> list[str]:
    return [text for question in load().bank for text in texts_of(question) if "$" in text]


def lost_formulas(text: str, dialect: str) -> list[tuple[str, str]]:
    shown = READ[dialect](text, False)
    return [(latex, shown) for latex in formulas(text) if not has(shown, latex)]


@given(FORMULAS | st.sampled_from(SPECIAL))
def test_a_screen_reader_reads_a_whole_picture(latex: str) -> None:
    alt = alt_of(latex)

    assert has(alt, latex) or len(alt) == MAX_LENGTH
    assert has(plain_line(alt), latex) or len(alt) == MAX_LENGTH
