"""Check which formulas can be drawn: those with only known commands that the drawing library accepts.

The library rejects little: it draws an unknown command as its name and drops some known ones. So the ones that work are
listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock

from knowledge.format.markdown import formulas, unreadable
from knowledge.questions import Question

COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^}]*)\}")
ENVIRONMENTS = frozenset({"aligned", "cases", "matrix", "pmatrix", "bmatrix"})
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
)
RELATIONS = (
    "approx cap cdot circ cup equiv ge geq gg in ge infty le leq ll mid ne neq notin odot oplus otimes parallel perp "
    "pm prec propto sim simeq subset subseteq succ times to top setminus mapsto leftarrow rightarrow Rightarrow "
    "leftrightarrow Leftrightarrow forall exists neg land lor ast star div emptyset varnothing partial nabla prime"
)
SHAPES = (
    "frac sqrt sum prod int bar hat tilde dot vec overline underline text mathbb mathbf mathcal mathrm boldsymbol "
    "operatorname left right big Big bigl bigr Bigl Bigr begin end lfloor rfloor lceil rceil langle rangle lVert rVert "
    "lvert rvert vert Vert quad qquad dots ldots cdots vdots ddots underbrace overbrace binom"
)
FUNCTIONS = "arg cos det dim exp gcd inf ker lim ln log max min Pr sin sup tan tanh"
MAX_LENGTH = 2000
MAX_DEPTH = 8
"""How deeply groups may be nested: each level doubles the time that the library takes."""
DRAWING = Lock()
"""Hold it while drawing a formula: the library shares one open font file."""
BRACKET = re.compile(
    r"\\[{}\\]|(?P<open>\{|\\left(?![A-Za-z])|\\begin(?![A-Za-z]))|(?P<close>\}|\\(?:right|end)(?![A-Za-z]))"
)
KNOWN = frozenset(f"\\{name}" for name in f"{GREEK} {RELATIONS} {SHAPES} {FUNCTIONS}".split()) | {
    *(f"\\{sign}" for sign in ",;:!|{}%$_&# "),
    "\\\\",
}


@lru_cache(maxsize=8192)
def undrawable(formula: str) -> str:
    """Return why a formula can't be drawn correctly, or "". Takes about 10 ms, since it draws the formula."""
    if reason := unreadable(formula):
        return reason
    if len(formula) > MAX_LENGTH or depth(formula) > MAX_DEPTH:
        return f"it's longer than {MAX_LENGTH:,} characters or nested more than {MAX_DEPTH} levels deep"
    if unknown := sorted(set(COMMAND.findall(formula)) - KNOWN):
        return f"{', '.join(unknown)}: not among the commands that every platform can draw (knowledge/format/latex.py)"
    if unknown := sorted(set(ENVIRONMENT.findall(formula)) - ENVIRONMENTS):
        return f"{', '.join(unknown)}: the environments are {', '.join(sorted(ENVIRONMENTS))}"
    from ziamath.zmath import Latex

    try:
        with DRAWING:
            Latex(formula).svg()
    except Exception as error:  # the library raises anything: KeyError, IndexError, its own
        return f"it can't be drawn ({type(error).__name__}: {error})"
    return ""


def depth(formula: str) -> int:
    """Return how deeply the groups of a formula are nested."""
    level = deepest = 0
    for match in BRACKET.finditer(formula):
        level = max(level, 0) + (match["open"] is not None) - (match["close"] is not None)
        deepest = max(deepest, level)
    return deepest


def formulas_of(question: Question) -> Iterator[str]:
    """Yield every formula of a question, in the order of its file."""
    texts = [question.title, question.answer, question.in_depth, *question.key_points]
    texts += [part for misconception in question.misconceptions for part in (misconception.claim, misconception.reason)]
    texts += [part for choice in question.choices for part in (choice.text, choice.reason)]
    for text in (*texts, *question.follow_ups):
        yield from formulas(text)
