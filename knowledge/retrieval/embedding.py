"""Turn texts into unit vectors, with a model that's loaded for the first text."""

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

from knowledge.retrieval.models import Floats, Model, ModelError
from knowledge.retrieval.models import packaged as packaged_model

__all__ = ["Embedder", "Floats", "Integers", "ModelError", "Progress", "normalized"]

Integers = npt.NDArray[np.int32]
Progress = Callable[[int, int], None]
"""Called with the number of texts done and their total."""

MAX_CORES = 8
"""Cores that embed at the same time; each needs about 40 MB for its batch."""


class Embedder:
    """An embedding model, safe to call from several threads.

    `model` is a folder or a name on a model hub; "" is the packaged all-MiniLM-L6-v2, which needs no network. A query
    may use `threads` cores.
    """

    def __init__(self, model: str = "", *, threads: int = 1) -> None:
        self.model = model
        self.threads = threads
        self._loading = Lock()
        self._loaded: Model | None = None
        self._closed = False

    @cached_property
    def name(self) -> str:
        """Identify the model's vectors without loading it; for a folder this includes its files' sizes and times."""
        if not self.model:
            return packaged_model.NAME
        files = sorted(path for path in Path(self.model).expanduser().rglob("*") if path.is_file())
        stats = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
        return f"{self.model} {hashlib.sha256(repr(stats).encode()).hexdigest()[:16]}" if stats else self.model

    @property
    def width(self) -> int:
        """Return the number of components of a vector. Loads the model."""
        return self._model().width

    def vectors(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Return one row of length 1 per text, in their order. Raises ModelError.

        If there are more texts than fit in one batch, the batches are split across cores. A batch has texts of similar
        length, because it's padded to its longest.
        `progress` is called after each batch, unless there's only one.
        """
        model = self._model()
        if len(texts) <= model.batch:
            return normalized(model.vectors(texts)) if texts else np.zeros((0, model.width), np.float32)
        by_length = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        batches = [by_length[start : start + model.batch] for start in range(0, len(texts), model.batch)]
        vectors, done = np.empty((len(texts), model.width), np.float32), 0
        threads = ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_CORES), "embed")
        try:
            results = threads.map(lambda batch: model.vectors([texts[number] for number in batch]), batches)
            for batch, rows in zip(batches, results, strict=True):
                if self._closed:
                    raise ModelError("The program is shutting down")
                vectors[batch], done = normalized(rows), done + len(batch)
                if progress:
                    progress(done, len(texts))
        finally:
            threads.shutdown(cancel_futures=True)
        return vectors

    def close(self) -> None:
        """Release the model. A running `vectors` raises ModelError after its next batch."""
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


def normalized(vectors: Floats) -> Floats:
    """Scale the rows to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
