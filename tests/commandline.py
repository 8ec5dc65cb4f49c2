"""Run `studyhall` commands in this process, which is ten times faster, or as a real process.

In this process, a command gets its own environment, stdin, stdout and stderr, and its logging setup is undone.
"""

from __future__ import annotations

import gc
import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

from bot.__main__ import main
from tests.clocks import HANG

STUDYHALL = [sys.executable, "-m", "bot"]
Done = subprocess.CompletedProcess[str]


def surroundings(**settings: str) -> dict[str, str]:
    """Return an environment with the settings and the few variables that any program needs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "PYTHONUTF8": "1", **settings}


def studyhall(environment: Mapping[str, str], *words: str, stdin: str | bytes = "") -> Done:
    """Run a command in this process."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    read = io.TextIOWrapper(io.BytesIO(given), "utf-8", errors="surrogateescape")  # as in Python's UTF-8 mode
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.multiple(sys, argv=["studyhall", *words], stdin=read, stdout=out, stderr=err),
        _log_restored(),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    gc.unfreeze()  # `studyhall run` freezes loaded objects
    return subprocess.CompletedProcess(words, code, *(page.buffer.getvalue().decode() for page in (out, err)))


@contextmanager
def _log_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def process(environment: Mapping[str, str], *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command as a real process."""
    return subprocess.run(
        [*STUDYHALL, *words], env=environment, input=stdin, capture_output=True, timeout=HANG, check=False
    )
