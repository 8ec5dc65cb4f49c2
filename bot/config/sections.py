"""Define the settings of config.toml: their defaults, their descriptions, and which values they take."""

from __future__ import annotations

import difflib
import os
import re
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

MIN_WIDTH = 20


def _line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise ValueError("it can't contain line breaks or control characters")
    return text.strip()


def _zone(name: str) -> str:
    try:
        if name != "localtime":  # the system knows it, but it's a different zone on each machine
            return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    folded = {zone.casefold(): zone for zone in available_timezones() - {"localtime"}}
    near = difflib.get_close_matches(name.strip().replace(" ", "_").casefold(), folded, n=1, cutoff=0.7)
    hint = f' Did you mean "{folded[near[0]]}"?' if near else ' Time zones have names like "Europe/Berlin" or "UTC".'
    raise ValueError(f"there's no such time zone.{hint}")


def _time(value: Any) -> time:
    if isinstance(value, str) and (found := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None and value == value.replace(second=0, microsecond=0):
        return value
    raise ValueError('it must be a time from "00:00" to "23:59", like "17:00"')


def from_home(name: str) -> Path:
    """Return the path, with a leading ~ expanded. Raises ValueError if that user has no home folder."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ValueError("the user after the ~ has no home folder") from None


def _folder(name: str) -> str:
    if name and not os.path.isdir(from_home(name)):
        raise ValueError(f"there's no folder {from_home(name)}")
    return name


def _width(columns: int) -> int:
    if columns and columns < MIN_WIDTH:
        raise ValueError(f"it must be at least {MIN_WIDTH}, or 0 for the width of the terminal")
    return columns


def _server_id(text: str) -> str:
    if text and not re.fullmatch(r"[0-9]{15,20}", text):
        raise ValueError('it must be a server ID, which has 17 to 20 digits in quotes, or "" for none')
    return text


def _shards(text: str) -> str:
    text = text.replace(" ", "")
    ranges = [re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part) for part in text.split(",")]
    if text and not all(found and int(found[1]) <= int(found[2] or found[1]) for found in ranges):
        raise ValueError('it must be shard numbers, like "0-3" or "0,2", or "" for all shards')
    return text


def _server_url(url: str) -> str:
    """Check the URL without repeating it, because it can contain a password."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.fragment or re.search(r"\s", url):
        raise ValueError("it must be the address of an HTTP server, like http://localhost:8000/v1")
    return url


def _web_api_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError('it must be the base URL of a Web API, like "https://slack.com/api/"')
    return url.rstrip("/") + "/"


Line = Annotated[str, AfterValidator(_line)]


class Section(BaseModel):
    """A table of the file. It's strict: "3" isn't a number, and true isn't 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class StudySettings(Section):
    """How questions are asked and answered."""

    zone: Annotated[Line, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of new workspaces, such as Europe/Berlin."
    )
    reveal: Annotated[time, BeforeValidator(_time)] = Field(
        default=time(17),
        description="When the answer to a daily question is posted, unless its schedule says otherwise.",
    )
    late_hours: int = Field(
        default=12, ge=1, le=48, description="How many hours late a missed daily question can still be posted."
    )


class BankSettings(Section):
    """Where the questions come from."""

    folder: Annotated[Line, AfterValidator(_folder)] = Field(
        default="", description="Folder of your own questions, relative to this file; empty for the built-in bank."
    )


class SearchSettings(Section):
    """How questions are found."""

    model: Line = Field(
        default="",
        description="Embedding model: a folder, or a name on a model hub; empty for the built-in one.",
    )
    threads: int = Field(default=1, ge=1, le=64, description="CPU threads for the embedding model.")


class ScheduleSettings(Section):
    """The scheduler of daily questions."""

    sweep_seconds: int = Field(default=5, ge=1, le=60, description="Seconds between checks for what's due.")


class InferenceSettings(Section):
    """The server that writes explanations; without one, they come from the bank."""

    base_url: Annotated[Line, AfterValidator(_server_url)] = Field(
        default="",
        repr=False,
        description="URL of an OpenAI-compatible server, such as http://localhost:8000/v1; empty for none.",
    )
    model: Line = Field(default="", description="Model to use; empty for the first one that the server lists.")
    first_text_seconds: float = Field(
        default=20.0,
        ge=0.1,
        le=600,
        allow_inf_nan=False,
        description="Seconds to wait for the first words before using the bank's text instead.",
    )
    whole_seconds: float = Field(
        default=120.0,
        ge=0.1,
        le=3600,
        allow_inf_nan=False,
        description="Seconds in which an explanation must be complete.",
    )
    at_once: int = Field(default=4, ge=1, le=256, description="How many explanations can be written at the same time.")
    longest_tokens: int = Field(
        default=700, ge=16, le=32768, description="Maximum length of an explanation, in tokens."
    )

    @property
    def place(self) -> str:
        """The server's URL without user, password and query, so it can be shown."""
        parts = urlsplit(self.base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}" if self.base_url else ""

    @field_serializer("base_url")
    def _shown(self, _url: str) -> str:
        return self.place

    @model_validator(mode="after")
    def _total_covers_first_text(self) -> Self:
        if self.whole_seconds < self.first_text_seconds:
            raise ValueError("whole_seconds can't be less than first_text_seconds")
        return self


class DiscordSettings(Section):
    """The bot on Discord."""

    dev_guild: Annotated[Line, AfterValidator(_server_id)] = Field(
        default="",
        description="ID of a server for development, the only one that gets the commands; empty for all servers.",
    )
    shard_count: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Total number of shards across all replicas; 0 for as many as Discord recommends.",
    )
    shards: Annotated[Line, AfterValidator(_shards)] = Field(
        default="", description="Shards of this replica, like 0-3 or 0,2; empty for all of them."
    )

    @property
    def guild(self) -> int | None:
        """The server for development, or None."""
        return int(self.dev_guild) if self.dev_guild else None

    @property
    def shard_total(self) -> int | None:
        """The total number of shards, or None for as many as Discord recommends."""
        return self.shard_count or None

    @property
    def shard_ids(self) -> list[int] | None:
        """The shards of this replica, sorted, or None for all of them."""
        ranges = [part.partition("-") for part in self.shards.split(",")] if self.shards else []
        return sorted({n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)}) or None

    @model_validator(mode="after")
    def _shards_within_count(self) -> Self:
        if self.shards and not self.shard_count:
            raise ValueError("if you set shards, also set shard_count, the total number")
        if max(self.shard_ids or [0]) > max(self.shard_count - 1, 0):
            raise ValueError(
                f"shards can only have numbers from 0 to {self.shard_count - 1}, one less than shard_count"
            )
        return self


class SlackSettings(Section):
    """The app on Slack."""

    api_url: Annotated[Line, AfterValidator(_web_api_url)] = Field(
        default="https://slack.com/api/", description="Base URL of the Web API; GovSlack has a different one."
    )


class WebSettings(Section):
    """The web server, which runs with Discord and Slack."""

    host: Annotated[Line, Field(min_length=1, max_length=253)] = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for all addresses of this machine."
    )
    port: int = Field(default=3000, ge=0, le=65535, description="Port to listen on; 0 for any free port.")
    operator: Annotated[Line, Field(max_length=200)] = Field(
        default="", description="Who runs this bot, as /privacy and /terms say it: a name or a company's."
    )
    contact: Annotated[Line, Field(max_length=200)] = Field(
        default="", description="How to reach whoever runs this bot, on the same pages: an email address or a page."
    )


class MetricsSettings(Section):
    """Metrics for Prometheus, at /metrics on an address of their own."""

    host: Annotated[Line, Field(min_length=1, max_length=253)] = Field(
        default="127.0.0.1",
        description="Address to listen on; with any other, whoever can reach it can read the metrics.",
    )
    port: int = Field(default=9464, ge=0, le=65535, description="Port to listen on; 0 for any free port.")


class TerminalSettings(Section):
    """The study room in the terminal."""

    name: Annotated[Line, Field(max_length=80)] = Field(
        default="", description="Your name in the study room; empty for your user name on this computer."
    )
    width: Annotated[int, AfterValidator(_width)] = Field(
        default=0, ge=0, le=500, description="Columns to use; 0 for the width of the terminal."
    )


class LogSettings(Section):
    """What gets logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of events to log."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="console is for people, json for programs; auto is console on a terminal, or else json.",
    )


SECTIONS: dict[str, type[Section]] = {
    "study": StudySettings,
    "bank": BankSettings,
    "search": SearchSettings,
    "schedule": ScheduleSettings,
    "inference": InferenceSettings,
    "discord": DiscordSettings,
    "slack": SlackSettings,
    "web": WebSettings,
    "metrics": MetricsSettings,
    "terminal": TerminalSettings,
    "log": LogSettings,
}
"""In the order of config.example.toml and the docs."""
