"""Mistakes in the configuration, in words that name the file and line or the variable, and say what would be right.

No value is repeated: somebody may have put a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.config.sections import SECTIONS

Path = tuple[str, ...]
"""Where a setting is: its section and key, or its own name."""

SECRET = re.compile(r"(^|[_-])(token|secret|password|passwd|key|apikey|credentials?|dsn)$|^database(_|\.)ur[il]$", re.I)
HOLDERS = {
    "discord": "DISCORD_TOKEN",
    "signing": "SLACK_SIGNING_SECRET",
    "app": "SLACK_APP_TOKEN",
    "slack": "SLACK_BOT_TOKEN",
    "database": "DATABASE_URL",
    "postgres": "DATABASE_URL",
    "dsn": "DATABASE_URL",
    "inference": "INFERENCE_API_KEY",
    "openai": "INFERENCE_API_KEY",
    "key": "INFERENCE_API_KEY",
}
"""The variable for a secret, by the first of these words that its section or key holds."""
EXAMPLE = 'Settings look like zone = "UTC" or threads = 1, under a line with their section, like [study]'


@dataclass(frozen=True, slots=True)
class Origin:
    """Where settings were read: the file, under the name it was called by, and the variables by what they set."""

    file: FilePath | None = None
    source: str = ""
    variables: Mapping[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> str:
        """`config.toml, line 7`."""
        lines = self.source.splitlines()
        for number in range(1, len(lines) + 1):
            try:
                table = tomllib.loads("\n".join(lines[:number]))
            except tomllib.TOMLDecodeError:  # the line before the end of a value that takes several
                continue
            if _holds(table, path):
                return f"{self.file}, line {number}"
        return str(self.file)

    def place(self, path: Path) -> str:
        """The variable that holds the setting, or `config.toml, line 7, [study] zone`."""
        if variable := self.variables.get(path):
            return variable
        section, *key = path
        return " ".join([f"{self.line(path)}, [{section}]", *key])


def not_toml(file: FilePath, source: str, problem: tomllib.TOMLDecodeError) -> str:
    """What tomllib says, with the line in front."""
    what, _, where = str(problem).partition(" (at ")
    found = re.match(r"line (\d+)", where)
    line = int(found[1]) if found else len(source.splitlines())
    return f"{file}, line {line}: this is not TOML ({what[0].lower()}{what[1:]}). {EXAMPLE}."


def without_secrets(table: dict[str, Any], origin: Origin) -> tuple[dict[str, Any], list[str]]:
    """The table without its secrets, and a sentence for each."""
    kept, problems = {}, []
    for name, value in table.items():
        if _secret((name,)) and not isinstance(value, dict):
            problems.append(_misplaced((name,), origin))
        elif not isinstance(value, dict):
            kept[name] = value
        else:
            secrets = [key for key in value if _secret((name, key))]
            problems += [_misplaced((name, key), origin) for key in secrets]
            rest = {key: inner for key, inner in value.items() if key not in secrets}
            if rest or not secrets:
                kept[name] = rest
    url = table.get("inference", {}).get("base_url") if isinstance(table.get("inference"), dict) else None
    if isinstance(url, str) and "@" in url.partition("//")[2].split("/")[0]:
        problems.append(
            f"{origin.place(('inference', 'base_url'))}: the address holds a user or password, and secrets do not "
            f"belong in this file. Put the address in the environment variable INFERENCE_BASE_URL."
        )
        del kept["inference"]["base_url"]
    return kept, problems


def unknown_sections(table: Mapping[str, Any], origin: Origin) -> Iterator[str]:
    """A sentence for each name at the top of the file that is no section."""
    for name, value in table.items():
        if name in SECTIONS:
            continue
        if isinstance(value, dict):
            near = _nearest(name, SECTIONS)
            hint = f"Did you mean [{near}]?" if near else f"There are {', '.join(f'[{one}]' for one in SECTIONS)}."
            yield f"{origin.line((name,))}: there is no section [{_short(name)}]. {hint}"
        else:
            homes = [section for section, kind in SECTIONS.items() if name in kind.model_fields]
            hint = f"It belongs under [{homes[0]}]." if homes else "Every setting belongs under its section."
            yield f"{origin.line((name,))}: {_short(name)!r} stands outside of any section. {hint}"


def unknown_variables(names: Iterable[str], known: Mapping[str, Path]) -> Iterator[str]:
    """A sentence for each name that looks like a setting's but is none."""
    for name in names:
        if name.startswith("STUDYHALL_") and name not in known:
            path = tuple(name.removeprefix("STUDYHALL_").lower().split("__"))
            near = next((one for one, its in known.items() if its == path), "") or _nearest(name, known)
            yield f"{_short(name)}: there is no such variable." + (f" Did you mean {near}?" if near else "")


def sentence(error: ErrorDetails, origin: Origin) -> str:
    """One of pydantic's errors in our words."""
    path = tuple(str(part) for part in error["loc"])
    section = SECTIONS.get(path[0])
    match error["type"]:
        case "extra_forbidden" if section is not None:
            near = _nearest(path[1], section.model_fields)
            hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(section.model_fields)}."
            return f"{origin.line(path)}: [{path[0]}] has no key {_short(path[1])!r}. {hint}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{origin.place(path)}: this is a section of settings, not a setting. {EXAMPLE}."
        case "value_error":
            words = str(error["ctx"]["error"]).rstrip(".")
        case _ if section is not None and path[1:]:
            words = _wanted(section.model_fields[path[1]])
        case _:
            words = error["msg"]
    return f"{origin.place(path)}: {words}" + ("" if words.endswith("?") else ".")


def _wanted(setting: FieldInfo) -> str:
    least = next((one.ge for one in setting.metadata if isinstance(one, Ge)), None)
    most = next((one.le for one in setting.metadata if isinstance(one, Le)), None)
    longest = next((one.max_length for one in setting.metadata if isinstance(one, MaxLen)), None)
    kind = setting.annotation or NoneType
    if get_origin(kind) is Literal:
        return f"it is one of {', '.join(map(repr, get_args(kind)))}".replace("'", '"')
    if kind in (int, float):
        return f"it is a {'whole ' if kind is int else ''}number from {least} to {most}"
    return f"it is text in quotes, of at most {longest} characters" if longest else 'it is text in quotes, like "this"'


def _misplaced(path: Path, origin: Origin) -> str:
    words = ".".join(path).lower()
    holder = next((variable for word, variable in HOLDERS.items() if word in words), "")
    where = f"the environment variable {holder}" if holder else "an environment variable"
    return f"{origin.line(path)}: a secret does not belong in this file. Put it in {where} and delete this line."


def _secret(path: Path) -> bool:
    return bool(SECRET.search(path[-1]) or SECRET.search(".".join(path)))


def _holds(table: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def _short(name: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", name[:40])
