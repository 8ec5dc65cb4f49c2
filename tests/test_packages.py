"""The package graphs in docs/architecture.md are those of the code: no cycle, and no import against an arrow."""

from __future__ import annotations

import ast
import itertools
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
GRAPHS = re.findall(r"```mermaid\nflowchart TD\n(.*?)```", PAGE, re.DOTALL)
LEAVES = {"leaves": ("replies", "errors", "text", "metrics")}
"""What one box of the drawing stands for."""


def drawn(graph: str) -> dict[str, set[str]]:
    """Return which packages each package of a drawing points at."""
    edges: dict[str, set[str]] = {}
    for line in graph.strip().splitlines():
        steps = [re.findall(r"\w+", re.sub(r'\[[^\]]*\]|"[^"]*"', "", step)) for step in line.split("-->")]
        for above, below in itertools.pairwise(steps):
            for package in above:
                edges.setdefault(package, set()).update(*(LEAVES.get(name, (name,)) for name in below))
    return edges


def below(edges: dict[str, set[str]], package: str) -> set[str]:
    """Return everything that is below a package."""
    direct = edges.get(package, set())
    return direct.union(*(below(edges, name) for name in direct))


def imported(parent: str, path: Path) -> set[str]:
    """Return the packages under `parent` that a module imports, also for type checkers alone."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), names=aliases):
                names |= {f"{module}.{alias.name}" for alias in aliases}
    inside = [name.removeprefix(f"{parent}.") for name in names if name.startswith(f"{parent}.")]
    return {name.partition(".")[0] for name in inside}


@pytest.mark.parametrize(("parent", "graph"), list(zip(("bot", "bot.study"), GRAPHS, strict=True)))
def test_no_module_imports_against_an_arrow(parent: str, graph: str) -> None:
    edges = drawn(graph)
    folder = ROOT / parent.replace(".", "/")
    for path in sorted(folder.rglob("*.py")):
        package = path.relative_to(folder).parts[0].removesuffix(".py").removeprefix("__init__")
        if package:
            against = imported(parent, path) - {package} - below(edges, "main" if package == "__main__" else package)
            assert not against, f"{path.relative_to(ROOT)} imports {', '.join(sorted(against))}"


@pytest.mark.parametrize("graph", GRAPHS)
def test_there_is_no_cycle(graph: str) -> None:
    TopologicalSorter(drawn(graph)).prepare()  # raises CycleError


@pytest.mark.parametrize(("parent", "graph"), list(zip(("bot", "bot.study"), GRAPHS, strict=True)))
def test_every_package_is_drawn(parent: str, graph: str) -> None:
    folder = ROOT / parent.replace(".", "/")
    packages = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    edges = drawn(graph)

    assert packages - {"__init__", "__main__"} == set(edges).union(*edges.values()) - {"main"}
