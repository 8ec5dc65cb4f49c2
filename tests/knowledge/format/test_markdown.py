"""What the bank's checks find in Markdown."""

from __future__ import annotations

import pytest

from knowledge.format.markdown import check_formulas, formulas, markdown


def problems(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    check_formulas(markdown().parse(text), 0, lambda line, reason: found.append((line, reason)))
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so $$x$$ then $$y$$ and $z$", ["x", "y", "z"]),
        ("so\n\n$$\nx\n$$\n\nthen \\(y\\)", ["x", "y"]),
        (r"\$5 and `$x$` cost nothing", []),
    ],
)
def test_formulas_are_found_and_their_dollars_start_them(text: str, found: list[str]) -> None:
    assert list(formulas(text)) == found
    assert problems(text) == []


@pytest.mark.parametrize("text", ["it costs $5 or $6", "so $$x$$ and $", "$ x $"])
def test_a_dollar_that_starts_no_formula_is_a_problem(text: str) -> None:
    assert ["a dollar sign doesn't start a formula" in reason for _, reason in problems(text)] == [True]
