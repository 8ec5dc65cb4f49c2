"""`make run` on machines where something is missing, with stand-ins for the programs on PATH."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = (
    *("awk", "bash", "cat", "chmod", "cksum", "cp", "df", "dirname", "env", "grep"),
    *("make", "mkdir", "rm", "sh", "tail", "tee", "uname"),
)

PYTHON = """#!/bin/sh
# Stands in for a Python that creates a virtual environment with itself and a study room that repeats its input.
case "$*" in
*version_info*) echo 3.11 ;;
*ensurepip*) exit ${NO_ENSUREPIP:-0} ;;
"-m venv"*)
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/bin/sh\\nprintf "heard: "\\ncat\\n' >.venv/bin/studyhall
    chmod +x .venv/bin/studyhall
    ;;
"-m pip install"*)
    cat # would take the study room's input if it could get at it
    echo "${PIP_SAYS:-Collecting everything}"
    exit ${PIP_FAILS:-0}
    ;;
esac
"""
OLD_PYTHON = "#!/bin/sh\necho 3.9; exit 1\n"
FULL_DISK = "#!/bin/sh\nprintf 'Filesystem 1024-blocks Used Available\\ndisk 9 9 524288\\n'\n"


@dataclass
class Machine:
    """A copy of what `make run` reads, and a PATH with only a few tools and what a test adds."""

    project: Path
    programs: Path
    environment: dict[str, str] = field(default_factory=dict)

    def has(self, program: str, script: str) -> None:
        path = self.programs / program
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def make(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.programs), **self.environment}
        return subprocess.run(
            ["make", *words], cwd=self.project, env=environment, input=said, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    project, programs = tmp_path / "a project", tmp_path / "programs"
    (project / ".ci").mkdir(parents=True)
    for name in ("Makefile", ".ci/install", "pyproject.toml", *(path.name for path in ROOT.glob("*.lock"))):
        shutil.copy(ROOT / name, project / name)
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"the tests need {tool}"
        (programs / tool).symlink_to(found)
    return Machine(project, programs)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """Make a machine with everything installed."""
    machine.has("python3.11", PYTHON)
    assert machine.make("run").returncode == 0
    return machine


def test_the_first_run_installs_and_leaves_standard_input_to_the_study_room(machine: Machine) -> None:
    machine.has("python3.11", PYTHON)

    run = machine.make("run", said="ask what is lora\n")

    assert run.returncode == 0
    assert run.stdout == "heard: ask what is lora\n"
    assert "Installing" in run.stderr
    assert "done in" in run.stderr


def test_the_second_run_installs_and_prints_nothing(ready: Machine) -> None:
    run = ready.make("run", said="streak\n")

    assert run.stdout == "heard: streak\n"
    assert run.stderr == ""


def test_a_changed_lock_is_installed(ready: Machine) -> None:
    (ready.project / "requirements.lock").write_text("# another\nrich==15.0.0\n")

    assert "Installing 1 packages" in ready.make("run").stderr


def test_an_interrupted_installation_is_resumed(machine: Machine) -> None:
    machine.has("python3.11", PYTHON)
    machine.environment["PIP_FAILS"] = "1"
    assert machine.make("run").returncode != 0

    machine.environment.clear()
    run = machine.make("run", said="me\n")

    assert run.stdout == "heard: me\n"
    assert "Creating a virtual environment" not in run.stderr


def test_a_project_that_was_moved_gets_a_new_environment(ready: Machine) -> None:
    ready.project = ready.project.rename(ready.project.with_name("elsewhere"))

    assert "Creating a virtual environment" in ready.make("run").stderr


def test_without_python_it_says_what_to_install(machine: Machine) -> None:
    run = machine.make("run")

    assert run.returncode != 0
    assert run.stdout == ""
    assert "Studyhall needs Python 3.11, 3.12 or 3.13, and I couldn't find any." in run.stderr


def test_a_python_that_is_too_old_is_named(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)

    assert "I couldn't find any (python3 is 3.9)." in machine.make("run").stderr


def test_a_newer_python_is_used_if_the_preferred_one_is_missing(machine: Machine) -> None:
    machine.has("python3", OLD_PYTHON)
    machine.has("python3.13", PYTHON)

    assert machine.make("run").returncode == 0


def test_only_the_requested_python_is_tried(machine: Machine) -> None:
    machine.has("python3.11", PYTHON)

    assert "PYTHON is set to 'python9', which doesn't run." in machine.make("run", "PYTHON=python9").stderr


def test_a_python_without_ensurepip_is_not_reported_as_missing(machine: Machine) -> None:
    machine.has("python3.11", PYTHON)
    machine.environment["NO_ENSUREPIP"] = "1"

    assert "sudo apt install python3.11-venv" in machine.make("run").stderr


def test_a_nearly_full_disk_is_noticed_before_anything_is_written(machine: Machine) -> None:
    machine.has("python3.11", PYTHON)
    machine.has("df", FULL_DISK)

    assert "needs 4 GB of free disk space, but there are only 512 MB" in machine.make("run").stderr
    assert not (machine.project / ".venv").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken", "Can't reach the package index."),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "The disk is full."),
        ("ERROR: No matching distribution found for torch==2.13.0", "has no build of that package"),
        ("ERROR: something else", "pip couldn't install the packages"),
    ],
)
def test_a_failure_of_pip_is_shown_with_what_to_do(machine: Machine, said: str, told: str) -> None:
    machine.has("python3.11", PYTHON)
    machine.environment |= {"PIP_FAILS": "1", "PIP_SAYS": said}

    run = machine.make("run")

    assert run.returncode != 0
    assert run.stdout == ""
    assert said in run.stderr or "doesn't answer" in run.stderr
    assert told in run.stderr


def test_help_lists_every_target_that_people_type(machine: Machine) -> None:
    lines = machine.make("help").stdout.splitlines()

    named = {line.split()[1] for line in lines if line.startswith("make ")}
    assert {"run", "test", "check", "docs", "lock", "clean"} <= named


def test_variables_of_another_environment_do_not_change_where_packages_go(machine: Machine) -> None:
    machine.has(
        "python3.11", PYTHON.replace('echo "${PIP_SAYS', 'env | grep -E "^(PYTHON|PIP_)" >&2; echo "${PIP_SAYS')
    )
    machine.environment |= {"PIP_TARGET": "/nowhere", "PYTHONPATH": "/nowhere", "PIP_INDEX_URL": "http://mirror/"}

    assert machine.make("run").returncode == 0
    said = (machine.project / ".venv" / "install.log").read_text()
    assert "PIP_INDEX_URL=http://mirror/" in said
    assert "/nowhere" not in said
