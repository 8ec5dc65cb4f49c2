"""The lock files install anywhere, and match pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
RUNTIME, DEV, MODEL = "requirements.lock", "requirements-dev.lock", "requirements-model.lock"


def pinned(*names: str) -> dict[str, str]:
    lines = [line for name in names for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(package): version for package, _, version in (line.partition("==") for line in lines)}


def unsatisfied(wanted: list[str], versions: dict[str, str]) -> list[str]:
    requirements = [Requirement(line) for line in wanted]
    return [str(r) for r in requirements if versions.get(canonicalize_name(r.name), "") not in r.specifier]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", [RUNTIME, DEV, MODEL])
def test_every_line_is_just_a_name_and_a_version(name: str) -> None:
    first, *lines = (ROOT / name).read_text().splitlines()

    assert first.startswith("# ")
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_every_dependency_is_locked_at_a_version_that_pyproject_allows(project: dict[str, Any]) -> None:
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]

    assert unsatisfied(wanted, pinned(RUNTIME)) == []
    assert unsatisfied(project["dependency-groups"]["dev"], pinned(RUNTIME, DEV)) == []
    assert unsatisfied(project["dependency-groups"]["model"], pinned(MODEL)) == []


def test_no_package_is_pinned_twice() -> None:
    assert not pinned(RUNTIME).keys() & pinned(DEV).keys()
    assert not pinned(MODEL).keys() & pinned(RUNTIME, DEV).keys()


def test_running_does_not_need_packages_for_tests() -> None:
    assert not pinned(RUNTIME).keys() & {"pytest", "mypy", "ruff", "hypothesis", "simcord", "xllamacpp"}
