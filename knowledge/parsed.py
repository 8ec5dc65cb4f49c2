"""Questions of the built-in bank as they were read when it was prepared, so that a start need not parse 299 files.

A file is known by its topic, its id, every byte of it, and the code that reads it: whatever of these changes, it is
parsed again. `studyhall bank vectors` writes them anew, together with the vectors.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.questions import Question

SHIPPED = Path(__file__).parent / "parsed"
READERS = ("front.py", "load.py", "questions.py", "sections.py", "text.py")
"""The modules that make a question of a file; what they import only serves them."""


def key(topic: str, id: str, data: bytes) -> str:
    """32 hexadecimal digits that stand for a file's content, and for how it is read."""
    digest = hashlib.blake2b(_readers() + f"{topic}/{id}\n".encode(), digest_size=16)
    digest.update(data)
    return digest.hexdigest()


@cache
def shipped() -> Mapping[str, Question]:
    """The questions that come with the program, by the `key` of their file."""
    found: dict[str, Question] = {}
    for path in sorted(SHIPPED.glob("*.json.gz")):
        found |= read(path)
    return found


def read(path: Path) -> dict[str, Question]:
    """The questions of a file that `save` wrote. Raises OSError and ValueError."""
    found: dict[str, Question] = _adapter().validate_json(gzip.decompress(path.read_bytes()))
    return found


def save(path: Path, questions: Mapping[str, Question]) -> None:
    """Write questions by their keys; the same ones make the same bytes."""
    plain = {key: asdict(questions[key]) for key in sorted(questions)}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(plain, ensure_ascii=False, default=str).encode(), mtime=0))


@cache
def _readers() -> bytes:
    folder = Path(__file__).parent
    return b"".join((folder / name).read_bytes() for name in READERS)


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(dict[str, Question])
