"""Which formulas can be drawn: of known commands alone, and the drawing library takes them.

The library refuses little: an unknown command is drawn as its name, and some known ones vanish. So commands are listed.
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
LENGTH = 2000
DEEPEST = 8
"""How deeply groups may be nested: the time that the library takes doubles with each."""
DRAWING = Lock()
"""Held while a formula is drawn: the library reads all of them from one open font."""
OPENING = re.compile(
    r"\\[{}\\]|(?P<open>\{|\\left(?![A-Za-z])|\\begin(?![A-Za-z]))|(?P<shut>\}|\\(?:right|end)(?![A-Za-z]))"
)
KNOWN = frozenset(f"\\{name}" for name in f"{GREEK} {RELATIONS} {SHAPES} {FUNCTIONS}".split()) | {
    *(f"\\{sign}" for sign in ",;:!|{}%$_&# "),
    "\\\\",
}


@lru_cache(maxsize=8192)
def undrawable(formula: str) -> str:
    """Why a formula cannot be drawn as it is meant, or "". Drawing takes about 10 ms."""
    if why := unreadable(formula):
        return why
    if len(formula) > LENGTH or depth(formula) > DEEPEST:
        return f"it is longer than {LENGTH:,} characters or nested more than {DEEPEST} deep"
    if unknown := sorted(set(COMMAND.findall(formula)) - KNOWN):
        return f"{', '.join(unknown)}: not among the commands that are drawn everywhere (knowledge/format/latex.py)"
    if strange := sorted(set(ENVIRONMENT.findall(formula)) - ENVIRONMENTS):
        return f"{', '.join(strange)}: the environments are {', '.join(sorted(ENVIRONMENTS))}"
    from ziamath.zmath import Latex

    try:
        with DRAWING:
            Latex(formula).svg()
    except Exception as error:  # it raises whatever comes along: KeyError, IndexError, its own
        return f"it cannot be drawn ({type(error).__name__}: {error})"
    return ""


def depth(formula: str) -> int:
    """How deeply its groups are nested."""
    now = deepest = 0
    for found in OPENING.finditer(formula):
        now = max(now, 0) + (found["open"] is not None) - (found["shut"] is not None)
        deepest = max(deepest, now)
    return deepest


def formulas_of(question: Question) -> Iterator[str]:
    """Every formula of a question, in the order of its file."""
    texts = [question.title, question.answer, question.in_depth, *question.key_points]
    texts += [part for m in question.misconceptions for part in (m.claim, m.reason)]
    texts += [part for choice in question.choices for part in (choice.text, choice.reason)]
    for text in (*texts, *question.follow_ups):
        yield from formulas(text)
