"""Vectors by the text they are of, in a safetensors file that is whole or not there.

A vector is kept as whole numbers from -127 to 127, the largest part of it at either end: only its direction counts, so
it is read back at length 1 and within .0001 of its cosine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialized

Row = npt.NDArray[np.int8]
Rows = dict[int, Row]
"""Vectors by the `key` of their text."""

FORMAT = "2"
"""Goes up when the same text and model give other rows."""
ABOUT = "studyhall"
"""The one entry of a file's metadata: safetensors writes several in any order."""
STALE = 3600.0
"""Seconds after which a half-written file is taken for a killed process's."""


class Unsound(Exception):
    """The file is damaged, or says that it is of another format or model."""


def key(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def quantized(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Vectors as they are kept, a row each."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    return np.asarray(np.rint(vectors * (127 / largest)), np.int8)


def file_name(model: str) -> str:
    """A file of its own for each model, so that trying another keeps the first."""
    word = re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.")[-60:]
    return f"{word}-{hashlib.sha256(model.encode()).hexdigest()[:8]}.safetensors"


def save(path: Path, model: str, rows: Mapping[int, Row]) -> None:
    """Put the rows at `path` in one move; the same rows make the same bytes. OSError leaves whatever was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    keys = sorted(rows)
    numbers, vectors = np.array(keys, np.uint64), np.stack([rows[key] for key in keys])
    about = json.dumps({"format": FORMAT, "model": model, "digest": _digest(numbers, vectors)})
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(serialized({"keys": numbers, "vectors": vectors}, {ABOUT: about}))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    settle(path.parent)


def read(path: Path, model: str) -> Rows:
    """The rows that were saved for `model`. Raises Unsound for anything else, and OSError."""
    with path.open("rb"):  # safetensors tells a missing right from a damaged file in its words alone
        pass
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
            if (found := (about.get("format"), about.get("model"))) != (FORMAT, model):
                raise Unsound(f"it was made by another version or model ({found[1]!r}, format {found[0]!r})")
            keys, vectors = file.get_tensor("keys"), file.get_tensor("vectors")
    except (SafetensorError, ValueError, AttributeError) as error:
        raise Unsound(f"it is damaged or cut short ({error})") from error
    sound = (keys.dtype, vectors.dtype, vectors.ndim) == (np.uint64, np.int8, 2) and keys.shape == vectors.shape[:1]
    if not sound or _digest(keys, vectors) != about.get("digest"):
        raise Unsound("its checksum is wrong, it is damaged")
    return dict(zip(keys.tolist(), vectors, strict=True))


def _digest(keys: npt.NDArray[np.uint64], vectors: npt.NDArray[np.int8]) -> str:
    return hashlib.sha256(keys.tobytes() + vectors.tobytes()).hexdigest()


def _sweep(path: Path) -> None:
    """Delete what a process that was killed while saving has left."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def settle(folder: Path) -> None:
    """Make the move itself survive a loss of power; not every system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
