"""Say what's wrong with the settings: where it is (file and line, or variable) and what would be right.

No message repeats a value other than a path, because it could be a secret in the wrong place.
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
"""The section and key of a setting, or just its name if it has no section."""

SECRET = re.compile(r"(^|[_-])(token|secret|password|passwd|key|apikey|credentials?|dsn)$|^database(_|\.)ur[il]$", re.I)
SECRET_VARIABLES = {
    "secret_key": "STUDYHALL_SECRET_KEY",
    "client_secret": "SLACK_CLIENT_SECRET",
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
"""The variable for a secret, by the first of these words that its section or key contains."""
EXAMPLE = 'Settings look like zone = "UTC" or threads = 1, below a line with their section, like [study]'


@dataclass(frozen=True, slots=True)
class Origin:
    """Where settings come from: a file with its text, and variables by what they set.

    The variables of settings that can't be in the file are always included.
    """

    file: FilePath | None = None
    source: str = ""
    variables: Mapping[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> str:
        """Return `config.toml, line 7`: where the setting ends. It must be in the file."""
        lines = self.source.split("\n")
        number = next(n for n in range(1, len(lines) + 1) if _sets("\n".join(lines[:n]), path))
        return f"{self.file}, line {number}"

    def place(self, path: Path) -> str:
        """Return the variable of the setting, or `config.toml, line 7, [study] zone`."""
        if variable := self.variables.get(path):
            return variable
        section, *key = path
        return " ".join([f"{self.line(path)}, [{section}]", *key])


def not_toml(file: FilePath, source: str, problem: tomllib.TOMLDecodeError) -> str:
    """Say what tomllib says, with the line first; an unexpected end is in the last line."""
    reason, _, position = str(problem).partition(" (at ")
    found = re.match(r"line (\d+)", position)
    line = int(found[1]) if found else len(source.splitlines())
    return f"{file}, line {line}: this isn't TOML ({reason[0].lower()}{reason[1:]}). {EXAMPLE}."


def without_secrets(table: dict[str, Any], origin: Origin) -> tuple[dict[str, Any], list[str]]:
    """Return the table without its secrets, and a sentence about each."""
    kept, problems = {}, []
    for name, value in table.items():
        if _is_secret((name,)) and not isinstance(value, dict):
            problems.append(_misplaced((name,), origin))
        elif not isinstance(value, dict):
            kept[name] = value
        else:
            secrets = [key for key in value if _is_secret((name, key))]
            problems += [_misplaced((name, key), origin) for key in secrets]
            rest = {key: inner for key, inner in value.items() if key not in secrets}
            if rest or not secrets:
                kept[name] = rest
    url = table.get("inference", {}).get("base_url") if isinstance(table.get("inference"), dict) else None
    if isinstance(url, str) and "@" in url.partition("//")[2].split("/")[0]:
        problems.append(
            f"{origin.place(('inference', 'base_url'))}: the address contains a user or password, and secrets don't "
            f"belong in this file. Put the address in the environment variable INFERENCE_BASE_URL."
        )
        del kept["inference"]["base_url"]
    return kept, problems


def unknown_sections(table: Mapping[str, Any], origin: Origin) -> Iterator[str]:
    """Yield a sentence for each name at the top level of the file that isn't a section."""
    for name, value in table.items():
        if name in SECTIONS:
            continue
        if isinstance(value, dict):
            near = _nearest(name, SECTIONS)
            hint = f"Did you mean [{near}]?" if near else f"The sections are {', '.join(f'[{s}]' for s in SECTIONS)}."
            yield f"{origin.line((name,))}: there's no section [{_short(name)}]. {hint}"
        else:
            homes = [section for section, kind in SECTIONS.items() if name in kind.model_fields]
            hint = f"It belongs under [{homes[0]}]." if homes else "Every setting belongs under its section."
            yield f"{origin.line((name,))}: {_short(name)!r} isn't in a section. {hint}"


def unknown_variables(names: Iterable[str], known: Mapping[str, Path]) -> Iterator[str]:
    """Yield a sentence for each name that looks like a variable of ours but isn't one."""
    for name in names:
        if name.startswith("STUDYHALL_") and name not in known:
            path = tuple(name.removeprefix("STUDYHALL_").lower().split("__"))
            near = next((other for other, target in known.items() if target == path), "") or _nearest(name, known)
            yield f"{_short(name)}: there's no such variable." + (f" Did you mean {near}?" if near else "")


def sentence(error: ErrorDetails, origin: Origin) -> str:
    """Turn one of Pydantic's errors into a sentence."""
    path = tuple(str(part) for part in error["loc"])
    section = SECTIONS.get(path[0])
    match error["type"]:
        case "extra_forbidden" if section is not None:
            near = _nearest(path[1], section.model_fields)
            hint = f"Did you mean {near!r}?" if near else f"Its keys are {', '.join(section.model_fields)}."
            return f"{origin.line(path)}: [{path[0]}] has no key {_short(path[1])!r}. {hint}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{origin.place(path)}: this is a section, not a setting. {EXAMPLE}."
        case "value_error":
            words = str(error["ctx"]["error"]).rstrip(".")
        case _:
            words = _expected(SECTIONS[path[0]].model_fields[path[1]])
    return f"{origin.place(path)}: {words}" + ("" if words.endswith("?") else ".")


def _expected(setting: FieldInfo) -> str:
    """Say which values a setting takes."""
    minimum = next((rule.ge for rule in setting.metadata if isinstance(rule, Ge)), None)
    maximum = next((rule.le for rule in setting.metadata if isinstance(rule, Le)), None)
    max_length = next((rule.max_length for rule in setting.metadata if isinstance(rule, MaxLen)), None)
    kind = setting.annotation or NoneType
    if get_origin(kind) is Literal:
        return f"it must be one of {', '.join(map(repr, get_args(kind)))}".replace("'", '"')
    if kind in (int, float):
        return f"it must be a {'whole ' if kind is int else ''}number from {minimum} to {maximum}"
    text = "it must be text in quotes"
    return f"{text}, up to {max_length} characters" if max_length else f'{text}, like "this"'


def _misplaced(path: Path, origin: Origin) -> str:
    words = ".".join(path).lower()
    variable = next((variable for word, variable in SECRET_VARIABLES.items() if word in words), "")
    where = f"the environment variable {variable}" if variable else "an environment variable"
    return f"{origin.line(path)}: secrets don't belong in this file. Put it in {where} and delete this line."


def _is_secret(path: Path) -> bool:
    return bool(SECRET.search(path[-1]) or SECRET.search(".".join(path)))


def _sets(source: str, path: Path) -> bool:
    """Return whether this beginning of a file is valid and sets the path; a value can continue on the next line."""
    try:
        table: Any = tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        return False
    for name in path:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def _short(name: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", name[:40])
