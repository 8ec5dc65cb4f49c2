"""The embedding index: a vector for each passage of a bank. Only passages that aren't in a file yet are embedded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.questions import Bank
from knowledge.retrieval import array_file
from knowledge.retrieval.array_file import Rows
from knowledge.retrieval.embedding import Embedder, Floats, Progress, normalized
from knowledge.retrieval.models.packaged import NAME
from knowledge.retrieval.passages import Passages, passages_of

SHIPPED = Path(__file__).parents[1] / "vectors"
"""The packaged model's vectors of the built-in bank, one file per topic; `studyhall bank vectors` updates them."""
BATCH_SIZE = 2048
"""Passages that are embedded before they're saved."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The passages of a bank and their vectors: one row of length 1 each, in the same order."""

    passages: Passages
    vectors: Floats


def build(passages: Passages, embedder: Embedder, folder: Path, progress: Progress | None = None) -> Index:
    """Build the index of a bank from the vectors in `folder` and those that come with the program.

    `progress(done, total)` counts the passages that have to be embedded; if there are none, it's never called and the
    model isn't loaded. New vectors are saved in `folder`, and a damaged file there is replaced. If that fails (no
    space, no permission), it's logged and the index is used anyway. Raises ModelError.
    """
    if not passages.texts:
        return Index(passages, np.zeros((0, embedder.width), np.float32))
    path = folder / array_file.file_name(embedder.name)
    keys = [array_file.key(text) for text in passages.texts]
    saved = _read(path, embedder.name)
    known = saved if saved.keys() >= {*keys} else saved | shipped(embedder.name)
    missing = {key: text for key, text in zip(keys, passages.texts, strict=True) if key not in known}
    for rows in _embedded(missing, embedder, progress):
        known |= rows
        _save(path, embedder.name, {key: known[key] for key in keys if key in known})
    if not (saved or missing) and path.exists():  # damaged, but not needed: otherwise each start would find it again
        _save(path, embedder.name, {key: known[key] for key in keys})
    return Index(passages, normalized(np.stack([known[key] for key in keys]).astype(np.float32)))


def shipped(model: str, folder: Path = SHIPPED) -> Rows:
    """Return the vectors that come with the program; for any model but the packaged one there are none."""
    if model != NAME:
        return {}
    rows: Rows = {}
    for path in sorted(folder.glob("*.safetensors")):
        rows |= _read(path, model)
    return rows


@dataclass(frozen=True, slots=True)
class Changes:
    """The number of passages whose vectors an update of the shipped files adds and removes."""

    new: int
    gone: int


def ship(
    bank: Bank, embedder: Embedder, progress: Progress | None = None, *, folder: Path = SHIPPED, write: bool = True
) -> Changes:
    """Update the files in `folder` to exactly the passages of each topic, keeping the vectors that already exist.

    Without `write`, only count the changes. Raises ModelError.
    """
    wanted: dict[Path, dict[int, str]] = {path: {} for path in folder.glob("*.safetensors")}
    for question in bank:
        texts = {array_file.key(text): text for _, text in passages_of(question)}
        wanted.setdefault(folder / f"{question.topic}.safetensors", {}).update(texts)
    saved = {path: _read(path, embedder.name) for path in wanted}
    known = {key: row for rows in saved.values() for key, row in rows.items()}
    if write:
        missing = {key: text for texts in wanted.values() for key, text in texts.items() if key not in known}
        for rows in _embedded(missing, embedder, progress):
            known |= rows
        for path, texts in wanted.items():
            if not texts:
                path.unlink()
            elif texts.keys() != saved[path].keys():
                array_file.save(path, embedder.name, {key: known[key] for key in texts})
    return Changes(
        new=sum(len(texts.keys() - saved[path].keys()) for path, texts in wanted.items()),
        gone=sum(len(saved[path].keys() - texts.keys()) for path, texts in wanted.items()),
    )


def _embedded(texts: Mapping[int, str], embedder: Embedder, progress: Progress | None) -> Iterator[Rows]:
    """Embed the texts in batches, so that a killed process loses no more than the last one."""
    keys = [*texts]
    for start in range(0, len(keys), BATCH_SIZE):
        batch = keys[start : start + BATCH_SIZE]

        def report(done: int, _: int, start: int = start) -> None:
            if progress:
                progress(start + done, len(keys))

        report(0, len(batch))
        vectors = embedder.vectors([texts[key] for key in batch], report)
        yield dict(zip(batch, array_file.quantized(vectors), strict=True))
        report(len(batch), len(batch))


def _read(path: Path, model: str) -> Rows:
    """Return the rows of a file, or none if it's missing, damaged, or outdated; the last two are logged."""
    if not path.exists():
        return {}
    try:
        return array_file.read(path, model)
    except (array_file.ArrayFileError, OSError) as error:
        log.warning("Computing the vectors in %s again: %s", path, error)
        return {}


def _save(path: Path, model: str, rows: Rows) -> None:
    try:
        array_file.save(path, model, rows)
    except OSError as error:
        log.warning("Couldn't save the vectors to %s (%s); they'll be computed again at the next start.", path, error)
