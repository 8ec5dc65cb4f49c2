"""Formulas as readable Unicode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.maths import MAX_FORMULAS, MAX_LENGTH, formula, readable


def test_code_is_left_alone() -> None:
    assert readable("`$HOME` and\n```sh\necho $x$y\n```") == "`$HOME` and\n```sh\necho $x$y\n```"


def test_money_does_not_start_a_formula() -> None:
    assert readable(r"at \$5 for $n^2$ calls, \$6 in all") == r"at \$5 for n² calls, \$6 in all"


def test_stars_in_a_formula_are_not_emphasis() -> None:
    assert readable("the best $x^*$ and $y^*$") == r"the best x\* and y\*"


@given(st.text())
def test_any_text_can_be_converted(text: str) -> None:
    assert isinstance(readable(text), str)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        (r"so $\hat{AB}$ is", r"so `\hat{AB}` is"),
        (r"$\text{a`b}_\foo$", r"``\text{a`b}_\foo``"),
        (r"$\begin{matrix} a \\ b \end{matrix}$", r"`\begin{matrix} a \\ b \end{matrix}`"),
        (r"$$\hat{AB}$$", "\n\n```text\n\\hat{AB}\n```\n\n"),
        (r"$$\begin{cases} a \\ b \end{cases}$$", "\n\n```text\n⎧a\n⎩b\n```\n\n"),
    ],
)
def test_a_formula_that_text_cannot_say_in_place_is_shown_as_latex_in_code(markdown: str, shown: str) -> None:
    assert readable(markdown) == shown


def test_a_formula_that_is_too_long_is_cut() -> None:
    latex = "x" + r" + \alpha" * 300

    assert formula(latex) == latex[: MAX_LENGTH - 1] + "…"


def test_a_text_has_a_limited_number_of_converted_formulas() -> None:
    shown = readable(" ".join(rf"$\alpha_{{{n}}}$" for n in range(MAX_FORMULAS + 20)))

    assert shown.count("α") == MAX_FORMULAS
    assert shown.count(r"`\alpha") == 20


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        (r"\`$x^2$\`", r"\`x²\`"),
        ("````\n```\n$x^2$\n````", "````\n```\n$x^2$\n````"),
        ("```py\nx = '$a$'", "```py\nx = '$a$'"),
        (r"\\$x^2$", r"\\x²"),
        ("$E[z](x)$", r"E\[z](x)"),
        (r"$\text{a`b`}$", r"a\`b\`"),
    ],
)
def test_converted_formulas_stay_outside_code_and_create_no_markup(markdown: str, shown: str) -> None:
    assert readable(markdown) == shown
