"""Load `config.toml` and the environment into a `Config`, which is validated, frozen and hides its secrets."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.config import problems as config_problems
from bot.config.sections import (
    SECTIONS,
    BankSettings,
    DiscordSettings,
    InferenceSettings,
    LogSettings,
    MetricsSettings,
    ScheduleSettings,
    SearchSettings,
    SlackSettings,
    StudySettings,
    TerminalSettings,
    WebSettings,
    from_home,
)
from bot.errors import ConfigError, DatabaseError, SetupError

__all__ = ["Config", "Setting", "load", "settings"]

DEFAULT_FILE = Path("config.toml")
VARIABLES = {
    "STUDYHALL_CONFIG": ("file",),
    "STUDYHALL_DATA": ("data",),
    "DATABASE_URL": ("database",),
    "TARGET_DATABASE_URL": ("target_database",),
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
"""The setting of each variable. All other keys have one too, such as STUDYHALL_STUDY__ZONE for [study] zone."""


def _data_folder(folder: Path) -> Path:
    path = from_home(str(folder)).absolute()
    if os.path.exists(path) and not os.path.isdir(path):
        raise ValueError(f"{path} is a file; name a folder, which is created if it's missing")
    return path


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value():
        from bot.store.urls import parse_url  # imports SQLAlchemy, which takes 0.2 s

        try:
            parse_url(url.get_secret_value())
        except DatabaseError as problem:
            raise ValueError(str(problem)) from None
    return url


def _secret_keys(keys: SecretStr) -> SecretStr:
    if keys.get_secret_value():
        from bot.encryption import Vault

        try:
            Vault(keys.get_secret_value())
        except SetupError as problem:
            raise ValueError(str(problem)) from None
    return keys


class Config(BaseModel):
    """All settings. Its repr hides secrets; properties that return one say so."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    study: StudySettings = StudySettings()
    bank: BankSettings = BankSettings()
    search: SearchSettings = SearchSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    inference: InferenceSettings = InferenceSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    web: WebSettings = WebSettings()
    metrics: MetricsSettings = MetricsSettings()
    terminal: TerminalSettings = TerminalSettings()
    log: LogSettings = LogSettings()

    file: Path | None = Field(default=None, description="The settings file; by default config.toml, if there is one.")
    data: Annotated[Path, AfterValidator(_data_folder)] = Field(
        default=Path("data"),
        description="Folder for the database, the index and the log; by default data. It's created if it's missing.",
    )
    database: Annotated[SecretStr, AfterValidator(_database)] = Field(
        default=SecretStr(""), description="URL of the database; by default a SQLite file in the data folder."
    )
    target_database: Annotated[SecretStr, AfterValidator(_database)] = Field(
        default=SecretStr(""), description="URL of the database that `studyhall db copy` copies to."
    )
    inference_key: SecretStr = Field(
        default=SecretStr(""), description="Key for the inference server, if it needs one."
    )
    discord_token: SecretStr = Field(default=SecretStr(""), description="Token of the Discord bot.")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), description="Signing secret of the Slack app.")
    slack_bot_token: SecretStr = Field(default=SecretStr(""), description="Bot token of the Slack app (xoxb-...).")
    slack_app_token: SecretStr = Field(default=SecretStr(""), description="App-level token for Socket Mode (xapp-...).")
    slack_client_id: str = Field(
        default="", description="Client ID of the Slack app, if many workspaces can install it."
    )
    slack_client_secret: SecretStr = Field(default=SecretStr(""), description="Client secret of that Slack app.")
    secret_key: Annotated[SecretStr, AfterValidator(_secret_keys)] = Field(
        default=SecretStr(""),
        description="Key that encrypts the tokens of workspaces; `studyhall slack key` creates one.",
    )

    @property
    def origin(self) -> str:
        """Where the settings come from, in words."""
        return str(self.file) if self.file else "defaults and the environment; there's no config.toml"

    @property
    def database_url(self) -> str:
        """Never show this: it can contain a password."""
        return self.database.get_secret_value() or f"sqlite:///{quote(str(self.data / 'studyhall.db'))}"

    @property
    def inference_api_key(self) -> str:
        """Never show this secret."""
        return self.inference_key.get_secret_value()

    @property
    def bank_folder(self) -> Path:
        """The configured folder of questions, or else the built-in bank."""
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
        """Whether Slack can reach us, and we have a bot token or workspaces can install the app."""
        reachable = self.slack_app_token.get_secret_value() or self.slack_signing_secret.get_secret_value()
        return bool(reachable and (self.slack_bot_token.get_secret_value() or self.slack_installable))

    @property
    def slack_installable(self) -> bool:
        """Whether any workspace can install the app."""
        secrets = (self.slack_client_secret.get_secret_value(), self.secret_key.get_secret_value())
        return bool(self.slack_client_id and all(secrets))

    def secrets(self) -> frozenset[str]:
        """Return every secret in all forms that could appear in a log: URLs whole and in parts, passwords decoded."""
        databases = ("database", "target_database")
        values = [getattr(self, name) for name in Config.model_fields if name not in databases]
        found = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
        found |= {key.strip() for key in self.secret_key.get_secret_value().split(",")}
        for url in (self.database_url, self.target_database.get_secret_value(), self.inference.base_url):
            parts = urlsplit(url)
            user = parts.netloc.rpartition("@")[0]
            if user or parts.query:
                found |= {url, parts.query, user, password := user.partition(":")[2], unquote(password)}
        return frozenset(found - {""})


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as the docs show it. `section` and `key` are "" if it can only be set by a variable."""

    section: str
    key: str
    variable: str
    default: Any
    description: str


def settings() -> Iterator[Setting]:
    """Yield every setting: those of the file in its order, then those that only come from the environment."""
    names = {path: name for name, path in _variables().items()}
    for section, kind in SECTIONS.items():
        for key, field in kind.model_fields.items():
            yield Setting(section, key, names[section, key], field.default, field.description or "")
    for path, name in names.items():
        if len(path) == 1:
            yield Setting("", "", name, "", Config.model_fields[path[0]].description or "")


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Load the file that STUDYHALL_CONFIG names, or else config.toml if there is one; variables override it.

    Empty variables count as unset. Raises ConfigError with a line for each problem.
    """
    known = _variables()
    texts = {name: text for name in environ if (text := environ[name].strip())}
    problems = list(config_problems.unknown_variables(texts, known))
    file, source, table = _read(texts.get("STUDYHALL_CONFIG"), problems)
    variables = {path: name for name, path in known.items() if name in texts and path != ("file",)}
    origin = config_problems.Origin(
        file, source, {path: name for name, path in known.items() if len(path) == 1} | variables
    )
    table, misplaced = config_problems.without_secrets(table, origin)
    problems += [*misplaced, *config_problems.unknown_sections(table, origin)]
    values: dict[str, Any] = {"file": file, **{name: value for name, value in table.items() if name in SECTIONS}}
    if file is not None:
        _resolve_paths(file, values)
    _override(values, {path: texts[name] for path, name in variables.items()})
    config = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += [config_problems.sentence(detail, origin) for detail in details]
    if config is None or problems:
        raise ConfigError("\n".join(problems))
    return config


def _variables() -> dict[str, tuple[str, ...]]:
    """Return what each variable sets: a section's key, or a setting that only comes from the environment."""
    renamed = set(VARIABLES.values())
    keys = [(section, key) for section, kind in SECTIONS.items() for key in kind.model_fields]
    return {f"STUDYHALL_{'__'.join(path)}".upper(): path for path in keys if path not in renamed} | VARIABLES


def _read(name: str | None, problems: list[str]) -> tuple[Path | None, str, dict[str, Any]]:
    """Return the settings file, its text and its table. What's wrong with the file is added to `problems`."""
    if not name and not DEFAULT_FILE.exists():
        return None, "", {}
    file, source = Path(name or DEFAULT_FILE), ""
    try:
        file = from_home(str(file))
        if file.exists() and not file.is_file():
            raise ValueError("isn't a file; STUDYHALL_CONFIG must name one like config.example.toml")
        source = file.read_text(encoding="utf-8-sig")
        return file, source, tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        problems.append(config_problems.not_toml(file, source, error))
    except UnicodeDecodeError:
        problems.append(f"{file} isn't UTF-8 text. Please save it as UTF-8.")
    except FileNotFoundError:
        problems.append(f"STUDYHALL_CONFIG: there's no file {file}. Copy config.example.toml there, or unset it.")
    except OSError as error:
        problems.append(f"Can't read {file}: {error.strerror}.")
    except ValueError as error:
        problems.append(f"{file} {error}.")
    return file, source, {}


def _override(values: dict[str, Any], texts: Mapping[tuple[str, ...], str]) -> None:
    """Override the values from the file with the variables' texts."""
    for (name, *keys), text in texts.items():
        if not keys:
            values[name] = text
            continue
        table = values.get(name)
        values[name] = {**(table if isinstance(table, dict) else {}), keys[0]: _number_or_text(name, keys[0], text)}


def _number_or_text(section: str, key: str, text: str) -> Any:
    """Convert a variable's text if the key takes a number and the text is one."""
    kind = SECTIONS[section].model_fields[key].annotation
    try:
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text


def _resolve_paths(file: Path, values: dict[str, Any]) -> None:
    """Make folders absolute that the file names relative to itself; a model is only a folder if there is one."""
    for section, key, always_folder in (("bank", "folder", True), ("search", "model", False)):
        name = values[section].get(key) if isinstance(values.get(section), dict) else None
        if isinstance(name, str) and name.strip() and not name.startswith("~"):
            folder = file.absolute().parent / name.strip()
            if always_folder or os.path.isdir(folder):
                values[section] = {**values[section], key: str(folder)}
