"""Ship the built-in bank's questions already parsed, so that startup doesn't have to parse 299 files.

A file is recognized by its topic, id, and content. If one changes, it's parsed again; if the code that reads them
changes, all are. `studyhall bank vectors` updates them, together with the vectors.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.questions import Question

SHIPPED = Path(__file__).parents[1] / "parsed"
READERS = (
    "format/commonmark.py",
    "format/front_matter.py",
    "format/latex.py",
    "format/markdown.py",
    "format/reader.py",
    "format/sections.py",
    "questions.py",
)
"""The modules whose code decides what question a file becomes."""

log = logging.getLogger(__name__)


def key(topic: str, question_id: str, data: bytes) -> str:
    """Return a hash of a file's place and content, 32 hexadecimal digits."""
    name = f"{topic}/{question_id}\n".encode("utf-8", "surrogatepass")  # a file's name may have other bytes
    digest = hashlib.blake2b(name, digest_size=16)
    digest.update(data)
    return digest.hexdigest()


@cache
def shipped() -> Mapping[str, Question]:
    """Return the shipped questions by the `key` of their file; none if other code parsed them."""
    questions: dict[str, Question] = {}
    if not is_by_this_code(SHIPPED):
        return questions
    for path in sorted(SHIPPED.glob("*.json.gz")):
        questions |= read(path)
    return questions


def read(path: Path) -> dict[str, Question]:
    """Return the questions of a file that `save` wrote; none if it's missing, or damaged, which is logged."""
    if not path.exists():
        return {}
    try:
        questions: dict[str, Question] = _adapter().validate_json(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        log.warning("Couldn't read %s, so its questions are parsed again: %s", path, error)
        return {}
    return questions


def save(path: Path, questions: Mapping[str, Question]) -> None:
    """Write questions by their keys; the same questions give the same bytes."""
    plain = {key: asdict(questions[key]) for key in sorted(questions)}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(plain, ensure_ascii=False, default=str).encode(), mtime=0))


def is_by_this_code(folder: Path) -> bool:
    """Return whether the questions in a folder were parsed by the current code."""
    try:
        return (folder / "code").read_text("ascii").strip() == _code()
    except (OSError, ValueError):
        return False


def sign(folder: Path) -> None:
    """Record that the questions in a folder were parsed by the current code."""
    folder.mkdir(exist_ok=True)
    (folder / "code").write_text(f"{_code()}\n", "ascii")


@cache
def _code() -> str:
    folder = Path(__file__).parents[1]
    return hashlib.blake2b(b"".join((folder / name).read_bytes() for name in READERS), digest_size=16).hexdigest()


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(dict[str, Question])
