"""The embedding index: a vector for each window of a bank. Only windows that no file has a vector for are embedded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.questions import Bank
from knowledge.retrieval import array_file
from knowledge.retrieval.array_file import Rows
from knowledge.retrieval.embedding import Embedder, Floats, Progress, unit
from knowledge.retrieval.models.packaged import NAME
from knowledge.retrieval.passages import Windows, windows

SHIPPED = Path(__file__).parents[1] / "vectors"
"""The vectors of the built-in bank by the packaged model, a file a topic. `studyhall bank vectors` brings them up to
date."""
AT_ONCE = 2048
"""Windows that are embedded before they are saved."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The windows of a bank and their vectors: one row of length 1 each, in the same order."""

    windows: Windows
    vectors: Floats


def build(cut: Windows, embedder: Embedder, folder: Path, progress: Progress | None = None) -> Index:
    """The index of a bank, from the vectors in `folder` and from those that come with the program.

    `progress(done, total)` counts the windows that have to be embedded; where there is none it is never called and the
    model is not loaded. What was embedded is saved in `folder`; where it cannot be (no space, no right), that is logged
    and the index used all the same. Raises ValueError for a bank without questions, and ModelProblem.
    """
    if not cut.texts:
        raise ValueError("there is no question to make an index of")
    path = folder / array_file.file_name(embedder.name)
    with suppress(OSError):
        for outdated in folder.glob("*.index"):  # of earlier versions: 130 MB that nothing reads any more
            outdated.unlink()
    keys = [array_file.key(text) for text in cut.texts]
    saved = _read(path, embedder.name)
    known = saved if saved.keys() >= {*keys} else saved | shipped(embedder.name)
    missing = {key: text for key, text in zip(keys, cut.texts, strict=True) if key not in known}
    for rows in _embedded(missing, embedder, progress):
        known |= rows
        _save(path, embedder.name, {key: known[key] for key in keys if key in known})
    return Index(cut, unit(np.stack([known[key] for key in keys]).astype(np.float32)))


def shipped(model: str, folder: Path = SHIPPED) -> Rows:
    """The vectors that come with the program; none for another model than theirs."""
    if model != NAME:
        return {}
    found: Rows = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= _read(path, model)
    return found


@dataclass(frozen=True, slots=True)
class Shipping:
    """What bringing the shipped vectors up to date would change, or has changed: windows embedded and let go."""

    new: int
    gone: int


def ship(
    bank: Bank, embedder: Embedder, progress: Progress | None = None, *, folder: Path = SHIPPED, write: bool = True
) -> Shipping:
    """Bring the files in `folder` up to date: exactly the windows of each topic, keeping the vectors there are."""
    wanted: dict[Path, dict[int, str]] = {path: {} for path in folder.glob("*.safetensors")}
    for question in bank:
        texts = {array_file.key(text): text for _, text in windows(question)}
        wanted.setdefault(folder / f"{question.topic}.safetensors", {}).update(texts)
    there = {path: _read(path, embedder.name) for path in wanted}
    known = {key: row for rows in there.values() for key, row in rows.items()}
    if write:
        missing = {key: text for texts in wanted.values() for key, text in texts.items() if key not in known}
        for rows in _embedded(missing, embedder, progress):
            known |= rows
        for path, texts in wanted.items():
            if not texts:
                path.unlink()
            elif texts.keys() != there[path].keys():
                array_file.save(path, embedder.name, {key: known[key] for key in texts})
    return Shipping(
        new=sum(len(texts.keys() - there[path].keys()) for path, texts in wanted.items()),
        gone=sum(len(there[path].keys() - texts.keys()) for path, texts in wanted.items()),
    )


def _embedded(texts: Mapping[int, str], embedder: Embedder, progress: Progress | None) -> Iterator[Rows]:
    """The rows of the texts, some thousands at a time, so that a kill costs no more than the last of them."""
    keys = [*texts]
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]

        def report(done: int, _: int, start: int = start) -> None:
            if progress:
                progress(start + done, len(keys))

        report(0, len(some))
        vectors = embedder.vectors([texts[key] for key in some], report)
        yield dict(zip(some, array_file.quantized(vectors), strict=True))
        report(len(some), len(some))


def _read(path: Path, model: str) -> Rows:
    """The rows of a file; none where there is no file, or one that is damaged or outdated, which is logged."""
    if not path.exists():
        return {}
    try:
        return array_file.read(path, model)
    except (array_file.Unsound, OSError) as error:
        log.warning("The vectors in %s are made again: %s", path, error)
        return {}


def _save(path: Path, model: str, rows: Rows) -> None:
    try:
        array_file.save(path, model, rows)
    except OSError as error:
        log.warning("The vectors could not be saved to %s (%s): they are made again at the next start.", path, error)
