"""Every setting of config.toml: what it is for, its default, and what it may be. `bot.config` reads them."""

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

NARROWEST = 20
LIKE_A_SERVER = "it should look like http://localhost:8000/v1"


def _line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise ValueError("a line break or control character does not belong here")
    return text.strip()


def _zone(name: str) -> str:
    try:
        if name != "localtime":  # a zone to the system, but another one on each machine
            return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    folded = {zone.casefold(): zone for zone in available_timezones() - {"localtime"}}
    near = difflib.get_close_matches(name.strip().replace(" ", "_").casefold(), folded, n=1, cutoff=0.7)
    hint = f' Did you mean "{folded[near[0]]}"?' if near else ' Zones have names like "Europe/Berlin" or "UTC".'
    raise ValueError(f"there is no such time zone.{hint}")


def _time(value: Any) -> time:
    if isinstance(value, str) and (found := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None and value == value.replace(second=0, microsecond=0):
        return value
    raise ValueError('it is a time of day from "00:00" to "23:59", like "17:00"')


def from_home(name: str) -> Path:
    """The path, with a leading ~ made the home folder."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ValueError("there is no home folder for the user after the ~") from None


def _folder(name: str) -> str:
    if name and not os.path.isdir(from_home(name)):
        raise ValueError(f"there is no folder at {from_home(name)}")
    return name


def _width(columns: int) -> int:
    if columns and columns < NARROWEST:
        raise ValueError(f"it is 0, for the terminal's own width, or at least {NARROWEST}")
    return columns


def _guild(id: str) -> str:
    if id and not re.fullmatch(r"[0-9]{15,20}", id):
        raise ValueError('it is the id of a server, 17 to 20 digits in quotes, or "" for none')
    return id


def _shards(text: str) -> str:
    text = text.replace(" ", "")
    ranges = [re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part) for part in text.split(",")]
    if text and not all(found and int(found[1]) <= int(found[2] or found[1]) for found in ranges):
        raise ValueError('it is numbers of shards, like "0-3" or "0,2", or "" for all of them')
    return text


def _server(url: str) -> str:
    """Never repeats the URL: it may hold a password."""
    if not url:
        return url
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.fragment or re.search(r"\s", url):
        raise ValueError(f"this is not the address of an HTTP server: {LIKE_A_SERVER}")
    return url


def _web_api(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError('it is the base of a Web API, like "https://slack.com/api/"')
    return url.rstrip("/") + "/"


Line = Annotated[str, AfterValidator(_line)]


class Section(BaseModel):
    """Keys of one table of the file; strict, so that "3" is not a number and true is not 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class StudySettings(Section):
    """How questions are asked and answered."""

    zone: Annotated[Line, AfterValidator(_zone)] = Field(
        default="UTC", description="The time zone of a new workspace, by its IANA name, such as Europe/Berlin."
    )
    reveal: Annotated[time, BeforeValidator(_time)] = Field(
        default=time(17), description="When the answer to a daily question is told, where a schedule says nothing else."
    )
    late_hours: int = Field(
        default=12, ge=1, le=48, description="Hours after its time up to which a missed daily question is still posted."
    )


class BankSettings(Section):
    """Where the questions come from."""

    folder: Annotated[Line, AfterValidator(_folder)] = Field(
        default="", description="A folder of questions of your own, seen from this file; empty for the built-in bank."
    )


class SearchSettings(Section):
    """How questions are found."""

    model: Line = Field(
        default="",
        description="An embedding model: a folder, or a name on a model hub; empty for the one that is installed.",
    )
    threads: int = Field(default=1, ge=1, le=64, description="Processor threads for the embedding model.")


class ScheduleSettings(Section):
    """The clockwork behind daily questions."""

    sweep_seconds: int = Field(default=5, ge=1, le=60, description="Seconds between two looks at what is due.")


class InferenceSettings(Section):
    """The server that writes explanations; without one they come from the bank."""

    base_url: Annotated[Line, AfterValidator(_server)] = Field(
        default="",
        repr=False,
        description="Address of an OpenAI-compatible server, such as http://localhost:8000/v1; empty for none.",
    )
    model: Line = Field(default="", description="The model to ask for; empty for the first one that the server names.")
    first_text_seconds: float = Field(
        default=20.0,
        ge=0.1,
        le=600,
        allow_inf_nan=False,
        description="Seconds until the first words, before the bank answers.",
    )
    whole_seconds: float = Field(
        default=120.0,
        ge=0.1,
        le=3600,
        allow_inf_nan=False,
        description="Seconds until an explanation has to be complete.",
    )
    at_once: int = Field(default=4, ge=1, le=256, description="Explanations that are written at the same time.")
    longest_tokens: int = Field(default=700, ge=16, le=32768, description="Tokens that an explanation may have.")

    @property
    def place(self) -> str:
        """The server's address in words that may be shown: without user, password and query."""
        parts = urlsplit(self.base_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}" if self.base_url else ""

    @field_serializer("base_url")
    def _shown(self, url: str) -> str:
        return self.place

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.whole_seconds < self.first_text_seconds:
            raise ValueError("whole_seconds is at least as long as first_text_seconds")
        return self


class DiscordSettings(Section):
    """The bot on Discord."""

    dev_guild: Annotated[Line, AfterValidator(_guild)] = Field(
        default="", description="The id of one server, to which alone commands are registered; empty for all servers."
    )
    shard_count: int = Field(
        default=0, ge=0, le=1000, description="Shards of all replicas together; 0 for as many as Discord advises."
    )
    shards: Annotated[Line, AfterValidator(_shards)] = Field(
        default="", description="The shards of this replica, like 0-3 or 0,2; empty for all of them."
    )

    @property
    def guild(self) -> int | None:
        """The server for development, or None."""
        return int(self.dev_guild) if self.dev_guild else None

    @property
    def shard_total(self) -> int | None:
        """How many shards there are, or None for as many as Discord advises."""
        return self.shard_count or None

    @property
    def shard_ids(self) -> list[int] | None:
        """The shards of this replica in order, or None for all of them."""
        ranges = [part.partition("-") for part in self.shards.split(",")] if self.shards else []
        return sorted({n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)}) or None

    @model_validator(mode="after")
    def _of_a_whole(self) -> Self:
        if self.shards and not self.shard_count:
            raise ValueError("shards is a part of all; shard_count says how many those are")
        if max(self.shard_ids or [0]) > max(self.shard_count - 1, 0):
            raise ValueError(f"shards has numbers from 0 to {self.shard_count - 1}, one less than shard_count")
        return self


class SlackSettings(Section):
    """The app on Slack."""

    api_url: Annotated[Line, AfterValidator(_web_api)] = Field(
        default="https://slack.com/api/", description="The Web API's base, which is another one for GovSlack."
    )


class WebSettings(Section):
    """The web application, which runs wherever a platform is served."""

    host: Annotated[Line, Field(min_length=1, max_length=253)] = Field(
        default="127.0.0.1", description="The address to listen at; 0.0.0.0 for all of this machine."
    )
    port: int = Field(default=3000, ge=0, le=65535, description="The port there; 0 for any that is free.")


class TerminalSettings(Section):
    """The study room in the terminal."""

    name: Annotated[Line, Field(max_length=80)] = Field(
        default="", description="The name you study under; empty for that of the system's user."
    )
    width: Annotated[int, AfterValidator(_width)] = Field(
        default=0, ge=0, le=500, description="Columns to write in; 0 for the terminal's own width."
    )


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least grave events to log."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="console is for people, json for programs; auto is console on a terminal, else json.",
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
    "terminal": TerminalSettings,
    "log": LogSettings,
}
"""In the order of config.example.toml and of the documentation."""
