"""`studyhall bank export`: write a bank for Anki, as CSV or JSON lines, or as Markdown files."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.bank import load_bank
from bot.cli.console import err, load_config
from bot.errors import SetupError
from bot.text.plural import plural

if TYPE_CHECKING:
    from knowledge.questions import Bank

SUFFIXES = {"anki": ".apkg", "csv": ".csv", "jsonl": ".jsonl", "markdown": ""}
"""File name endings of exports, by format."""
PRINTABLE = ("csv", "jsonl")


def export(kind: str, target: Path | None, folder: Path | None, workspace: str, *, force: bool) -> None:
    """Write the bank to the target, whole or not at all. Raises SetupError."""
    if folder and workspace:
        raise SetupError("Use either --from for a folder or --workspace for a workspace, not both.")
    bank = _bank(folder, workspace)
    if not len(bank):
        raise SetupError("There are no questions to export.")
    target = target or Path(f"studyhall-bank{SUFFIXES[kind]}")
    if str(target) == "-":
        _print(kind, bank)
        return
    _check_target(kind, target, force=force)
    try:
        _replace(kind, target, bank)
    except OSError as problem:
        raise SetupError(f"Can't write {target}: {problem}") from problem
    err.print(f"✓ Exported {plural(len(bank), 'question')} to {target}.", markup=False, highlight=False)


def _bank(folder: Path | None, workspace: str) -> Bank:
    config = load_config()
    if workspace:
        from bot.cli import workspace_questions

        return asyncio.run(workspace_questions.read(config, workspace))
    return load_bank(folder or config.bank_folder)


def _print(kind: str, bank: Bank) -> None:
    if kind not in PRINTABLE:
        raise SetupError(f"The {kind} format can't be printed; use --out to name a file or folder.")
    for line in _lines(kind, bank):
        sys.stdout.write(line)


def _lines(kind: str, bank: Bank) -> Iterator[str]:
    from knowledge.exporters import csv, jsonl

    yield from csv.lines(bank) if kind == "csv" else jsonl.lines(bank)


def _check_target(kind: str, target: Path, *, force: bool) -> None:
    """Raise SetupError if an export can't go there, or would destroy something else."""
    if target.exists() and not force:
        raise SetupError(f"{target} already exists; use --force to overwrite it.")
    if target.exists() and target.is_dir() != (kind == "markdown"):
        raise SetupError(f"{target} is a {'folder' if target.is_dir() else 'file'}; use --out to name another place.")
    if target.is_dir() and (foreign := _foreign_path(target)):
        raise SetupError(f"{target} contains more than questions, such as {foreign}; use --out to name another place.")
    if target.is_symlink():
        raise SetupError(f"{target} is a link; name the place it points to.")


def _foreign_path(folder: Path) -> Path | None:
    """Return a file in the folder that can't be from an export or import."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_topic = len(relative.parts) == 1 and path.is_dir() and not path.is_symlink()
        is_question = len(relative.parts) == 2 and path.suffix == ".md" and path.is_file()
        if not is_topic and not is_question and not relative.name.startswith(".importing"):
            return relative
    return None


def _replace(kind: str, target: Path, bank: Bank) -> None:
    """Write to a temporary folder next to the target and move the result, so the target is never half-written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".studyhall-", dir=target.parent) as temporary:
        new = Path(temporary) / "new"
        _write(kind, new, bank)
        if target.is_dir():
            shutil.move(target, Path(temporary) / "old")
        os.replace(new, target)


def _write(kind: str, path: Path, bank: Bank) -> None:
    match kind:
        case "anki":
            from knowledge.exporters import anki

            anki.write(path, bank, datetime.now(UTC))
        case "markdown":
            from knowledge.exporters import markdown

            markdown.write(path, bank)
        case _:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(_lines(kind, bank))
