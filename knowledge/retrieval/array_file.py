"""Keep vectors in a safetensors file, by the text they belong to.

A vector is stored as integers from -127 to 127, scaled so that its largest component is at either end. Only its
direction counts: callers normalize what they read, and its cosine with the original is above .9999.
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

from knowledge.durable import sync_folder

Row = npt.NDArray[np.int8]
Rows = dict[int, Row]
"""Quantized vectors by the `key` of their text."""

FORMAT = "2"
"""Raise it when the same text and model start to give other rows."""
METADATA_KEY = "studyhall"
"""The only metadata entry: safetensors writes several in no fixed order, and the same rows must give the same bytes."""
STALE_AFTER = 3600.0
"""Seconds after which a half-written file must be a killed process's."""


class ArrayFileError(Exception):
    """The file is damaged, or has another format or another model's vectors."""


def key(text: str) -> int:
    """Return a 64-bit hash of the text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def quantized(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Return the vectors as they're stored, one per row."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-9)
    return np.asarray(np.rint(vectors * (127 / largest)), np.int8)


def file_name(model: str) -> str:
    """Return a file name that no other model has, so that trying another model keeps the first one's vectors."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.")[-60:]
    return f"{readable}-{hashlib.sha256(model.encode()).hexdigest()[:8]}.safetensors"


def save(path: Path, model: str, rows: Mapping[int, Row]) -> None:
    """Replace the file atomically; the same rows give the same bytes. Raises OSError, and keeps the old file then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _delete_stale(path)
    ordered = sorted(rows)
    keys, vectors = np.array(ordered, np.uint64), np.stack([rows[key] for key in ordered])
    metadata = json.dumps({"format": FORMAT, "model": model, "digest": _digest(keys, vectors)})
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(serialized({"keys": keys, "vectors": vectors}, {METADATA_KEY: metadata}))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(path.parent)


def read(path: Path, model: str) -> Rows:
    """Return the rows that were saved for `model`. Raises ArrayFileError for any other file, and OSError."""
    with path.open("rb"):  # safetensors reports an unreadable file and a damaged one as the same error
        pass
    try:
        with safe_open(path, "np") as file:
            metadata = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
            file_format, file_model = metadata.get("format"), metadata.get("model")
            if (file_format, file_model) != (FORMAT, model):
                raise ArrayFileError(f"it's from another version or model ({file_model!r}, format {file_format!r})")
            keys, vectors = file.get_tensor("keys"), file.get_tensor("vectors")
    except (SafetensorError, ValueError, AttributeError) as error:
        raise ArrayFileError(f"it's damaged or cut short ({error})") from error
    valid = (keys.dtype, vectors.dtype, vectors.ndim) == (np.uint64, np.int8, 2) and keys.shape == vectors.shape[:1]
    if not valid or _digest(keys, vectors) != metadata.get("digest"):
        raise ArrayFileError("it's damaged: the checksum doesn't match")
    return dict(zip(keys.tolist(), vectors, strict=True))


def _digest(keys: npt.NDArray[np.uint64], vectors: npt.NDArray[np.int8]) -> str:
    return hashlib.sha256(keys.tobytes() + vectors.tobytes()).hexdigest()


def _delete_stale(path: Path) -> None:
    """Delete what a process killed while saving left behind."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE_AFTER:
                part.unlink()
