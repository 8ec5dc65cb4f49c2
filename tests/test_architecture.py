"""Rules that .importlinter can't express: which package uses which library, and what `--help` can load."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

import bot.errors
from bot.__main__ import app
from tests.commandline import STUDYHALL

ROOT = Path(__file__).parent.parent

OWNERS = {
    "apscheduler": "bot/scheduler.py",
    "discord": "bot/platforms/discord/",
    "fontTools": "bot/drawing/",
    "latex2mathml": "knowledge/format/latex.py",
    "onnxruntime": "knowledge/retrieval/models/packaged.py",
    "openai": "bot/inference/",
    "prometheus_client": "bot/metrics.py",
    "resvg_py": "bot/drawing/",
    "safetensors": "knowledge/retrieval/array_file.py",
    "sentence_transformers": "knowledge/retrieval/models/transformer.py",
    "slack_bolt": "bot/platforms/slack/",
    "slack_sdk": "bot/platforms/slack/",
    "tokenizers": "knowledge/retrieval/models/packaged.py",
    "torch": "knowledge/retrieval/models/transformer.py",
    "transformers": "knowledge/retrieval/models/transformer.py",
    "ziamath": "bot/drawing/formula.py",
    "uvicorn": "bot/web/",
    "ziafont": "bot/drawing/",
}
HEAVY = {*OWNERS, "alembic", "numpy", "sqlalchemy", "sqlmodel"}


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    paths = [path for package in ("bot", "knowledge", "migrations") for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple((path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())) for path in paths)


@cache
def imported() -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the libraries that each file imports."""
    return tuple((path, frozenset(map(library, imports(tree)))) for path, tree in sources())


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the modules imported anywhere in the tree, including in functions and for type checkers."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


def library(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize(("name", "owner"), OWNERS.items())
def test_a_library_is_only_imported_by_its_owner(name: str, owner: str) -> None:
    users = [path for path, libraries in imported() if name in libraries]

    assert [path for path in users if not path.startswith(owner)] == []


@pytest.mark.parametrize("path", ["bot/replies.py", "knowledge/questions.py"])
def test_shared_vocabulary_only_needs_the_standard_library(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert {library(module) for module in imports(tree)} <= sys.stdlib_module_names


def test_every_import_within_the_project_is_absolute() -> None:
    relative = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


def test_the_command_line_only_imports_code_when_a_command_runs() -> None:
    """So no command's `--help` can load more than this module does."""
    tree = ast.parse((ROOT / "bot/__main__.py").read_text())
    at_once = {module for node in tree.body for module in imports(node) if not isinstance(node, ast.FunctionDef)}

    assert {module for module in at_once if library(module) in {"bot", "knowledge"}} == {"bot.errors"}


def command_lines() -> Iterator[tuple[str, ...]]:
    """Yield the names of every command and group, starting with the program itself."""
    pending: list[tuple[tuple[str, ...], object]] = [((), get_command(app))]
    while pending:
        names, command = pending.pop(0)
        yield names
        pending += [((*names, name), under) for name, under in getattr(command, "commands", {}).items()]


HELP = """
import contextlib, io, sys
import bot.errors
from bot.__main__ import app
from tests.commandline import STUDYHALL

for words in {lines}:
    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        app([*words, "--help"], standalone_mode=False)
    assert "Usage:" in page.getvalue(), words
    print(*words, "|", *sorted(sys.modules.keys() & {heavy}))
"""


def test_help_loads_nothing_heavy() -> None:
    """Run all commands in one process: what one of them loads stays loaded, so the first one that does shows it."""
    lines = list(command_lines())
    program = HELP.format(lines=lines, heavy=HEAVY | {"typer"})
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert len(lines) > 20
    assert shown.stdout.splitlines() == [" ".join([*words, "|", "typer"]) for words in lines]


def test_help_works_in_a_real_process() -> None:
    shown = subprocess.run([*STUDYHALL, "bank", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "Usage: " in shown.stdout
    assert shown.stderr == ""


def exceptions() -> set[str]:
    """Return the names of all exception classes, which are those with an exception class among their bases."""
    bases = {
        node.name: {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases}
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    found: set[str] = set()
    while more := {name for name, above in bases.items() if above & (known | found)} - found:
        found |= more
    return found


def test_every_exception_is_in_the_tree_of_errors() -> None:
    drawn = set(re.findall(r"^(?:[├└]── )?(\w+)  +\w", bot.errors.__doc__ or "", re.MULTILINE))

    assert exceptions() == drawn


@pytest.mark.parametrize("folder", ["bot/platforms/", "bot/web/"])
def test_platforms_use_the_app_and_not_its_internals(folder: str) -> None:
    reached = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        if path.startswith(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"study", "store", "library"}
    ]

    assert reached == []
