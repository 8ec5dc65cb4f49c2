"""Run any other model with sentence-transformers, in a separate process.

Importing PyTorch and sentence-transformers takes 400 MB and seconds in which the interpreter lock would block an event
loop. A separate process costs the caller only a pipe.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from knowledge.retrieval.models import TOKEN_LIMIT, Floats, ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

P = ParamSpec("P")
T = TypeVar("T")


class Transformer:
    """The model in a folder or with a name on a model hub. A query may use `threads` cores; a batch uses all."""

    batch = 64

    def __init__(self, model: str, threads: int = 1) -> None:
        self._model, self._threads = model, threads
        folder = Path(model).expanduser()
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise ModelError(f"Couldn't load the embedding model: {folder} has no config.json")
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_follow_parent)
        self._width = self._in_process(_width, model)

    @property
    def width(self) -> int:
        return self._width

    def vectors(self, texts: Sequence[str]) -> Floats:
        return self._in_process(_vectors, self._model, self._threads, list(texts))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _in_process(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._pool.submit(work, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise ModelError(f"The process of the embedding model ({self._model}) ended unexpectedly") from error


def _follow_parent() -> None:
    """Exit when the parent process does, however it ends, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        if parent := parent_process():
            parent.join()
        os._exit(0)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _width(model: str) -> int:
    return int(_loaded(model).get_embedding_dimension() or 0)


def _vectors(model: str, threads: int, texts: list[str]) -> Floats:
    import torch

    transformer = _loaded(model)
    torch.set_num_threads(threads if len(texts) < Transformer.batch else os.cpu_count() or 1)
    return np.asarray(transformer.encode(texts, show_progress_bar=False), np.float32)


@cache
def _loaded(model: str) -> SentenceTransformer:
    folder = Path(model).expanduser()
    local = folder.is_dir()
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        loaded = SentenceTransformer(
            str(folder) if local else model, device="cpu", local_files_only=local, trust_remote_code=False
        )
    except (ImportError, OSError, ValueError) as error:
        raise ModelError(f"Couldn't load the embedding model ({model}): {error}") from error
    loaded.max_seq_length = min(TOKEN_LIMIT, loaded.max_seq_length or TOKEN_LIMIT)
    return loaded
