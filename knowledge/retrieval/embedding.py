"""Texts to unit vectors, by a model that is loaded when the first text comes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.models import Floats, Model, ModelProblem
from knowledge.retrieval.models import packaged as packaged_model

__all__ = ["Embedder", "Floats", "Ids", "ModelProblem", "Progress", "unit"]

Ids = npt.NDArray[np.int32]
Progress = Callable[[int, int], None]
"""Told how many of how many texts are done."""

MOST_CORES = 8
"""Cores that embed at the same time; each takes some 40 MB for its batch."""


class Embedder:
    """An embedding model, usable from several threads.

    `model` is a folder or a name on a model hub; "" is the packaged all-MiniLM-L6-v2, which needs no network. `threads`
    is how many cores a query may use.
    """

    def __init__(self, model: str = "", *, threads: int = 1) -> None:
        self.model = model
        self.threads = threads
        self._loading = Lock()
        self._loaded: Model | None = None
        self._closed = False

    @cached_property
    def name(self) -> str:
        """Tells one model's vectors from another's, without loading it; of a folder, sizes and times are part."""
        if not self.model:
            return packaged_model.NAME
        files = sorted(path for path in Path(self.model).expanduser().rglob("*") if path.is_file())
        seen = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
        return f"{self.model} {hashlib.sha256(repr(seen).encode()).hexdigest()[:16]}" if seen else self.model

    @property
    def loaded(self) -> bool:
        """Whether the first text has come."""
        return self._loaded is not None

    @property
    def width(self) -> int:
        """Numbers in a vector; loads the model."""
        return self._model().width

    def vectors(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """One row of length 1 a text, in their order. Raises ModelProblem.

        Many texts are read by several cores, those of like length together: a batch is padded to its longest.
        `progress` hears of each batch but where there is only one.
        """
        model = self._model()
        if len(texts) <= model.batch:
            return unit(model.vectors(texts)) if texts else np.zeros((0, model.width), np.float32)
        by_length = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        batches = [by_length[start : start + model.batch] for start in range(0, len(texts), model.batch)]
        found, done = np.empty((len(texts), model.width), np.float32), 0
        threads = ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_CORES), "embed")
        try:
            every = threads.map(lambda batch: model.vectors([texts[number] for number in batch]), batches)
            for batch, rows in zip(batches, every, strict=True):
                if self._closed:
                    raise ModelProblem("The program is ending")
                found[batch], done = unit(rows), done + len(batch)
                if progress:
                    progress(done, len(texts))
        finally:
            threads.shutdown(cancel_futures=True)
        return found

    def close(self) -> None:
        """Release the model; what is being embedded ends with ModelProblem at its next batch."""
        self._closed = True
        with self._loading:
            if self._loaded is not None:
                self._loaded.close()

    def _model(self) -> Model:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Model:
        if not self.model:
            return packaged_model.Packaged(self.threads)
        from knowledge.retrieval.models.transformer import Transformer

        return Transformer(self.model, self.threads)


def unit(vectors: Floats) -> Floats:
    """The rows at length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
