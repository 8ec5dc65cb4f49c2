"""The parse of Markdown: what's a formula, and what it leaves out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.markdown import MAX_FORMULAS, display_formulas, parse, parts
from knowledge.format.commonmark import MAX_BRACKETS
from tests.text.dialects import DIALECTS


def test_a_text_has_a_limited_number_of_converted_formulas() -> None:
    text = " ".join(rf"$\alpha_{{{n}}}$" for n in range(MAX_FORMULAS + 20))
    for write in DIALECTS.values():
        written = write(text, False)

        assert written.count("α") == MAX_FORMULAS
        assert written.count(r"\alpha") == 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"so $\hat{AB}$ is", r"so `\hat{AB}` is"),
        (r"$$\hat{AB}$$", "```text\n\\hat{AB}\n```"),
        (r"$$\begin{cases} a \\ b \end{cases}$$", "```text\n⎧a\n⎩b\n```"),
        ("the best $x^*$ and $y^*$", r"the best x\* and y\*"),
        ("$E[z](x)$", "E[z]\u200b(x)"),
    ],
)
def test_a_formula_that_words_cannot_say_stays_latex_in_code(text: str, shown: str) -> None:
    assert DIALECTS["discord"](text, False) == shown


def test_a_text_is_parted_where_formulas_are_drawn() -> None:
    text = "one\n\n$$x$$\n\ntwo $$y$$ three\n\n$$z$$"

    assert display_formulas(text) == ["x", "y", "z"]
    assert [part if isinstance(part, str) else len(part) for part in parts(text, {"x", "z"})] == [1, "x", 3, "z"]


def test_links_among_too_many_brackets_are_text() -> None:
    few, many = (DIALECTS["discord"]("[a](https://a.b) " + "[" * n, True) for n in (3, MAX_BRACKETS))

    assert few.startswith("a (`https://a.b`)")
    assert "](" not in many.replace("\u200b", "](") or "[a]" in many


@given(st.text())
def test_any_text_can_be_written(text: str) -> None:
    parse(text)
    for write in DIALECTS.values():
        assert isinstance(write(text, True), str)


@pytest.mark.parametrize(
    "text", ["*a $$x$$ b*", "**$$x$$**", "~~$$`$$~~", "[a $$x$$](https://a.b)", "a<sub>$$x$$</sub>"]
)
def test_a_display_formula_within_bold_text_and_the_like_stays_in_its_line(text: str) -> None:
    [paragraph] = parse(text)

    assert paragraph.type == "paragraph"
    assert display_formulas(text) == []
