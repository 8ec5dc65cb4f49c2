"""Facts that are in several places agree: versions, Pythons, folders, tools."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PYTHONS = [f"3.{minor}" for minor in range(8, 30)]


def read(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def recipe(target: str) -> str:
    """Return the commands that make runs for a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text("Makefile"), re.MULTILINE)
    assert found, target
    return found[1]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(text("pyproject.toml"))


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    return list(read(".github/workflows/checks.yml")["jobs"]["checks"]["steps"])


def test_the_version_has_a_dated_section_in_the_changelog(project: dict[str, Any]) -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (.+))?$", text("CHANGELOG.md"), re.MULTILINE)
    dates = [date.fromisoformat(day) for _, day in headings[1:]]

    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == project["project"]["version"]
    assert dates == sorted(dates, reverse=True)


def test_every_supported_python_is_tested_and_documented(project: dict[str, Any]) -> None:
    accepted = SpecifierSet(project["project"]["requires-python"])
    pythons = [python for python in PYTHONS if python in accepted]
    named = f"Python {', '.join(pythons[:-1])} or {pythons[-1]}"

    assert read(".github/workflows/checks.yml")["jobs"]["checks"]["strategy"]["matrix"]["python"] == pythons
    assert [
        page for page in ("README.md", "CONTRIBUTING.md", "Makefile", ".ci/install") if named not in text(page)
    ] == []
    assert project["tool"]["mypy"]["python_version"] == pythons[0]
    assert project["tool"]["ruff"]["target-version"] == f"py{pythons[0].replace('.', '')}"


def test_the_workflow_runs_all_checks_with_its_own_python(steps: list[dict[str, Any]]) -> None:
    (run,) = (step for step in steps if "run" in step)
    (python,) = (step for step in steps if step.get("id") == "python")

    assert run["run"] == ".ci/run"
    assert run["env"]["PYTHON"] == "${{ steps.python.outputs.python-path }}"
    assert python["uses"].startswith("actions/setup-python@")
    assert python["with"]["python-version"] == "${{ matrix.python }}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_read_only_has_a_timeout_and_pins_its_actions(path: Path) -> None:
    workflow = read(path)

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert "permissions" not in job
        assert [step["uses"] for step in job["steps"] if not re.search(r"@v\d+$", step.get("uses", "@v1"))] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_has_a_required_field_and_unique_ids(path: Path) -> None:
    form = read(path)
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert ids
    assert len(ids) == len(set(ids))
    assert any(field.get("validations", {}).get("required") for field in form["body"])


@pytest.mark.parametrize("name", ["SECURITY.md", ".github/pull_request_template.md", *(str(form) for form in FORMS)])
def test_templates_do_not_name_a_person_to_contact(name: str) -> None:
    assert re.findall(r"[\w.+-]+@[\w-]+\.\w+|(?<!\w)@\w+", text(name)) == []


def test_hooks_run_the_tools_of_make_check_from_the_same_environment() -> None:
    config = read(".pre-commit-config.yaml")
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    checked = re.findall(r"\$\(BIN\)/(ruff format|ruff check|mypy|lint-imports|deptry.*)", recipe("check"))

    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert [tool for tool in checked if not any(f".venv/bin/{tool}" in hook["entry"] for hook in hooks)] == []


def test_types_and_dependencies_are_checked_in_every_folder_with_code(project: dict[str, Any]) -> None:
    ours = {path.relative_to(ROOT).parts[0] for pattern in ("*/*.py", "*/*/*.py") for path in ROOT.glob(pattern)}
    folders = ours - {".venv", "build", "data"}
    searched = re.findall(r"deptry (.+)", recipe("check"))

    assert folders == set(project["tool"]["mypy"]["files"])
    assert folders <= set(" ".join(searched).split())


def test_packages_that_deptry_ignores_are_still_declared(project: dict[str, Any]) -> None:
    declared = {Requirement(line).name for line in project["project"]["dependencies"]}

    assert set(project["tool"]["deptry"]["per_rule_ignores"]["DEP002"]) <= declared
