"""The log is readable on a terminal and JSON elsewhere, and never says what members wrote or what secrets are."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import re
import sqlite3
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.errors import DatabaseError, SetupError
from bot.logs import MAX_FILE_BYTES, set_up

TYPED = "why is the sky full of gradients"
SECRET = 'hunter2-"quoted"'


class Screen(io.StringIO):
    """A stream that says it's a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """Restore logging after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("bot", "knowledge", "__main__"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


log = structlog.get_logger("bot.test")


def test_an_event_is_a_line_of_json_unless_the_stream_is_a_terminal(stream: io.StringIO) -> None:
    set_up(stream=stream)

    log.info("posted", schedule=7)

    [event] = events(stream)
    assert datetime.now(UTC) - datetime.fromisoformat(event.pop("timestamp")) < timedelta(minutes=1)
    assert event == {"event": "posted", "schedule": 7, "level": "info"}


def test_an_event_is_readable_on_a_terminal() -> None:
    set_up(stream=(screen := Screen()))

    log.info("posted", schedule=7)

    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[info +\] posted +schedule=7\n", plain)


def test_the_format_can_be_chosen(stream: io.StringIO) -> None:
    set_up(style="json", stream=(screen := Screen()))
    log.info("posted")
    set_up(style="console", stream=stream)
    log.info("posted")

    assert events(screen)[0]["event"] == "posted"
    assert "[info     ] posted" in stream.getvalue()


def test_every_event_of_a_request_has_its_id(stream: io.StringIO) -> None:
    set_up(stream=stream)

    with structlog.contextvars.bound_contextvars(request="r1"):
        log.info("inside")
        logging.getLogger("library").warning("also inside")
    log.info("outside")

    assert [event.get("request") for event in events(stream)] == ["r1", "r1", None]


def test_libraries_log_from_warnings_up_and_our_code_from_the_chosen_level(stream: io.StringIO) -> None:
    set_up("debug", stream=stream)

    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("took %s s", 3)
    logging.getLogger("knowledge.index").info("made")
    log.debug("detail")

    assert [(event.get("logger"), event["event"]) for event in events(stream)] == [
        ("library", "took 3 s"),
        ("knowledge.index", "made"),
        (None, "detail"),
    ]


def test_a_higher_level_logs_less(stream: io.StringIO) -> None:
    set_up("error", stream=stream)

    log.warning("hm")
    log.error("oh")

    assert [event["event"] for event in events(stream)] == ["oh"]


def test_python_warnings_are_logged(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        set_up(stream=stream)
        warnings.warn("this will go", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)

    [event] = events(stream)
    assert event["logger"] == "py.warnings"
    assert "this will go" in event["event"]


@pytest.mark.parametrize("with_traceback", [True, False])
def test_a_library_that_quotes_an_exception_logs_only_its_type(stream: io.StringIO, *, with_traceback: bool) -> None:
    set_up(stream=stream)
    library = logging.getLogger("library")

    try:
        raise ValueError(TYPED)
    except ValueError as problem:
        library.error(f"Failed to run listener (error: {problem})", exc_info=with_traceback)

    [event] = events(stream)
    assert event["event"] == "Failed to run listener (error: ValueError)"
    assert TYPED not in stream.getvalue()


def test_addresses_lose_their_query(stream: io.StringIO) -> None:
    set_up(stream=stream)
    logging.getLogger("library").warning("no answer from 'wss://slack.example/link/?ticket=abcd&app_id=A1', retrying")

    assert events(stream)[0]["event"] == "no answer from 'wss://slack.example/link/?...', retrying"


def test_an_exception_is_logged_by_type_and_place_without_its_message_and_variables(stream: io.StringIO) -> None:
    set_up(stream=stream)

    def compare(answer: str) -> None:
        try:
            int(answer)
        except ValueError as problem:
            raise LookupError(f"cannot compare {answer}") from problem

    try:
        compare(TYPED)
    except LookupError:
        log.exception("failed", reference="k3f7")

    [event] = events(stream)
    assert event["reference"] == "k3f7"
    places = event["exception"].splitlines()
    assert [line for line in places if line.startswith("builtins.")] == ["builtins.ValueError", "builtins.LookupError"]
    assert re.search(r"test_logs\.py:\d+ in compare$", places[0])
    assert TYPED not in stream.getvalue()


def test_error_codes_of_the_system_and_the_database_are_logged(stream: io.StringIO, tmp_path: Path) -> None:
    set_up(stream=stream)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE answers (words TEXT UNIQUE)")
    database.execute("INSERT INTO answers VALUES (?)", (TYPED,))

    for work in (
        partial(database.execute, "INSERT INTO answers VALUES (?)", (TYPED,)),
        (tmp_path / TYPED).read_text,
        lambda: (_ for _ in ()).throw(DatabaseError("The disk is full.")),
    ):
        try:
            list(work())
        except (sqlite3.Error, OSError, DatabaseError):
            log.exception("failed")
    database.close()

    assert [event["exception"].splitlines()[-1] for event in events(stream)] == [
        "sqlite3.IntegrityError (SQLITE_CONSTRAINT_UNIQUE)",
        "builtins.FileNotFoundError (ENOENT)",
        "bot.errors.DatabaseError (The disk is full.)",
    ]
    assert TYPED not in stream.getvalue()


def test_every_exception_of_a_group_is_named(stream: io.StringIO) -> None:
    set_up(stream=stream)

    log.error("failed", exc_info=ExceptionGroup("both", [KeyError(TYPED), OSError(28, TYPED)]))

    assert events(stream)[0]["exception"] == "builtins.ExceptionGroup; builtins.KeyError; builtins.OSError (ENOSPC)"


async def test_an_unretrieved_task_exception_is_logged_without_its_message(stream: io.StringIO) -> None:
    set_up(stream=stream)

    async def answer() -> None:
        raise ValueError(TYPED)

    task = asyncio.create_task(answer())
    await asyncio.wait([task])
    del task
    gc.collect()

    [event] = events(stream)
    assert event["event"] == "Task exception was never retrieved..."
    assert "builtins.ValueError" in event["exception"]
    assert TYPED not in stream.getvalue()


@pytest.mark.parametrize("name", ["text", "query", "line", "answer", "body", "values"])
def test_what_a_member_wrote_is_omitted_even_if_somebody_logs_it(stream: io.StringIO, name: str) -> None:
    set_up(stream=stream)

    log.info("asked", **{name: TYPED})

    assert events(stream)[0][name] == "(omitted)"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_secret_is_replaced_wherever_it_appears(stream: io.StringIO, style: Any) -> None:
    set_up(style=style, stream=stream, secrets=[SECRET, "hunter2", "abc", ""])

    log.info(f"signing in with {SECRET}", token=SECRET, url=f"https://ada:{SECRET}@host", deep={"a": ["hunter2"]})
    logging.getLogger("library").error("refused: %s abc", SECRET)

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("[secret]") == 5
    assert "abc" in stream.getvalue()


def test_no_value_can_forge_a_line_or_move_the_cursor() -> None:
    set_up(stream=(screen := Screen()))

    log.info("joined", channel="a\n2026-01-01 [error] all is lost\x1b[2J")
    logging.getLogger("library").warning("hm\x1b[2J\r\nforged")

    assert len(screen.getvalue().splitlines()) == 2
    assert "\x1b[2J" not in screen.getvalue()


def test_the_study_room_logs_to_a_file_and_leaves_the_screen_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "studyhall.log"
    set_up(stream=(screen := Screen()), file=file)

    log.info("posted")
    logging.getLogger("library").warning("hm")

    assert screen.getvalue() == ""
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["posted", "hm"]


def test_the_file_does_not_grow_forever(tmp_path: Path) -> None:
    file = tmp_path / "studyhall.log"
    set_up(file=file)

    for _ in range(9):
        log.info("long", note="x" * (MAX_FILE_BYTES // 2))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["studyhall.log", "studyhall.log.1", "studyhall.log.2"]
    assert all(path.stat().st_size <= MAX_FILE_BYTES for path in tmp_path.iterdir())


def test_a_file_that_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(SetupError, match=r"Can't write the log .*: .*\. Name another folder in STUDYHALL_DATA\."):
        set_up(file=tmp_path / "data" / "studyhall.log")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_reported_once_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(file=Path("/dev/full"))

    log.info("posted")
    log.info("posted")

    assert capsys.readouterr().err == "Can't write the log /dev/full: No space left on device.\n"
    set_up(stream=io.StringIO())  # closing a file on a full disk fails too


def test_a_second_setup_replaces_the_first(stream: io.StringIO) -> None:
    set_up(stream=(first := io.StringIO()))
    set_up(stream=stream)

    log.info("posted")

    assert first.getvalue() == ""
    assert len(events(stream)) == 1
