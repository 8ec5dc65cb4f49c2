"""Embedding models: the packaged one under ONNX Runtime, any other under sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TOKEN_LIMIT = 256
"""Tokens of a text that count; the rest is cut."""


class ModelProblem(Exception):
    """The embedding model cannot be used; the text says what to do about it."""


class Model(Protocol):
    """A loaded model. Safe to call from several threads."""

    batch: int
    """Texts that it is best given at once, where there are many."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        ...

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One row a text, of any length. Raises ModelProblem."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...
