"""Formulas as readable Unicode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.maths import formula, readable
from knowledge.load import load


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
    ],
)
def test_a_formula_reads_as_one_would_write_it(latex: str, text: str) -> None:
    assert formula(latex) == text


def test_code_is_left_alone() -> None:
    assert readable("`$HOME` and\n```sh\necho $x$y\n```") == "`$HOME` and\n```sh\necho $x$y\n```"


def test_money_opens_no_formula() -> None:
    assert readable(r"at \$5 for $n^2$ calls, \$6 in all") == r"at \$5 for n² calls, \$6 in all"


def test_stars_of_a_formula_are_no_emphasis() -> None:
    assert readable("the best $x^*$ and $y^*$") == r"the best x\* and y\*"


def test_no_formula_of_the_bank_keeps_a_command() -> None:
    for question in load().bank:
        for text in (question.answer, question.in_depth, *question.key_points, *(c.text for c in question.choices)):
            shown = readable(text).replace("\\_", "").replace("\\*", "").replace("\\$", "").replace("\\\\", "")
            prose = "".join(shown.split("```")[::2])
            assert "\\" not in prose, (question.id, prose)


@given(st.text())
def test_any_text_comes_out(text: str) -> None:
    assert isinstance(readable(text), str)
