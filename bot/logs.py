"""Set up the log: structured events, without secrets and without anything a member wrote.

An event has a name and values: `log.info("posted", schedule=7)`. Messages of exceptions are omitted, because they quote
what somebody typed or a statement's values; their type, their code and where they were raised are kept.
"""

from __future__ import annotations

import errno
import json
import logging
import re
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
from typing_extensions import override

from bot.errors import SetupError

OUR_LOGGERS = ("bot", "knowledge", "__main__")
"""Loggers that log at the configured level; a module run with -m is called __main__."""
PRIVATE_KEYS = frozenset(
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
        "values",
        "words",
    }
)
"""Names of values that could be what a member wrote, so the log omits them."""
OMITTED = "(omitted)"
MIN_SECRET_LENGTH = 4
"""Shorter secrets appear in too many ordinary words to hide them."""
MAX_EVENT_LENGTH = 300
"""Maximum length of a library's message."""
MAX_FRAMES = 30
_WORD = re.compile(r"[^\s'\"]+")
MAX_FILE_BYTES = 2_000_000
OLD_FILES = 2


class _LogFile(RotatingFileHandler):
    """A log file that only complains once if it can't be written, not for every event."""

    failed = False

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        problem = sys.exc_info()[1]
        if not self.failed:
            self.failed = True
            reason = problem.strerror if isinstance(problem, OSError) else type(problem).__name__
            sys.stderr.write(f"Can't write the log {self.baseFilename}: {reason}.\n")


def set_up(
    level: str = "info",
    style: Literal["auto", "console", "json"] = "auto",
    *,
    stream: TextIO | None = None,
    file: Path | None = None,
    secrets: Collection[str] = (),
) -> None:
    """Send events to `file`, or else to `stream` (standard error); "auto" is console on a terminal, or else json.

    Libraries log from warnings up. `secrets` are replaced wherever they appear. Replaces an earlier setup. Raises
    SetupError if the file can't be opened.
    """
    stream = stream or sys.stderr
    on_terminal = file is None and stream.isatty()
    readable = style == "console" or (style == "auto" and on_terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
        _omit_private_values,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _Renderer(readable, readable and on_terminal, secrets),
        ],
        foreign_pre_chain=[_shorten_library_event, *shared],
    )
    handler = _open_file(file) if file else logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
            if isinstance(old, logging.FileHandler):
                with suppress(OSError):  # the disk may be full; what's not written yet is lost
                    old.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OUR_LOGGERS:
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


def _open_file(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(file, maxBytes=MAX_FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"Can't write the log {file}: {error.strerror}. Name another folder in STUDYHALL_DATA."
        ) from None


class _Renderer:
    """Turn an event into text without secrets, as the last step."""

    def __init__(self, readable: bool, colors: bool, secrets: Collection[str]) -> None:
        self._render: Processor = (
            structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=24)
            if readable
            else structlog.processors.JSONRenderer(ensure_ascii=False)
        )
        forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
        # Longest first, because a URL contains its password.
        self._secrets = sorted((form for form in forms if len(form) >= MIN_SECRET_LENGTH), key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        text = str(self._render(logger, name, event))
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def _describe_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace `exc_info` with the types of the exceptions and where they were raised."""
    info = event.pop("exc_info", None)
    problem = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else None
    if info is True:
        problem = sys.exc_info()[1]
    if problem is not None:
        event["exception"] = "\n".join(
            f"{_frames(cause.__traceback__)}{_type_and_code(cause)}" for cause in reversed(_causes(problem))
        )
    return event


def _causes(problem: BaseException) -> list[BaseException]:
    """Return the exception and what caused it, the root cause last."""
    chain: list[BaseException] = []
    cause: BaseException | None = problem
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def _frames(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return "".join(f"{frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames)


def _type_and_code(problem: BaseException) -> str:
    """Return the type, and the code from the system or database: `sqlalchemy.exc.IntegrityError (23505)`."""
    kind = type(problem)
    driver_error = getattr(problem, "orig", None) or problem
    code = getattr(driver_error, "sqlstate", None) or getattr(driver_error, "sqlite_errorname", None)
    if isinstance(problem, OSError) and problem.errno:
        code = errno.errorcode.get(problem.errno)
    if isinstance(problem, SetupError):
        code = str(problem)  # ours, for the operator, and without secrets
    inner = problem.exceptions if isinstance(problem, BaseExceptionGroup) else ()
    types = "".join(f"; {_type_and_code(error)}" for error in inner)
    return f"{kind.__module__}.{kind.__qualname__}{f' ({code})' if isinstance(code, str) else ''}{types}"


def _omit_private_values(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {key: OMITTED if key in PRIVATE_KEYS else value for key, value in event.items()}


def _without_exception_texts(text: str, problem: BaseException | None) -> str:
    """Replace the text of the exception, and of what caused it, with the type."""
    for cause in _causes(problem) if problem is not None else ():
        if message := str(cause).strip():
            text = re.sub(rf"(?<!\w){re.escape(message)}(?!\w)", type(cause).__name__, text)
    return text


def _without_query(word: re.Match[str]) -> str:
    """Leave out an address's query, which can hold a ticket or a token."""
    address, mark, _ = word[0].partition("?")
    return f"{address}?..." if mark and "://" in address else word[0]


def _shorten_library_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Add the logger's name, and keep the first line only: asyncio puts the exception's text in the others.

    Libraries put the text of an exception into the first line too, and addresses with a ticket in their query.
    """
    record = event["_record"]
    event["logger"] = record.name
    problem = (record.exc_info and record.exc_info[1]) or sys.exc_info()[1]  # libraries log within `except`
    text = _WORD.sub(_without_query, _without_exception_texts(str(event["event"]), problem))
    first, *rest = text.splitlines() or [""]
    line = "".join(letter if letter.isprintable() else "?" for letter in first[:MAX_EVENT_LENGTH])
    event["event"] = line + ("..." if rest or len(first) > MAX_EVENT_LENGTH else "")
    return event
