"""Formulas as pictures."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drawing.formula import LINE_GAP, PADDING, _drawing, formula
from bot.drawing.svg import WIDTH, ZOOM
from knowledge.format.latex import ARGUMENTS, COMMANDS, MAX_LENGTH, parse
from knowledge.format.markdown import formulas_of
from knowledge.format.reader import load
from knowledge.questions import Question
from tests.drawing.png import pixels, size

ATTENTION = r"\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V"


def drawn(latex: str) -> bytes:
    png = formula(latex)
    assert png is not None
    return png


def test_letters_have_one_size_however_wide_the_formula_is() -> None:
    row = " ".join("W" * 20)
    one, wide, two_lines = (size(drawn(latex)) for latex in ("W", row, f"{row} = {row}"))

    assert one == wide
    assert two_lines[0] == one[0] == ZOOM * WIDTH, "chats show pictures that are equally wide in one scale"
    assert two_lines[1] == pytest.approx(2 * one[1] - ZOOM * (2 * PADDING - LINE_GAP), rel=0.1)


def test_a_formula_that_cannot_be_broken_is_drawn_smaller_while_it_is_legible() -> None:
    fits, smaller, illegible = (formula(rf"\left({' '.join('W' * count)}\right)") for count in (20, 35, 60))

    assert fits is not None
    assert smaller is not None
    assert size(smaller)[0] == size(fits)[0]
    assert size(smaller)[1] < size(fits)[1]
    assert illegible is None


@pytest.mark.parametrize(
    "latex",
    [
        pytest.param("", id="empty"),
        pytest.param(r"\frac{a", id="a brace left open"),
        pytest.param(r"\foo{1}", id="an unknown command"),
        pytest.param("日", id="a character that the font lacks"),
        pytest.param(r"\begin{align}a\end{align}", id="another environment"),
        pytest.param(r"\begin{matrix}" + r"x \\ " * 60 + r"\end{matrix}", id="too tall to be read"),
        pytest.param("x + " * MAX_LENGTH, id="too long"),
        pytest.param("{" * 12 + "x" + "}" * 12, id="too deep"),
        pytest.param("}" * 40 + "{" * 40 + "x" + "}" * 40, id="too deep after too much was shut"),
        pytest.param(r"\left(" * 40 + "x" + r"\right)" * 40, id="brackets that would take years"),
    ],
)
def test_what_cannot_be_drawn_correctly_is_not_drawn(latex: str) -> None:
    assert formula(latex) is None


@pytest.mark.parametrize("latex", [r"\left(\sum_i x_i\right)", r"\left[\prod^n x\right]", r"\left(\int_a x\right)"])
def test_brackets_are_as_tall_as_the_sum_within(latex: str) -> None:
    assert size(drawn(latex))[1] < 300


def test_bars_stretch_only_after_left_and_right() -> None:
    tall = r"\frac{\frac{a}{b}}{\frac{c}{d}}"

    assert formula(rf"\lfloor {tall} \rfloor") != formula(rf"\left\lfloor {tall} \right\rfloor")
    assert formula(rf"\lvert {tall} \rvert") != formula(rf"\left\lvert {tall} \right\rvert")


def test_names_and_signs_stand_apart_from_letters_but_not_from_brackets() -> None:
    assert width(r"x \det A") > width(r"x \mathrm{det} A")
    assert width(r"x \bmod A") > width(r"x \mathrm{mod} A")
    assert width(r"A \cup B") > width(r"A {\cup} B")
    assert width(r"\max(x)") == pytest.approx(width(r"\mathrm{max}(x)"), rel=0.01)
    assert width(r"\max\left(x\right)") == pytest.approx(width(r"\mathrm{max}\left(x\right)"), rel=0.01)


def width(latex: str) -> float:
    drawing = _drawing(parse(latex))
    assert drawing is not None
    return float(drawing.attrib["width"])


def test_the_card_is_opaque_and_light_and_its_ink_dark() -> None:
    rows = pixels(drawn("x"))
    inner = [pixel for row in rows[5:-5] for pixel in row[40:-40]]

    assert {pixel[3] for pixel in inner} == {255}
    assert min(rows[10][500][:3]) > 240
    assert max(min(inner)[:3]) < 80
    assert rows[0][0][3] == 0, "rounded corners"


def displayed(question: Question) -> set[str]:
    """Return the display formulas among a question's: those in a paragraph of their own."""
    texts = (question.answer, question.in_depth, *(choice.reason for choice in question.choices))
    return {part.strip() for text in texts for part in text.split("$$")[1::2]} & set(formulas_of(question))


def covering(latex: set[str]) -> list[str]:
    """Choose a few short ones that have every command of them all, because drawing all takes half a minute."""
    commands = {text: set(re.findall(r"\\(?:[A-Za-z]+|.)", text)) for text in sorted(latex)}
    chosen, missing = [], set[str]().union(*commands.values())
    while missing:
        best = max(commands, key=lambda text: len(commands[text] & missing) / (len(text) + 20))
        chosen.append(best)
        missing -= commands[best]
    return chosen


def test_display_formulas_of_the_bank_are_drawn() -> None:
    latex = set().union(*map(displayed, load().bank))
    chosen = covering(latex)

    assert len(latex) > 100
    assert len(chosen) > 20
    assert [formula for formula in chosen if not _sane(formula)] == []


def _sane(latex: str) -> bool:
    width, height = size(drawn(latex))
    return height <= width / 2


def test_every_known_command_can_be_drawn() -> None:
    commands = [f"\\{name} {'{a}' * ARGUMENTS.get(name, 0)}" for name in sorted(COMMANDS)]

    for start in range(0, len(commands), 20):
        assert formula(" ".join(commands[start : start + 20])) is not None


@given(st.text(alphabet="x2^_{}\\$&% <>\0\n\u202e日", max_size=12) | st.text(max_size=8))
def test_no_text_raises_an_error(latex: str) -> None:
    png = formula(latex)

    assert png is None or size(png)[0] == ZOOM * WIDTH
