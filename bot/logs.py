"""What the program logs: structured events, without secrets and without anything a member wrote.

An event is a word and its values: `log.info("posted", schedule=7)`. Messages of exceptions are left out, because they
quote what somebody typed or what a statement carried; their kind, their code and where they were raised are kept.
"""

from __future__ import annotations

import errno
import json
import logging
import sys
import traceback
from collections.abc import Collection
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.errors import SetupError

OURS = ("bot", "knowledge", "__main__")
"""Loggers of which more than warnings is wanted; a module run with -m is called __main__."""
MEMBERS_WORDS = frozenset(
    {
        "answer",
        "args",
        "body",
        "content",
        "line",
        "message",
        "msg",
        "payload",
        "query",
        "search",
        "text",
        "title",
        "typed",
    }
    | {"values", "words"}
)
"""Names of values that would hold what a member wrote: whatever is logged under them is left out."""
LEFT_OUT = "(left out)"
SHORTEST_SECRET = 4
"""Characters; shorter ones stand everywhere, and leaving them out would leave nothing to read."""
LONGEST = 300
FILE_BYTES = 2_000_000
OLD_FILES = 2


class _Screenless(RotatingFileHandler):
    """A file that says once, not at every event, that it cannot be written."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:
        problem = sys.exc_info()[1]
        if not self.told:
            self.told = True
            why = problem.strerror if isinstance(problem, OSError) else type(problem).__name__
            sys.stderr.write(f"The log {self.baseFilename} cannot be written: {why}.\n")


def set_up(
    level: str = "info",
    format: Literal["auto", "console", "json"] = "auto",
    *,
    stream: TextIO | None = None,
    file: Path | None = None,
    secrets: Collection[str] = (),
) -> None:
    """From now on events go to `file`, else to `stream` (standard error); "auto" is console on a terminal, else json.

    Libraries are heard from warnings on. `secrets` are left out wherever they turn up. Raises SetupError where the
    file cannot be opened.
    """
    stream = stream or sys.stderr
    for_people = format == "console" or (format == "auto" and file is None and stream.isatty())
    colours = for_people and file is None and stream.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _raised,
        _members_words_left_out,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _Writer(for_people, colours, secrets)],
        foreign_pre_chain=[_of_a_library, *shared],
    )
    handler = _to(file) if file else logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
            if isinstance(old, logging.FileHandler):
                with suppress(OSError):  # the disk may be full; whatever was left to write is lost
                    old.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _to(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _Screenless(file, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"The log {file} cannot be written: {error.strerror}. Name another folder in STUDYHALL_DATA."
        ) from None


class _Writer:
    """The last step: an event as text, with no secret in it."""

    def __init__(self, for_people: bool, colours: bool, secrets: Collection[str]) -> None:
        self._render: Processor = (
            structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=24)
            if for_people
            else structlog.processors.JSONRenderer(ensure_ascii=False)
        )
        forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
        # The longest first, because a password is part of its URL.
        self._secrets = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        text = str(self._render(logger, name, event))
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def _raised(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by the kinds of the exceptions and where they were raised."""
    given = event.pop("exc_info", None)
    problem = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else None
    if given is True:
        problem = sys.exc_info()[1]
    if problem is not None:
        event["exception"] = _told(problem)
    return event


def _told(problem: BaseException) -> str:
    chain: list[BaseException] = []
    one: BaseException | None = problem
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(f"{_places(one.__traceback__)}{_kind(one)}" for one in reversed(chain))


def _places(trace: TracebackType | None) -> str:
    return "".join(f"{frame.filename}:{frame.lineno} in {frame.name}\n" for frame in traceback.extract_tb(trace)[-30:])


def _kind(problem: BaseException) -> str:
    """`sqlalchemy.exc.IntegrityError (23505)`: the name, and the code that systems and databases give."""
    kind = type(problem)
    of_driver = getattr(problem, "orig", None) or problem
    code = getattr(of_driver, "sqlstate", None) or getattr(of_driver, "sqlite_errorname", None)
    if isinstance(problem, OSError) and problem.errno:
        code = errno.errorcode.get(problem.errno)
    if isinstance(problem, SetupError):
        code = str(problem)  # written by us for the operator, and without secrets
    inner = "".join(f"; {_kind(one)}" for one in problem.exceptions) if isinstance(problem, BaseExceptionGroup) else ""
    return f"{kind.__module__}.{kind.__qualname__}{f' ({code})' if isinstance(code, str) else ''}{inner}"


def _members_words_left_out(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    return {key: LEFT_OUT if key in MEMBERS_WORDS else value for key, value in event.items()}


def _of_a_library(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Its logger's name, and the first line alone: asyncio puts the exception's text in those that follow."""
    event["logger"] = event["_record"].name
    first, *rest = str(event["event"]).splitlines() or [""]
    shown = "".join(letter if letter.isprintable() else "?" for letter in first[:LONGEST])
    event["event"] = shown + ("..." if rest or len(first) > LONGEST else "")
    return event
