"""`studyhall bank import` and `bank export`: questions into a bank and out of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bot.cli.tasks import Working, _config, _print, err, out, preparing
from bot.config.loader import Config
from bot.errors import SetupError

if TYPE_CHECKING:
    from knowledge.importers.draft import ParsedFile
    from knowledge.importers.pipeline import ImportResult
    from knowledge.questions import Bank, Question

ENDINGS = {"anki": ".apkg", "csv": ".csv", "jsonl": ".jsonl", "markdown": ""}
"""The formats of an export, and how their files' names end."""
WHERE = {"bank": "the bank", "target": "where they go", "import": "this import"}
"""Where a twin is, in words."""
SHOWN = 20
"""Duplicates and problems of a file that are shown; `--json` has all."""


@dataclass(slots=True)
class File:
    """What came of one file."""

    path: Path
    reading: ParsedFile
    taken: ImportResult
    written: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[tuple[int, str]]:
        return sorted([*self.reading.problems, *self.taken.problems])

    def as_json(self, *, dry: bool) -> dict[str, Any]:
        told: dict[str, Any] = {
            "path": str(self.path),
            "format": self.reading.format_name,
            "questions": len(self.reading.drafts),
            "duplicates": [
                {
                    "line": one.draft.line,
                    "question": one.draft.title,
                    "twin": {"id": one.match.id, "question": one.match.title, "where": WHERE[one.where]},
                    "likeness": round(one.similarity, 3),
                }
                for one in self.taken.duplicates
            ],
            "problems": [{"line": line, "reason": reason} for line, reason in self.problems],
        }
        return told if dry else {**told, "written": self.written}


def import_files(
    paths: Sequence[Path], into: Path | None, workspace: str, *, duplicates: bool, dry: bool, as_json: bool
) -> None:
    """Read the files, say what is in them, and keep it unless it is a dry run: all of it or nothing."""
    if into and workspace:
        raise SetupError("Name a folder with --into or a workspace with --workspace, not both.")
    if not (into or workspace or dry):
        raise SetupError(
            "Say where the questions go: --into FOLDER for a bank of files, or --workspace ID for the questions of one "
            "workspace. --dry-run shows what would be taken."
        )
    config = _config()
    files = _take(config, paths, into, workspace, duplicates)
    new = [question for file in files for question in file.taken.questions]
    if not dry and new:
        kept = set(_keep(config, into, workspace, new))
        for file in files:
            file.written = [question.id for question in file.taken.questions if question.id in kept]
    if as_json:
        _print({"files": [file.as_json(dry=dry) for file in files]})
    else:
        for file in files:
            _tell(file, dry=dry)
        _tell_total(new, into, workspace, dry=dry)
    if not all(file.reading.drafts for file in files):
        raise SystemExit(1)


def _take(config: Config, paths: Sequence[Path], into: Path | None, workspace: str, duplicates: bool) -> list[File]:
    from knowledge.importers.pipeline import ImportPipeline
    from knowledge.importers.read import read
    from knowledge.questions import OWN, Bank
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import build
    from knowledge.retrieval.passages import Passages

    bank = _loaded(config.bank_folder)
    custom_questions = Bank()
    if workspace:
        custom_questions = asyncio.run(_own(config, workspace))
    elif into and into.is_dir() and into.resolve() != config.bank_folder.resolve():
        custom_questions = _loaded(into)
    readings = [(path, read(path)) for path in paths]
    embedder = Embedder(config.search.model, threads=config.search.threads)
    index = build(Passages.of(bank), embedder, config.index_folder, preparing())
    names = {path.stem for path in into.rglob("*.md")} if into else set()  # also of files that cannot be read
    prefix = OWN if workspace else ""
    intake = ImportPipeline(index, custom_questions, embedder, duplicates=duplicates, prefix=prefix, names=names)
    return [
        File(path, reading, intake.run(reading.drafts, Working(f"Comparing {path.name}", "questions")))
        for path, reading in readings
    ]


def _loaded(folder: Path) -> Bank:
    """The bank of a folder; files of it that cannot be read are told on standard error."""
    from knowledge.format.reader import load

    loaded = load(folder)
    for problem in loaded.problems[:SHOWN] if folder.exists() else ():
        err.print(f"left out: {problem}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    return loaded.bank


def _keep(config: Config, into: Path | None, workspace: str, new: Sequence[Question]) -> Sequence[str]:
    """Write the questions; the ids of those that are there now."""
    if workspace:
        return asyncio.run(_add_own(config, workspace, new))
    from knowledge.format import transaction

    try:
        transaction.add(into or Path(), new)
    except transaction.ImportInProgressError as problem:
        raise SetupError(str(problem)) from problem
    except OSError as problem:
        raise SetupError(f"Nothing was imported: {problem}") from problem
    return [question.id for question in new]


async def _own(config: Config, workspace: str) -> Bank:
    """The questions that a workspace has of its own."""
    from bot.store.engine import Store
    from bot.study.workspaces import custom_questions

    store = await Store.open(config.database_url)
    try:
        await store.ready()
        async with store.read() as session:
            return await custom_questions.bank_of(
                session, (await custom_questions.workspace_named(session, workspace)).id
            )
    finally:
        await store.close()


async def _add_own(config: Config, workspace: str, new: Sequence[Question]) -> list[str]:
    from bot.store.engine import Store
    from bot.study.workspaces import custom_questions

    store = await Store.open(config.database_url)
    try:
        await store.ready()
        async with store.write() as session:
            found = await custom_questions.workspace_named(session, workspace)
            return await custom_questions.add(session, found.id, new, datetime.now(UTC))
    finally:
        await store.close()


def _tell(file: File, *, dry: bool) -> None:
    found, taken = len(file.reading.drafts), len(file.taken.questions)
    kind = f" ({file.reading.format_name})" if file.reading.format_name else ""
    out.print(f"[bold]{_plain(file.path.name)}[/]{kind}: {_some(found, 'question')}, {taken} to take", highlight=False)
    if file.taken.duplicates:
        grid = Table("Line", "Asks what the bank has", "Its twin", "Likeness", title_justify="left")
        for one in file.taken.duplicates[:SHOWN]:
            likeness = "there already" if one.same else f"{one.similarity:.2f}"
            grid.add_row(str(one.draft.line), _plain(one.draft.title), one.match.id, likeness)
        out.print(grid)
        _more(len(file.taken.duplicates), "duplicates")
    for line, reason in file.problems[:SHOWN]:
        where = f"{file.path}:{line}" if line else str(file.path)
        out.print(f"{where}: {reason}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    _more(len(file.problems), "problems")


def _more(count: int, what: str) -> None:
    if count > SHOWN:
        out.print(f"… and {count - SHOWN} more {what}; --json has all of them.", style="dim")


def _tell_total(new: Sequence[Question], into: Path | None, workspace: str, *, dry: bool) -> None:
    where = f" into {into}" if into else f" into the workspace {workspace}" if workspace else ""
    if dry:
        out.print(f"A dry run: nothing was written. {_some(len(new), 'question')} would be taken{where}.", markup=False)
    elif new:
        out.print(f"✓ {_some(len(new), 'question')} imported{where}.", markup=False)
    else:
        out.print("Nothing new to import.")


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def export(kind: str, to: Path | None, folder: Path | None, workspace: str, *, force: bool) -> None:
    """Write a bank in another format: whole, or not at all."""
    if folder and workspace:
        raise SetupError("Name a folder with --from or a workspace with --workspace, not both.")
    config = _config()
    folder = folder or config.bank_folder
    bank = asyncio.run(_own(config, workspace)) if workspace else _loaded(folder)
    if not len(bank):
        raise SetupError("There is no question to export.")
    to = to or Path(f"studyhall-bank{ENDINGS[kind]}")
    if str(to) == "-":
        _to_standard_output(kind, bank)
        return
    if to.exists() and not force:
        raise SetupError(f"{to} is there already; --force writes over it.")
    if to.is_dir() != (kind == "markdown") and to.exists():
        raise SetupError(f"{to} is {'a folder' if to.is_dir() else 'a file'}; name another place with --out.")
    if to.is_dir() and (other := _no_question(to)):
        raise SetupError(f"{to} holds other things than questions, such as {other}; name another place with --out.")
    if to.is_symlink():
        raise SetupError(f"{to} is a link; name the place that it leads to.")
    try:
        _written_beside(to, lambda place: _write(kind, place, bank))
    except OSError as problem:
        raise SetupError(f"{to} could not be written: {problem}") from problem
    err.print(f"✓ {_some(len(bank), 'question')} exported to {to}.", markup=False, highlight=False)


def _to_standard_output(kind: str, bank: Bank) -> None:
    if kind not in ("csv", "jsonl"):
        raise SetupError(f"{kind} is no text to print; name a place with --out.")
    for line in _lines(kind, bank):
        sys.stdout.write(line)


def _lines(kind: str, bank: Bank) -> Any:
    from knowledge.exporters import csv, jsonl

    return (csv if kind == "csv" else jsonl).lines(bank)


def _write(kind: str, place: Path, bank: Bank) -> None:
    match kind:
        case "anki":
            from knowledge.exporters import anki

            anki.write(place, bank, datetime.now(UTC))
        case "markdown":
            from knowledge.exporters import markdown

            markdown.write(place, bank)
        case _:
            with place.open("w", encoding="utf-8", newline="") as file:
                file.writelines(_lines(kind, bank))


def _no_question(folder: Path) -> Path | None:
    """Something in the folder that no export and no import has put there. With --force the folder is replaced."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        topic = len(inside.parts) == 1 and path.is_dir() and not path.is_symlink()
        question = len(inside.parts) == 2 and path.suffix == ".md" and path.is_file()
        if not topic and not question and not inside.name.startswith(".importing"):
            return inside
    return None


def _written_beside(to: Path, write: Callable[[Path], None]) -> None:
    """Write in a folder beside the place and move what came out there, so that the place is whole or as it was."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".studyhall-", dir=to.parent) as transaction:
        made = Path(transaction) / "made"
        write(made)
        if to.is_dir():
            shutil.move(to, Path(transaction) / "before")
        os.replace(made, to)
