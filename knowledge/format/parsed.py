"""Questions of the built-in bank as they were read when it was prepared, so that a start need not parse 299 files.

A file is known by its topic, its id and every byte of it; where one changes, it is parsed again, and where the code
changed that reads them, all are. `studyhall bank vectors` writes them anew, together with the vectors.
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
READERS = ("format/front_matter.py", "format/markdown.py", "format/reader.py", "format/sections.py", "questions.py")
"""The modules that make a question of a file; what they import only serves them."""

log = logging.getLogger(__name__)


def key(topic: str, id: str, data: bytes) -> str:
    """32 hexadecimal digits that stand for a file's place and content."""
    digest = hashlib.blake2b(f"{topic}/{id}\n".encode(), digest_size=16)
    digest.update(data)
    return digest.hexdigest()


@cache
def shipped() -> Mapping[str, Question]:
    """The questions that come with the program, by the `key` of their file; none if other code has read them."""
    found: dict[str, Question] = {}
    if not is_by_this_code(SHIPPED):
        return found
    for path in sorted(SHIPPED.glob("*.json.gz")):
        found |= read(path)
    return found


def read(path: Path) -> dict[str, Question]:
    """The questions of a file that `save` wrote; none where there is none, or a damaged one, which is logged."""
    if not path.exists():
        return {}
    try:
        found: dict[str, Question] = _adapter().validate_json(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        log.warning("The questions in %s are read from their own files: %s", path, error)
        return {}
    return found


def save(path: Path, questions: Mapping[str, Question]) -> None:
    """Write questions by their keys; the same ones make the same bytes."""
    plain = {key: asdict(questions[key]) for key in sorted(questions)}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(plain, ensure_ascii=False, default=str).encode(), mtime=0))


def is_by_this_code(folder: Path) -> bool:
    """Whether the questions of a folder were read by the code as it is."""
    try:
        return (folder / "code").read_text("ascii").strip() == _code()
    except (OSError, ValueError):
        return False


def sign(folder: Path) -> None:
    """Note that the questions of a folder were read by the code as it is."""
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
