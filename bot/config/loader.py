"""config.toml and the environment -> `Config`: checked, frozen, and silent about its secrets."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config import problems as config_problems
from bot.config.sections import (
    SECTIONS,
    BankSettings,
    DiscordSettings,
    InferenceSettings,
    LogSettings,
    ScheduleSettings,
    SearchSettings,
    SlackSettings,
    StudySettings,
    TerminalSettings,
    WebSettings,
    from_home,
)
from bot.errors import ConfigError, DatabaseError, SetupError

__all__ = ["Config", "Setting", "described", "load"]

USUAL_FILE = Path("config.toml")
VARIABLES = {
    "STUDYHALL_CONFIG": ("file",),
    "STUDYHALL_DATA": ("data",),
    "DATABASE_URL": ("database",),
    "INFERENCE_BASE_URL": ("inference", "base_url"),
    "INFERENCE_MODEL": ("inference", "model"),
    "INFERENCE_API_KEY": ("inference_key",),
    "DISCORD_TOKEN": ("discord_token",),
    "SLACK_SIGNING_SECRET": ("slack_signing_secret",),
    "SLACK_BOT_TOKEN": ("slack_bot_token",),
    "SLACK_APP_TOKEN": ("slack_app_token",),
    "SLACK_CLIENT_ID": ("slack_client_id",),
    "SLACK_CLIENT_SECRET": ("slack_client_secret",),
    "SLACK_API_URL": ("slack", "api_url"),
    "PORT": ("web", "port"),
    "STUDYHALL_SECRET_KEY": ("secret_key",),
}
"""What each variable sets. All other keys of the file have a variable too: STUDYHALL_STUDY__ZONE for [study] zone."""


def _data_folder(folder: Path) -> Path:
    found = from_home(str(folder)).absolute()
    if os.path.exists(found) and not os.path.isdir(found):
        raise ValueError(f"{found} is a file; name a folder, which is made where it is missing")
    return found


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value():
        from bot.store.urls import parse_url  # sqlalchemy: 0.2 s, only for those who name a database

        try:
            parse_url(url.get_secret_value())
        except DatabaseError as problem:
            raise ValueError(str(problem)) from None
    return url


def _keys(keys: SecretStr) -> SecretStr:
    if keys.get_secret_value():
        from bot.encryption import Vault

        try:
            Vault(keys.get_secret_value())
        except SetupError as problem:
            raise ValueError(str(problem)) from None
    return keys


class Config(BaseSettings):
    """All settings. Secrets show in no representation; the properties that give them away say so."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    study: StudySettings = StudySettings()
    bank: BankSettings = BankSettings()
    search: SearchSettings = SearchSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    inference: InferenceSettings = InferenceSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    web: WebSettings = WebSettings()
    terminal: TerminalSettings = TerminalSettings()
    log: LogSettings = LogSettings()

    file: Path | None = Field(
        default=None, description="The file of settings; by default config.toml, where there is one."
    )
    data: Annotated[Path, AfterValidator(_data_folder)] = Field(
        default=Path("data"),
        description="Folder of the database, the index and the log; by default data, made when missing.",
    )
    database: Annotated[SecretStr, AfterValidator(_database)] = Field(
        default=SecretStr(""), description="The database's URL; by default a SQLite file in the data folder."
    )
    inference_key: SecretStr = Field(
        default=SecretStr(""), description="Key for the inference server, where it wants one."
    )
    discord_token: SecretStr = Field(default=SecretStr(""), description="Token of the Discord bot.")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), description="Signing secret of the Slack app.")
    slack_bot_token: SecretStr = Field(default=SecretStr(""), description="Bot token of the Slack app (xoxb-...).")
    slack_app_token: SecretStr = Field(default=SecretStr(""), description="App-level token for Socket Mode (xapp-...).")
    slack_client_id: str = Field(
        default="", description="Client id of the Slack app, where many workspaces install it."
    )
    slack_client_secret: SecretStr = Field(default=SecretStr(""), description="Client secret of that Slack app.")
    secret_key: Annotated[SecretStr, AfterValidator(_keys)] = Field(
        default=SecretStr(""),
        description="Key by which workspaces' tokens are encrypted; `studyhall slack key` makes one.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A Config made directly takes nothing from this process's environment: `load` does that."""
        return (init_settings,)

    @property
    def origin(self) -> str:
        """Where the settings come from, in words."""
        return str(self.file) if self.file else "no config.toml here: defaults and the environment"

    @property
    def database_url(self) -> str:
        """May hold a password: never to be shown."""
        return self.database.get_secret_value() or f"sqlite:///{quote(str(self.data / 'studyhall.db'))}"

    @property
    def inference_api_key(self) -> str:
        """A secret: never to be shown."""
        return self.inference_key.get_secret_value()

    @property
    def bank_folder(self) -> Path:
        """The operator's own questions, else the built-in bank."""
        from knowledge.format.reader import BUILT_IN

        return Path(self.bank.folder).expanduser() if self.bank.folder else BUILT_IN

    @property
    def index_folder(self) -> Path:
        return self.data / "index"

    @property
    def log_file(self) -> Path:
        return self.data / "studyhall.log"

    @property
    def discord_configured(self) -> bool:
        return bool(self.discord_token.get_secret_value())

    @property
    def slack_configured(self) -> bool:
        """Whether there is a token, or workspaces may bring theirs, and a way in: a socket or requests over HTTP."""
        way_in = self.slack_app_token.get_secret_value() or self.slack_signing_secret.get_secret_value()
        return bool(way_in and (self.slack_bot_token.get_secret_value() or self.slack_open))

    @property
    def slack_open(self) -> bool:
        """Whether any workspace may install the app: a client id, its secret, and a key to keep tokens by."""
        held = (self.slack_client_secret.get_secret_value(), self.secret_key.get_secret_value())
        return bool(self.slack_client_id and all(held))

    def secrets(self) -> frozenset[str]:
        """Every secret as it may turn up in a text, for the log to leave out."""
        held = [getattr(self, name) for name in Config.model_fields if name != "database"]
        found = {secret.get_secret_value() for secret in held if isinstance(secret, SecretStr)}
        for url in (self.database_url, self.inference.base_url):
            parts = urlsplit(url)
            user = parts.netloc.rpartition("@")[0]
            if user or parts.query:
                found |= {url, parts.query, user, password := user.partition(":")[2], unquote(password)}
        return frozenset(found - {""})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the documentation shows it. `section` and `key` are "" where only a variable sets it."""

    section: str
    key: str
    variable: str
    default: Any
    description: str


def described() -> Iterator[Setting]:
    """Every setting: those of the file in its order, then those of the environment alone."""
    names = {path: name for name, path in _variables().items()}
    for section, kind in SECTIONS.items():
        for key, field in kind.model_fields.items():
            yield Setting(section, key, names[section, key], field.default, field.description or "")
    for path, name in names.items():
        if len(path) == 1:
            yield Setting("", "", name, "", Config.model_fields[path[0]].description or "")


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """The environment over the file that STUDYHALL_CONFIG names (else config.toml, where there is one).

    An empty variable is none. Raises one ConfigError with a line for everything that is wrong.
    """
    known = _variables()
    given = {name: text for name in environ if (text := environ[name].strip())}
    problems = list(config_problems.unknown_variables(given, known))
    file, source, table = _read(given.get("STUDYHALL_CONFIG"), problems)
    variables = {path: name for name, path in known.items() if name in given and path != ("file",)}
    origin = config_problems.Origin(file, source, variables)
    table, misplaced = config_problems.without_secrets(table, origin)
    problems += [*misplaced, *config_problems.unknown_sections(table, origin)]
    from_file: dict[str, Any] = {name: value for name, value in table.items() if name in SECTIONS}
    from_environment: dict[str, Any] = {"file": file}
    for path, name in variables.items():
        if len(path) == 2:
            from_environment.setdefault(path[0], {})[path[1]] = _typed(path, given[name])
        else:
            from_environment[path[0]] = given[name]
    if file is not None:
        _seen_from(file, from_file)
    sources = (InitSettingsSource(Config, from_environment), InitSettingsSource(Config, from_file))
    layers: dict[str, Any] = {"_build_sources": (sources, {})}  # no field, so type checkers do not know it
    config = None
    try:
        config = Config(**layers)
    except ValidationError as error:
        problems += [
            config_problems.sentence(one, origin) for one in error.errors(include_url=False, include_input=False)
        ]
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def _variables() -> dict[str, tuple[str, ...]]:
    own = set(VARIABLES.values())
    keys = [(section, key) for section, kind in SECTIONS.items() for key in kind.model_fields]
    return {f"STUDYHALL_{'__'.join(path)}".upper(): path for path in keys if path not in own} | VARIABLES


def _read(named: str | None, problems: list[str]) -> tuple[Path | None, str, dict[str, Any]]:
    """The file, its text and what it says; what is wrong with it is added to `problems`."""
    if not named and not USUAL_FILE.exists():
        return None, "", {}
    file, source = Path(named or USUAL_FILE), ""
    try:
        file = from_home(str(file))
        if file.exists() and not file.is_file():
            raise ValueError("is not a file; STUDYHALL_CONFIG names one like config.example.toml")
        source = file.read_text(encoding="utf-8-sig")
        return file, source, tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        problems.append(config_problems.not_toml(file, source, error))
    except UnicodeDecodeError:
        problems.append(f"{file} is not UTF-8 text. Save it as UTF-8.")
    except FileNotFoundError:
        problems.append(f"STUDYHALL_CONFIG: there is no file {file}. Copy config.example.toml there, or unset it.")
    except OSError as error:
        problems.append(f"{file} cannot be read: {error.strerror}.")
    except ValueError as error:
        problems.append(f"{file} {error}.")
    return file, source, {}


def _typed(path: tuple[str, ...], text: str) -> Any:
    """A variable's text as the number its key wants, where it is one."""
    kind = SECTIONS[path[0]].model_fields[path[1]].annotation
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text


def _seen_from(file: Path, table: dict[str, Any]) -> None:
    """Makes folders that the file names relative to itself absolute; a model's name stays unless there is a folder."""
    for section, key, must in (("bank", "folder", True), ("search", "model", False)):
        name = table[section].get(key) if isinstance(table.get(section), dict) else None
        if isinstance(name, str) and name.strip() and not name.startswith("~"):
            folder = file.absolute().parent / name.strip()
            if must or os.path.isdir(folder):
                table[section] = {**table[section], key: str(folder)}
