"""Embedding models: the packaged one runs on ONNX Runtime, any other on sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TOKEN_LIMIT = 256
"""Tokens of a text that count; the rest is cut off."""


class ModelError(Exception):
    """The embedding model can't be used; the message says what to do about it."""


class Model(Protocol):
    """A loaded model. Safe to call from several threads."""

    batch: int
    """The best number of texts per call, if there are many."""

    @property
    def width(self) -> int:
        """Return the number of components of a vector."""
        ...

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return one row per text, not normalized. Raises ModelError."""
        ...

    def close(self) -> None:
        """Release the model's memory and processes."""
        ...
