"""A bank of three small questions, and the real model, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder
from tests.knowledge.files import LORA, RAG, VAE, put


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the folder of a bank with three valid files."""
    folder = tmp_path / "bank"
    put(folder, "fine-tuning/lora", LORA)
    put(folder, "rag/rag", RAG)
    put(folder, "vae/vae", VAE)
    return folder


@pytest.fixture
def bank(folder: Path) -> Bank:
    loaded = load(folder)
    assert loaded.problems == ()
    return loaded.bank
