"""`studyhall bank import`: add questions from files to a bank or to a workspace, without what's there already."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from bot.cli.bank import MAX_LISTED, load_bank
from bot.cli.console import ProgressBar, indexing_progress, load_config, out, print_json
from bot.config.loader import Config
from bot.errors import SetupError
from bot.text.plural import plural

if TYPE_CHECKING:
    from knowledge.importers.draft import ParsedFile
    from knowledge.importers.pipeline import ImportResult
    from knowledge.questions import Bank, Question

ORIGINS = {"bank": "the bank", "target": "the destination", "import": "this import"}
"""Where the original of a duplicate is, as text."""


@dataclass(slots=True)
class ImportedFile:
    """A file, the drafts read from it, and what happened to them. `written` has ids."""

    path: Path
    reading: ParsedFile
    taken: ImportResult
    written: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[tuple[int, str]]:
        return sorted([*self.reading.problems, *self.taken.problems])

    def as_json(self, *, dry_run: bool) -> dict[str, Any]:
        data: dict[str, Any] = {
            "path": str(self.path),
            "format": self.reading.format_name,
            "questions": len(self.reading.drafts),
            "duplicates": [
                {
                    "line": duplicate.draft.line,
                    "question": duplicate.draft.title,
                    "match": {
                        "id": duplicate.match.id,
                        "question": duplicate.match.title,
                        "where": ORIGINS[duplicate.where],
                    },
                    "similarity": round(duplicate.similarity, 3),
                }
                for duplicate in self.taken.duplicates
            ],
            "problems": [{"line": line, "reason": reason} for line, reason in self.problems],
        }
        return data if dry_run else {**data, "written": self.written}


def import_files(
    paths: Sequence[Path], folder: Path | None, workspace: str, *, duplicates: bool, dry_run: bool, as_json: bool
) -> None:
    """Read the files, print what's in them, and store the new questions: all of them or none.

    Exits with 1 if a file has no question. Raises SetupError.
    """
    if folder and workspace:
        raise SetupError("Use either --into for a folder or --workspace for a workspace, not both.")
    if not (folder or workspace or dry_run):
        raise SetupError(
            "Where should the questions go? Use --into FOLDER for a bank of files, or --workspace ID for a workspace's "
            "custom questions. To see what would be imported, use --dry-run."
        )
    config = load_config()
    files = _read(config, paths, folder, workspace, duplicates)
    new = [question for file in files for question in file.taken.questions]
    if not dry_run and new:
        written = set(_write(config, folder, workspace, new))
        for file in files:
            file.written = [question.id for question in file.taken.questions if question.id in written]
    if as_json:
        print_json({"files": [file.as_json(dry_run=dry_run) for file in files]})
    else:
        for file in files:
            _print_file(file)
        _print_total(len(new), folder, workspace, dry_run=dry_run)
    if not all(file.reading.drafts for file in files):
        raise SystemExit(1)


def _read(
    config: Config, paths: Sequence[Path], folder: Path | None, workspace: str, duplicates: bool
) -> list[ImportedFile]:
    """Read the files, and compare their questions with the bank, the destination and each other."""
    from knowledge.importers.pipeline import ImportPipeline
    from knowledge.importers.read import read
    from knowledge.questions import OWN
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import build
    from knowledge.retrieval.passages import Passages

    bank = load_bank(config.bank_folder)
    destination = _destination(config, folder, workspace)
    readings = [(path, read(path)) for path in paths]
    embedder = Embedder(config.search.model, threads=config.search.threads)
    index = build(Passages.of(bank), embedder, config.index_folder, indexing_progress())
    names = {path.stem for path in folder.rglob("*.md")} if folder else set()  # unreadable files keep their names too
    prefix = OWN if workspace else ""
    pipeline = ImportPipeline(index, destination, embedder, duplicates=duplicates, prefix=prefix, names=names)
    return [
        ImportedFile(path, reading, pipeline.run(reading.drafts, ProgressBar(f"Comparing {path.name}", "questions")))
        for path, reading in readings
    ]


def _destination(config: Config, folder: Path | None, workspace: str) -> Bank:
    """Return the questions where the import goes; none if that's the configured bank."""
    from knowledge.questions import Bank

    if workspace:
        from bot.cli import workspace_questions

        return asyncio.run(workspace_questions.read(config, workspace))
    if folder and folder.is_dir() and folder.resolve() != config.bank_folder.resolve():
        return load_bank(folder)
    return Bank()


def _write(config: Config, folder: Path | None, workspace: str, new: Sequence[Question]) -> Sequence[str]:
    """Store the questions, and return the ids of those that were stored. Raises SetupError."""
    if workspace:
        from bot.cli import workspace_questions

        return asyncio.run(workspace_questions.add(config, workspace, new))
    from knowledge.format import transaction

    try:
        transaction.add(folder or Path(), new)
    except transaction.ImportInProgressError as problem:
        raise SetupError(str(problem)) from problem
    except OSError as problem:
        raise SetupError(f"Nothing was imported: {problem}") from problem
    return [question.id for question in new]


def _print_file(file: ImportedFile) -> None:
    drafts, new = len(file.reading.drafts), len(file.taken.questions)
    kind = f" ({file.reading.format_name})" if file.reading.format_name else ""
    out.print(f"[bold]{escape(file.path.name)}[/]{kind}: {plural(drafts, 'question')}, {new} new", highlight=False)
    if file.taken.duplicates:
        grid = Table("Line", "Already in the bank", "Same as", "Similarity", title_justify="left")
        for duplicate in file.taken.duplicates[:MAX_LISTED]:
            similarity = "same id" if duplicate.same else f"{duplicate.similarity:.2f}"
            grid.add_row(str(duplicate.draft.line), escape(duplicate.draft.title), duplicate.match.id, similarity)
        out.print(grid)
        _print_omitted(len(file.taken.duplicates), "duplicates")
    for line, reason in file.problems[:MAX_LISTED]:
        place = f"{file.path}:{line}" if line else str(file.path)
        out.print(f"{place}: {reason}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    _print_omitted(len(file.problems), "problems")


def _print_omitted(count: int, noun: str) -> None:
    if count > MAX_LISTED:
        out.print(f"… and {count - MAX_LISTED} more {noun}; --json lists them all.", style="dim")


def _print_total(new: int, folder: Path | None, workspace: str, *, dry_run: bool) -> None:
    destination = f" into {folder}" if folder else f" into workspace {workspace}" if workspace else ""
    if dry_run:
        out.print(f"Dry run, nothing written: {plural(new, 'question')} would be imported{destination}.", markup=False)
    elif new:
        out.print(f"✓ Imported {plural(new, 'question')}{destination}.", markup=False)
    else:
        out.print("Nothing new to import.")
