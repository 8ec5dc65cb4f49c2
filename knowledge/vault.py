"""Arrays in a file that is whole or not there: written beside its place and moved, with a checksum, without pickles."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"studyhall-index\n"
DIGEST = 32
STALE = 3600.0
"""Seconds after which a half-written file is taken for a killed process's."""


class Unsound(Exception):
    """The file is damaged, or says that it is of another format, model or version."""


def file_name(model: str) -> str:
    """A file of its own for each model, so that trying another keeps the first."""
    word = re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.")[-60:]
    return f"{word}-{hashlib.sha256(model.encode()).hexdigest()[:8]}.index"


def save(path: Path, label: str, keys: tuple[str, ...], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put the arrays at `path` in one move. OSError leaves whatever was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    about = np.frombuffer(json.dumps({"label": label, "keys": keys}).encode(), np.uint8)
    payload = io.BytesIO()
    np.savez(payload, allow_pickle=False, about=about, **arrays)
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + hashlib.sha256(payload.getbuffer()).digest())
            file.write(payload.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    settle(path.parent)


def read(path: Path, label: str) -> tuple[tuple[str, ...], dict[str, npt.NDArray[Any]]]:
    """The keys and arrays that were saved under `label`; `Unsound` where anything but exactly that is in the file."""
    data = memoryview(path.read_bytes())
    head = len(MAGIC) + DIGEST
    if data[: len(MAGIC)] != MAGIC:
        raise Unsound("it is not an index of Studyhall")
    if hashlib.sha256(data[head:]).digest() != data[len(MAGIC) : head]:
        raise Unsound("its checksum is wrong, it is damaged or cut short")
    try:
        with np.load(io.BytesIO(data[head:]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        found, keys = about["label"], tuple(map(str, about["keys"]))
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError) as error:
        raise Unsound(f"it cannot be read ({error})") from error
    if found != label:
        raise Unsound(f"it was made by another version or model ({found!r})")
    return keys, arrays


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
