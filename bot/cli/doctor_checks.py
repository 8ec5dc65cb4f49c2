"""The checks of `studyhall doctor`: each returns one finding, in words that say what to do and show no secret."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.cli.daemon_thread import run_in_daemon_thread
from bot.config.loader import Config
from bot.text.plural import plural

State = Literal["ok", "missing", "problem", "off"]

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
SERVER_TIMEOUT = 10.0
"""Seconds."""
MIN_FREE_BYTES = 500_000_000
"""With less free disk space, the index and the database can't grow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    missing: not there yet, but harmless; problem: `words` say what to do; off: not configured.
    """

    name: str
    state: State
    words: str


def python() -> Finding:
    version = f"Python {platform.python_version()}"
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Finding("python", "ok", version)
    oldest, newest = (".".join(map(str, pair)) for pair in (OLDEST_PYTHON, NEWEST_PYTHON))
    return Finding("python", "problem", f"{version}: Studyhall needs Python {oldest} to {newest}. Please install one.")


def data_folder(folder: Path) -> Finding:
    name = "data folder"
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"test")
    except OSError as error:
        hint = "Give this user write access, or name another folder in STUDYHALL_DATA."
        return Finding(name, "problem", f"Can't write to {existing}: {error.strerror}. {hint}")
    free = shutil.disk_usage(existing).free
    space = f"{free / 1e9:.1f} GB free"
    if free < MIN_FREE_BYTES:
        hint = "Free up some space, or name another folder in STUDYHALL_DATA."
        return Finding(name, "problem", f"{folder}: only {space}. {hint}")
    if existing != folder:
        return Finding(name, "missing", f"{folder} will be created at the first start; {space} there.")
    return Finding(name, "ok", f"{folder}, {space}")


async def database(config: Config) -> Finding:
    from bot.store.engine import Store
    from bot.store.files import refuse_unusable
    from bot.store.revision import revisions
    from bot.store.urls import file_of, parse_url

    file = file_of(parse_url(config.database_url))
    if file is not None:
        refuse_unusable(file)
    if file is not None and not await run_in_daemon_thread(file.exists):
        hint = "`studyhall db upgrade` creates it, and so does the first start."
        return Finding("database", "missing", f"{file} doesn't exist yet: {hint}")
    store = await Store.open(config.database_url)
    try:
        await store.ready()
    finally:
        await store.close()
    return Finding("database", "ok", f"{store.dialect} at {store.name}, revision {revisions()[0]}")


def bank(config: Config) -> Finding:
    from knowledge.format.reader import load

    folder = config.bank_folder
    loaded = load(folder)
    where = f" in {folder}" if config.bank.folder else ""
    if not len(loaded.bank):
        return Finding("bank", "problem", f"There are no usable questions{where}. `studyhall bank check` says why.")
    count = f"{plural(len(loaded.bank), 'question')} on {plural(len(loaded.bank.topics), 'topic')}{where}"
    if loaded.problems:
        files = plural(len({problem.path for problem in loaded.problems}), "file")
        words = (
            f"{count}; {files} skipped, the first because of {loaded.problems[0]}. `studyhall bank check` lists all."
        )
        return Finding("bank", "problem", words)
    return Finding("bank", "ok", count)


def model(setting: str) -> Finding:
    if not setting:
        return _packaged_model()
    folder = Path(setting).expanduser()
    if folder.is_dir():
        if (folder / "config.json").is_file():
            return Finding("model", "ok", f"the folder {folder}")
        return Finding("model", "problem", f"{folder} isn't a model: it has no config.json. Please fix [search] model.")
    if folder.is_absolute() or setting.startswith((".", "~")):
        return Finding("model", "problem", f"There's no folder {folder}. Please fix [search] model.")
    from huggingface_hub import try_to_load_from_cache

    name = setting if "/" in setting else f"sentence-transformers/{setting}"
    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return Finding("model", "ok", f"{setting}, already downloaded")
    return Finding("model", "missing", f"{setting} will be downloaded for the first search, which needs a network.")


def _packaged_model() -> Finding:
    from knowledge.retrieval.models import ModelError
    from knowledge.retrieval.models.packaged import weights

    try:
        return Finding("model", "ok", f"all-MiniLM-L6-v2 in {weights()}, with the right checksum")
    except ModelError as problem:
        return Finding("model", "problem", f"{str(problem).rstrip('.')}.")


def index(config: Config) -> Finding:
    from knowledge.format.reader import load
    from knowledge.retrieval import array_file
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import shipped
    from knowledge.retrieval.passages import Passages

    name = Embedder(config.search.model).name
    path = config.index_folder / array_file.file_name(name)
    hint = "the next start or search creates them, and until then search goes by keywords."
    known = shipped(name)
    try:
        known |= array_file.read(path, name)
    except FileNotFoundError:
        pass
    except array_file.ArrayFileError as problem:
        return Finding("index", "missing", f"The vectors in {path} can't be used ({problem}): {hint}")
    except OSError as error:
        return Finding("index", "problem", f"Can't read the vectors in {path}: {error.strerror}. Delete it: {hint}")
    passages = Passages.of(load(config.bank_folder).bank)
    missing = {passages.owners[at] for at, text in enumerate(passages.texts) if array_file.key(text) not in known}
    if missing:
        return Finding("index", "missing", f"{plural(len(missing), 'question')} without vectors: {hint}")
    return Finding("index", "ok", f"Vectors for {plural(len(passages.bank), 'question')}")


async def inference(config: Config) -> Finding:
    from bot.inference.client import Inference, InferenceError

    settings, name = config.inference, "inference"
    if not settings.base_url:
        hint = "To have a model write them, set INFERENCE_BASE_URL."
        return Finding(name, "off", f"Explanations come from the question bank. {hint}")
    server = Inference(settings.base_url, settings.model, config.inference_api_key, first_text_timeout=SERVER_TIMEOUT)
    try:
        models = [_printable(model) for model in await server.models()]
    except InferenceError as problem:
        return Finding(name, "problem", f"{settings.place}: {problem}.")
    finally:
        await server.close()
    if not models:
        return Finding(name, "problem", f"{settings.place} has no models. Please load one there.")
    if settings.model and _printable(settings.model) not in models:
        available = ", ".join(models[:5]) + (", ..." if len(models) > 5 else "")
        return Finding(
            name, "problem", f"{settings.place} has no model {settings.model}. Set INFERENCE_MODEL to: {available}"
        )
    return Finding(name, "ok", f"{settings.place} works, with {settings.model or models[0]}")


def _printable(name: str) -> str:
    """Make a name from a server safe to show."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])


def operator(config: Config) -> Finding:
    if not (config.discord_configured or config.slack_configured):
        return Finding("operator", "off", "Only matters with Discord or Slack.")
    if config.web.operator and config.web.contact:
        return Finding("operator", "ok", f"{config.web.operator}, {config.web.contact}")
    hint = "The pages /privacy and /terms don't say who runs this bot. Set operator and contact in [web]."
    return Finding("operator", "missing", hint)


def discord(config: Config) -> Finding:
    if config.discord_configured:
        return Finding("discord", "ok", "The token is set.")
    return Finding("discord", "off", "No token. To use Discord, set DISCORD_TOKEN.")


def slack(config: Config) -> Finding:
    for problem in _slack_problems(config):
        return Finding("slack", "problem", problem)
    if not config.slack_configured:
        ways = "SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)"
        return Finding("slack", "off", f"No token. To use Slack, set SLACK_BOT_TOKEN and {ways}.")
    bot_token, app_token = config.slack_bot_token.get_secret_value(), config.slack_app_token.get_secret_value()
    who = "Bot token for one workspace set" if bot_token else "Any workspace can install the app"
    return Finding("slack", "ok", f"{who}; requests come over {'Socket Mode' if app_token else 'HTTP'}.")


def _slack_problems(config: Config) -> Iterator[str]:
    """Yield what to fix, the worst first; nothing if Slack is set up or isn't wanted."""
    bot_token = config.slack_bot_token.get_secret_value()
    app_token = config.slack_app_token.get_secret_value()
    signing_secret = config.slack_signing_secret.get_secret_value()
    client_secret = config.slack_client_secret.get_secret_value()
    if bot_token.startswith("xoxe"):
        yield (
            "SLACK_BOT_TOKEN expires after 12 hours, because token rotation is on. Make an app from "
            "`studyhall slack manifest` without --many."
        )
    if bot_token and not bot_token.startswith("xoxb-"):
        yield "SLACK_BOT_TOKEN must start with xoxb-. Copy it from OAuth & Permissions on the app's pages."
    if app_token and not app_token.startswith("xapp-"):
        yield "SLACK_APP_TOKEN must start with xapp-. Make one under Basic Information on the app's pages."
    if bot_token and not (app_token or signing_secret):
        yield (
            "There's a bot token, but Slack can't reach us. Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET "
            "(HTTP)."
        )
    if bot_token:
        return
    required = {
        "SLACK_CLIENT_ID": config.slack_client_id,
        "SLACK_CLIENT_SECRET": client_secret,
        "STUDYHALL_SECRET_KEY (`studyhall slack key`)": config.secret_key.get_secret_value(),
        "SLACK_SIGNING_SECRET": signing_secret,
    }
    if config.slack_client_id or client_secret:
        if missing := [name for name, value in required.items() if not value]:
            yield f"To serve many workspaces, also set {' and '.join(missing)}."
        if app_token:
            yield "Workspaces can't install the app over Socket Mode. Unset SLACK_APP_TOKEN."
    elif app_token or signing_secret:
        yield "SLACK_BOT_TOKEN is missing. Set it to the app's bot token."
