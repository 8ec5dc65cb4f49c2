"""Formulas as readable Unicode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.maths import MAX_FORMULAS, MAX_LENGTH, formula, readable
from knowledge.format.reader import load


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"x_i^2", "xᵢ²"),
        (r"W_0 + \frac{\alpha}{r} B A", "W₀ + α/r B A"),
        (r"\prod_{i=1}^{n} p_i", "∏ᵢ₌₁ⁿ pᵢ"),
        (r"\sum_{t=1} \log p(x_t \mid x_{t-1})", "∑ₜ₌₁ log p(xₜ | xₜ₋₁)"),
        (r"\mathbb{E}_{q}[z]", "𝔼_q[z]"),
        (r"\mathbb{E}_{q_\phi(z \mid x)}\left[\log p(z)\right]", "𝔼_{q_ϕ(z | x)}[log p(z)]"),
        (r"\left\|x - \mu\right\|^2", "‖x - μ‖²"),
        (r"\frac{p(x)}{\sum_{j} p_j + p_k}", "p(x)/(∑ⱼ pⱼ + pₖ)"),
        (r"\frac{\frac{a}{b}}{c}", "a/b/c"),
        (r"a \rightarrow b \leftarrow c", "a → b ← c"),
        (r"\log\sigma(x)", "log σ(x)"),
        (r"\arg\max_x D(x)", "arg maxₓ D(x)"),
        (r"\log\frac{p_i}{\sum_{j \in S} p_j}", "log pᵢ/(∑_{j ∈ S} pⱼ)"),
        (r"\sqrt{d_k}", "√(dₖ)"),
        (r"\frac{a + b}{c}", "(a + b)/c"),
        (r"\hat{\bar{x}}_i", "x̅̂ᵢ"),
        (r"\frac{50\%}{\{a\}}", "50%/{a}"),
    ],
)
def test_a_formula_reads_as_people_write_it(latex: str, text: str) -> None:
    assert formula(latex) == text


def test_code_is_left_alone() -> None:
    assert readable("`$HOME` and\n```sh\necho $x$y\n```") == "`$HOME` and\n```sh\necho $x$y\n```"


def test_money_does_not_start_a_formula() -> None:
    assert readable(r"at \$5 for $n^2$ calls, \$6 in all") == r"at \$5 for n² calls, \$6 in all"


def test_stars_in_a_formula_are_not_emphasis() -> None:
    assert readable("the best $x^*$ and $y^*$") == r"the best x\* and y\*"


def test_no_formula_in_the_bank_keeps_a_latex_command() -> None:
    for question in load().bank:
        for text in (question.answer, question.in_depth, *question.key_points, *(c.text for c in question.choices)):
            shown = readable(text).replace("\\_", "").replace("\\*", "").replace("\\$", "").replace("\\\\", "")
            prose = "".join(shown.split("```")[::2])
            assert "\\" not in prose, (question.id, prose)


@given(st.text())
def test_any_text_can_be_converted(text: str) -> None:
    assert isinstance(readable(text), str)


@pytest.mark.parametrize(
    "latex",
    [
        r"\hat{" * 22 + "x" + "}" * 22,
        r"\mathrm{" * 200 + "x" + "}" * 200,
        "a^{" * 300 + "b" + "}" * 300,
        "{" * 1400,
        r"\frac{" * 300,
        r"\begin{matrix}" * 100,
        r"\begin{matrix} a & b",
        r"\sqrt[" * 300 + "x",
        r"\(" * 300,
        r"\hat{" * 9 + "x" + "}" * 9,
    ],
)
def test_formulas_that_are_too_deep_or_unclosed_stay_latex(latex: str) -> None:
    assert formula(latex) == (latex if len(latex) <= MAX_LENGTH else latex[: MAX_LENGTH - 1] + "…")


def test_a_formula_that_is_too_long_is_cut() -> None:
    latex = "x" + r" + \alpha" * 300

    assert formula(latex) == latex[: MAX_LENGTH - 1] + "…"


def test_accents_do_not_double_their_letters() -> None:
    assert formula(r"\hat{" * 8 + "x" + "}" * 8) == "x" + "\u0302" * 8


def test_converted_parts_are_not_converted_again() -> None:
    hidden = r"\textbackslash{}hat\{" * 40 + "x" + r"\}" * 40

    assert "\u0302" not in formula(r"\frac{" * 7 + hidden + "}" * 7)


def test_a_formula_does_not_affect_the_next_one() -> None:
    formula(r"\title{a secret}\author{somebody}")

    assert "secret" not in formula(r"x \maketitle")


def test_a_text_has_a_limited_number_of_converted_formulas() -> None:
    shown = readable(" ".join(rf"$\alpha_{{{n}}}$" for n in range(MAX_FORMULAS + 20)))

    assert shown.count("α") == MAX_FORMULAS
    assert shown.count("\\\\alpha") == 20


MACROS = (
    r"hat{ bar not frac{ sqrt{ sqrt[ ( ) left( begin{matrix} end{matrix} mathbf{ text{ \ { } textbackslash title{ url{"
)
groups = st.sampled_from(
    [f"\\{name}" for name in [*MACROS.split(), "maketitle", "today", "item", "input{", "verb|"]]
    + [*"{}[]^_$&%#~x`é\n\ue000\ue001", "^{"]
)


@given(st.lists(st.tuples(groups, st.integers(1, 60)).map(lambda many: many[0] * many[1]), max_size=12).map("".join))
def test_any_formula_converts_to_something_short_and_not_empty(latex: str) -> None:
    shown = formula(latex)

    assert len(shown) <= MAX_LENGTH
    assert shown or not latex.replace("\ue000", "").replace("\ue001", "").strip()


@given(
    st.sampled_from([r"\hat{", r"\mathrm{", r"\frac{a}{", r"\sqrt{", "a^{", "_{", "{"]),
    st.integers(1, 300),
    st.integers(1, 600),
)
def test_nesting_does_not_blow_up_a_formula(opening: str, depth: int, letters: int) -> None:
    latex = opening * depth + "x" * letters + "}" * depth

    assert len(formula(latex)) <= min(MAX_LENGTH, 9 * len(latex))


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
