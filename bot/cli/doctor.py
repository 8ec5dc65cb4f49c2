"""What is configured, what is reachable, what is missing: one finding a check, without any secret."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import structlog

from bot.config.loader import Config
from bot.errors import SetupError

log = structlog.get_logger()

State = Literal["ok", "missing", "problem", "off"]
T = TypeVar("T")

OLDEST, NEWEST = (3, 11), (3, 13)
DEADLINE = 30.0
"""Seconds that a check may take, all of them running at once."""
SERVER_DEADLINE = 10.0
LITTLE_SPACE = 500_000_000
"""Bytes below which a disk is too full for the index and the database to grow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    missing: not there yet, and harmless; problem: the words say what to do about it; off: not configured.
    """

    name: str
    state: State
    words: str


async def examine(config: Config, *, deadline: float = DEADLINE) -> list[Finding]:
    """Everything there is to know before a start, in an order to read; raises nothing."""
    checks: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
        ("python", lambda: _aside(_python)),
        ("configuration", lambda: _aside(lambda: Finding("configuration", "ok", config.origin))),
        ("data folder", lambda: _aside(lambda: _data(config.data))),
        ("database", lambda: _database(config)),
        ("bank", lambda: _aside(lambda: _bank(config))),
        ("model", lambda: _aside(lambda: _model(config.search.model))),
        ("index", lambda: _aside(lambda: _index(config))),
        ("inference", lambda: _inference(config)),
        ("discord", lambda: _aside(lambda: _discord(config))),
        ("slack", lambda: _aside(lambda: _slack(config))),
    ]
    return list(await asyncio.gather(*(_settled(name, check, deadline) for name, check in checks)))


async def _settled(name: str, check: Callable[[], Awaitable[Finding]], deadline: float) -> Finding:
    try:
        async with asyncio.timeout(deadline):
            return await check()
    except TimeoutError:
        return Finding(name, "problem", f"No answer within {deadline:g} s. Is a disk or a server hanging?")
    except SetupError as problem:
        return Finding(name, "problem", str(problem))
    except Exception as problem:
        log.exception("check failed", check=name)
        return Finding(name, "problem", f"This check failed ({type(problem).__name__}); the log says where.")


async def _aside(work: Callable[[], T]) -> T:
    """In a thread that nobody waits for at the end: a dead network disk would hold asyncio's own for ever."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[T] = loop.create_future()

    def tell(give: Callable[[], None]) -> None:
        def unless_late() -> None:
            if not found.done():
                give()

        if not loop.is_closed():
            loop.call_soon_threadsafe(unless_late)

    def run() -> None:
        try:
            result = work()
        except Exception as problem:
            caught = problem
            tell(lambda: found.set_exception(caught))
        else:
            tell(lambda: found.set_result(result))

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return await found


def _python() -> Finding:
    fits = OLDEST <= sys.version_info[:2] <= NEWEST
    wanted = f"Studyhall is made for {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"
    version = f"Python {platform.python_version()}"
    return Finding("python", "ok" if fits else "problem", version if fits else f"{version}: {wanted}. Install one.")


def _data(folder: Path) -> Finding:
    name = "data folder"
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"written")
    except OSError as error:
        hint = "Give this user the right to write there, or name another folder in STUDYHALL_DATA."
        return Finding(name, "problem", f"{there} cannot be written to: {error.strerror}. {hint}")
    free = shutil.disk_usage(there).free
    room = f"{free / 1e9:.1f} GB free"
    if free < LITTLE_SPACE:
        return Finding(name, "problem", f"{folder}: only {room}. Free some space, or name another in STUDYHALL_DATA.")
    if there != folder:
        return Finding(name, "missing", f"{folder} is made at the first start; {room} there.")
    return Finding(name, "ok", f"{folder}, {room}")


async def _database(config: Config) -> Finding:
    from bot.store.engine import Store
    from bot.store.revision import revisions
    from bot.store.urls import address, file_of

    file = file_of(address(config.database_url))
    if file is not None and not await _aside(file.exists):
        return Finding(
            "database", "missing", f"{file} is not there yet: `studyhall db upgrade` makes it, as does a start."
        )
    store = await Store.open(config.database_url)
    try:
        await store.ready()
    finally:
        await store.close()
    return Finding("database", "ok", f"{store.dialect} at {store.place}, revision {revisions()[0]}")


def _bank(config: Config) -> Finding:
    from knowledge.format.reader import load

    folder = config.bank_folder
    loaded = load(folder)
    where = f" in {folder}" if config.bank.folder else ""
    if not len(loaded.bank):
        return Finding("bank", "problem", f"No question can be used{where}. `studyhall bank check` says why.")
    count = f"{_some(len(loaded.bank), 'question')} on {_some(len(loaded.bank.topics), 'topic')}{where}"
    if loaded.problems:
        files = _some(len({problem.path for problem in loaded.problems}), "file")
        words = f"{count}; {files} left out, the first for {loaded.problems[0]}. `studyhall bank check` lists all."
        return Finding("bank", "problem", words)
    return Finding("bank", "ok", count)


def _model(model: str) -> Finding:
    from knowledge.retrieval.models import ModelError
    from knowledge.retrieval.models.packaged import weights

    if not model:
        try:
            return Finding("model", "ok", f"all-MiniLM-L6-v2 in {weights()}, its checksum right")
        except ModelError as problem:
            return Finding("model", "problem", f"{str(problem).rstrip('.')}.")
    folder = Path(model).expanduser()
    if folder.is_dir():
        if (folder / "config.json").is_file():
            return Finding("model", "ok", f"the folder {folder}")
        return Finding("model", "problem", f"{folder} holds no model: it lacks a config.json. Correct [search] model.")
    if folder.is_absolute() or model.startswith((".", "~")):
        return Finding("model", "problem", f"There is no folder {folder}. Correct [search] model.")
    from huggingface_hub import try_to_load_from_cache

    name = model if "/" in model else f"sentence-transformers/{model}"
    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return Finding("model", "ok", f"{model}, fetched before")
    return Finding("model", "missing", f"{model} is fetched from its hub at the first search, which needs the network.")


def _index(config: Config) -> Finding:
    from knowledge.format.reader import load
    from knowledge.retrieval import array_file
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import shipped
    from knowledge.retrieval.passages import Passages

    name = Embedder(config.search.model).name
    path = config.index_folder / array_file.file_name(name)
    again = "they are made at the next start or search, and until then search goes by words."
    known = shipped(name)
    try:
        known |= array_file.read(path, name)
    except FileNotFoundError:
        pass
    except array_file.ArrayFileError as problem:
        return Finding("index", "missing", f"{path} is of no use, {problem}: {again}")
    except OSError as error:
        return Finding("index", "problem", f"{path} cannot be read: {error.strerror}. Delete it: {again}")
    windows = Passages.of(load(config.bank_folder).bank)
    lacking = {windows.owners[at] for at, text in enumerate(windows.texts) if array_file.key(text) not in known}
    if lacking:
        return Finding("index", "missing", f"{_some(len(lacking), 'question')} without vectors: {again}")
    return Finding("index", "ok", f"Vectors of all {_some(len(windows.bank), 'question')} are there.")


async def _inference(config: Config) -> Finding:
    from bot.inference.client import Inference, InferenceUnavailable

    settings, name = config.inference, "inference"
    if not settings.base_url:
        return Finding(name, "off", "Explanations come from the bank. INFERENCE_BASE_URL names a server to write them.")
    server = Inference(settings.base_url, settings.model, config.inference_api_key, first_text=SERVER_DEADLINE)
    try:
        models = [_plain(model) for model in await server.models()]
    except InferenceUnavailable as problem:
        return Finding(name, "problem", f"{settings.place}: {problem}.")
    finally:
        await server.close()
    if not models:
        return Finding(name, "problem", f"{settings.place} names no model. Load one there.")
    shown = ", ".join(models[:5]) + (", ..." if len(models) > 5 else "")
    if settings.model and _plain(settings.model) not in models:
        return Finding(
            name, "problem", f"{settings.place} has no model {settings.model}. Set INFERENCE_MODEL to: {shown}"
        )
    return Finding(name, "ok", f"{settings.place} answers, with {settings.model or models[0]}")


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _plain(name: str) -> str:
    """A server's word, made safe to show."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])


def _discord(config: Config) -> Finding:
    if config.discord_configured:
        return Finding("discord", "ok", "A token is configured.")
    return Finding("discord", "off", "No token. Set DISCORD_TOKEN to study there.")


def _slack(config: Config) -> Finding:
    bot, socket, signing, client, key = (
        secret.get_secret_value()
        for secret in (
            config.slack_bot_token,
            config.slack_app_token,
            config.slack_signing_secret,
            config.slack_client_secret,
            config.secret_key,
        )
    )
    for problem in _slack_problems(config, bot, socket, signing, client, key):
        return Finding("slack", "problem", problem)
    if not config.slack_configured:
        ways = "SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (requests over HTTP)"
        return Finding("slack", "off", f"No token. Set SLACK_BOT_TOKEN and {ways} to study there.")
    who = "A bot token for one workspace is set" if bot else "Any workspace may install the app"
    return Finding("slack", "ok", f"{who}; requests come {'by a socket' if socket else 'over HTTP'}.")


def _slack_problems(config: Config, bot: str, socket: str, signing: str, client: str, key: str) -> Iterator[str]:
    """What to do about it, the gravest first; nothing where Slack is set up or not wanted."""
    if bot.startswith("xoxe"):
        yield (
            "SLACK_BOT_TOKEN ends within 12 hours, since token rotation is on. Make an app from "
            "`studyhall slack manifest` without --many."
        )
    if bot and not bot.startswith("xoxb-"):
        yield "SLACK_BOT_TOKEN begins with xoxb-. Copy it from OAuth & Permissions on the app's pages."
    if socket and not socket.startswith("xapp-"):
        yield "SLACK_APP_TOKEN begins with xapp-. Make one under Basic Information on the app's pages."
    if bot and not (socket or signing):
        yield (
            "There is a bot token, but no way in. Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (requests "
            "over HTTP)."
        )
    if bot:
        return
    needed = {
        "SLACK_CLIENT_ID": config.slack_client_id,
        "SLACK_CLIENT_SECRET": client,
        "STUDYHALL_SECRET_KEY (`studyhall slack key`)": key,
        "SLACK_SIGNING_SECRET": signing,
    }
    if config.slack_client_id or client:
        if lacking := [name for name, value in needed.items() if not value]:
            yield f"For many workspaces something is missing. Set {' and '.join(lacking)}."
        if socket:
            yield "By a socket no workspace can install the app. Unset SLACK_APP_TOKEN."
    elif socket or signing:
        yield "There is a way in, but no bot token. Set SLACK_BOT_TOKEN."
