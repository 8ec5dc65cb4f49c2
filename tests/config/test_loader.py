"""Settings: where they come from, which one wins, and how mistakes are reported."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config.loader import Config, load, settings
from bot.config.sections import SECTIONS
from bot.errors import ConfigError
from bot.store.urls import file_of, parse_url

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SECRETS = {
    "DATABASE_URL": "postgresql://ada:p%40ssw0rd-database@db.example/study",
    "TARGET_DATABASE_URL": "postgresql://ada:p%40ssw0rd-target@db.example/study",
    "INFERENCE_BASE_URL": "https://ada:passw0rd-inference@gpu.example:8443/v1",
    "INFERENCE_API_KEY": "sk-key-of-inference",
    "DISCORD_TOKEN": "token-of-discord",
    "SLACK_SIGNING_SECRET": "secret-of-slack",
    "SLACK_BOT_TOKEN": "xoxb-bot-token",
    "SLACK_APP_TOKEN": "xapp-app-token",
    "SLACK_CLIENT_SECRET": "client-secret-of-slack",
    "STUDYHALL_SECRET_KEY": "oWkGy2gLXbyQEvHq6p5nqNlY1g1G0vXQ1wqJ6g0T8aE=",
}
PARTS = ("ssw0rd", "key-of", "token-of", "secret-of", "xoxb-", "xapp-")

Read = Callable[..., Config]
Refused = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Read:
    """Load this text as config.toml, and these variables."""

    def reading(toml: str = "", **environ: str) -> Config:
        if toml:
            (folder / "config.toml").write_text(toml, encoding="utf-8")
        return load(environ)

    return reading


@pytest.fixture
def refused(read: Read) -> Refused:
    """Return the lines of the error that loading raises."""

    def reading(toml: str = "", **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(toml, **environ)
        return str(caught.value).splitlines()

    return reading


def test_without_a_file_everything_has_its_default(folder: Path) -> None:
    config = load({})

    assert (config.study.zone, config.study.reveal, config.study.late_hours) == ("UTC", time(17), 12)
    assert config.data == folder / "data"
    assert config.database_url == f"sqlite:///{folder}/data/studyhall.db"
    assert config.file is None
    assert (config.discord_configured, config.slack_configured) == (False, False)


def test_the_example_has_exactly_the_defaults(read: Read) -> None:
    given = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))

    assert list(given) == list(SECTIONS)
    assert {name: list(keys) for name, keys in given.items()} == {
        name: list(kind.model_fields) for name, kind in SECTIONS.items()
    }
    config, plain = read(EXAMPLE.read_text(encoding="utf-8")), Config()
    for section in SECTIONS:
        assert getattr(config, section) == getattr(plain, section), section
        for key, value in given[section].items():
            default = getattr(getattr(plain, section), key)
            assert value == (default.strftime("%H:%M") if isinstance(default, time) else default), key


def test_every_setting_is_described_and_has_a_variable() -> None:
    found = list(settings())

    assert all(setting.description.endswith(".") for setting in found)
    assert len({setting.variable for setting in found}) == len(found)
    assert [(s.section, s.key) for s in found if s.section] == [
        (section, key) for section, kind in SECTIONS.items() for key in kind.model_fields
    ]
    assert {s.variable for s in found if not s.section} == {
        "STUDYHALL_CONFIG", "STUDYHALL_DATA", "SLACK_CLIENT_ID", *SECRETS.keys() - {"INFERENCE_BASE_URL"}
    }  # fmt: skip


def test_the_file_is_read(read: Read) -> None:
    config = read('[study]\nzone = "Europe/Berlin"\nreveal = "9:30"\n[inference]\nat_once = 9\nwhole_seconds = 60')

    assert config.study.zone == "Europe/Berlin"
    assert config.study.reveal == time(9, 30)
    assert config.inference.at_once == 9
    assert config.inference.whole_seconds == 60
    assert config.origin == "config.toml"


def test_the_environment_wins_over_the_file(read: Read) -> None:
    config = read(
        '[inference]\nbase_url = "http://file/v1"\nmodel = "of-the-file"\nat_once = 2\n[study]\nlate_hours = 3',
        INFERENCE_BASE_URL="http://environment/v1",
        STUDYHALL_STUDY__LATE_HOURS="7",
        STUDYHALL_INFERENCE__WHOLE_SECONDS="90.5",
    )

    assert config.inference.base_url == "http://environment/v1"
    assert config.inference.model == "of-the-file"
    assert config.inference.at_once == 2
    assert config.inference.whole_seconds == 90.5
    assert config.study.late_hours == 7


def test_an_empty_variable_counts_as_unset(read: Read) -> None:
    config = read('[inference]\nmodel = "mine"', INFERENCE_MODEL=" ", STUDYHALL_CONFIG="", DISCORD_TOKEN="\n")

    assert config.inference.model == "mine"
    assert not config.discord_configured


def test_another_file_can_be_named(folder: Path) -> None:
    (folder / "other.toml").write_text("[search]\nthreads = 2\n", encoding="utf-8-sig")

    assert load({"STUDYHALL_CONFIG": "other.toml"}).search.threads == 2


def test_a_folder_of_questions_is_relative_to_the_file(folder: Path) -> None:
    (folder / "etc" / "questions").mkdir(parents=True)
    (folder / "etc" / "mine.toml").write_text('[bank]\nfolder = "questions"\n[search]\nmodel = "org/model"')

    config = load({"STUDYHALL_CONFIG": "etc/mine.toml"})

    assert config.bank.folder == str(folder / "etc" / "questions")
    assert config.search.model == "org/model"


def test_a_data_folder_can_have_special_characters(folder: Path) -> None:
    config = load({"STUDYHALL_DATA": "a b%20?#&"})

    assert file_of(parse_url(config.database_url)) == folder / "a b%20?#&" / "studyhall.db"


def test_slack_needs_a_bot_token_and_socket_mode_or_http(read: Read) -> None:
    assert not read(SLACK_BOT_TOKEN="x").slack_configured
    assert not read(SLACK_APP_TOKEN="x", SLACK_SIGNING_SECRET="x").slack_configured
    assert read(SLACK_BOT_TOKEN="x", SLACK_APP_TOKEN="x").slack_configured
    assert read(SLACK_BOT_TOKEN="x", SLACK_SIGNING_SECRET="x").slack_configured


def test_a_replica_on_discord_has_its_shards(read: Read) -> None:
    plain, one = read().discord, read('[discord]\ndev_guild = "613425648685547541"\nshard_count = 8').discord
    assert (plain.guild, plain.shard_total, plain.shard_ids) == (None, None, None)
    assert (one.guild, one.shard_total, one.shard_ids) == (613425648685547541, 8, None)

    environment = {"STUDYHALL_DISCORD__SHARD_COUNT": "8", "STUDYHALL_DISCORD__SHARDS": "7, 0-2,2"}
    assert read(**environment).discord.shard_ids == [0, 1, 2, 7]


def test_settings_cannot_be_changed_once_loaded() -> None:
    config = load({})

    for section, key in ((config.study, "zone"), (config, "database")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, "Asia/Tokyo")


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ('[study]\nzonee = "UTC"', "config.toml, line 2: [study] has no key 'zonee'. Did you mean 'zone'?"),
        (
            "[search]\nthreads = 1\nzz = 2",
            "config.toml, line 3: [search] has no key 'zz'. Its keys are model, threads.",
        ),
        ("[studdy]\nzone = 1", "config.toml, line 1: there's no section [studdy]. Did you mean [study]?"),
        ('zone = "UTC"', "config.toml, line 1: 'zone' isn't in a section. It belongs under [study]."),
        (
            '[study]\nzone = "Europe/Berlni"',
            'config.toml, line 2, [study] zone: there\'s no such time zone. Did you mean "Europe/Berlin"?',
        ),
        (
            '[study]\nzone = "!?"',
            "config.toml, line 2, [study] zone: there's no such time zone. Time zones have names like "
            '"Europe/Berlin" or "UTC".',
        ),
        (
            '[study]\nreveal = "25:00"',
            'config.toml, line 2, [study] reveal: it must be a time from "00:00" to "23:59", like "17:00".',
        ),
        (
            "[study]\n\nlate_hours = true",
            "config.toml, line 3, [study] late_hours: it must be a whole number from 1 to 48.",
        ),
        (
            '[study]\nlate_hours = "5"',
            "config.toml, line 2, [study] late_hours: it must be a whole number from 1 to 48.",
        ),
        (
            "[study]\nlate_hours = 49",
            "config.toml, line 2, [study] late_hours: it must be a whole number from 1 to 48.",
        ),
        ("[search]\nmodel = 5", 'config.toml, line 2, [search] model: it must be text in quotes, like "this".'),
        (
            '[log]\nlevel = "warn"',
            'config.toml, line 2, [log] level: it must be one of "debug", "info", "warning", "error".',
        ),
        (
            "[inference]\nwhole_seconds = nan",
            "config.toml, line 2, [inference] whole_seconds: it must be a number from 0.1 to 3600.",
        ),
        (
            "[inference]\nwhole_seconds = 1",
            "config.toml, line 1, [inference]: whole_seconds can't be less than first_text_seconds.",
        ),
        (
            "[terminal]\nwidth = 7",
            "config.toml, line 2, [terminal] width: it must be at least 20, or 0 for the width of the terminal.",
        ),
        (
            '[discord]\ndev_guild = "Readers"',
            "config.toml, line 2, [discord] dev_guild: it must be a server ID, which has 17 to 20 digits in quotes, or "
            '"" for none.',
        ),
        (
            "[discord]\ndev_guild = 6",
            'config.toml, line 2, [discord] dev_guild: it must be text in quotes, like "this".',
        ),
        (
            "[discord]\nshard_count = 1001",
            "config.toml, line 2, [discord] shard_count: it must be a whole number from 0 to 1000.",
        ),
        (
            '[discord]\nshard_count = 4\nshards = "0,3-1"',
            'config.toml, line 3, [discord] shards: it must be shard numbers, like "0-3" or "0,2", or "" for all '
            "shards.",
        ),
        (
            '[discord]\nshards = "0-3"',
            "config.toml, line 1, [discord]: if you set shards, also set shard_count, the total number.",
        ),
        (
            '[discord]\nshard_count = 4\nshards = "2-4"',
            "config.toml, line 1, [discord]: shards can only have numbers from 0 to 3, one less than shard_count.",
        ),
        (
            '[terminal]\nname = "a\\u0007"',
            "config.toml, line 2, [terminal] name: it can't contain line breaks or control characters.",
        ),
        (
            '[inference]\nbase_url = "localhost:8000"',
            "config.toml, line 2, [inference] base_url: it must be the address of an HTTP server, like "
            "http://localhost:8000/v1.",
        ),
        (
            "study = 5",
            "config.toml, line 1, [study]: this is a section, not a setting. Settings look like zone = "
            '"UTC" or threads = 1, below a line with their section, like [study].',
        ),
        (
            "[study]\nzone = UTC",
            'config.toml, line 2: this isn\'t TOML (invalid value). Settings look like zone = "UTC" or threads = 1, '
            "below a line with their section, like [study].",
        ),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_line_and_what_would_be_right(
    refused: Refused, toml: str, line: str
) -> None:
    assert refused(toml) == [line]


def test_the_line_is_found_however_the_key_is_written(refused: Refused) -> None:
    toml = (
        '# zone = "in a remark"\n[log]\n"level" = "loud"\n[study]\nlate_hours = [\n1,\n]\n[bank]\nfolder = "zone = 1"'
    )
    dotted = 'study.zone = "Nowhere"\nsearch = { threads = 0 }'

    assert [line.partition(":")[0] for line in refused(toml)] == [
        "config.toml, line 7, [study] late_hours",
        "config.toml, line 9, [bank] folder",
        "config.toml, line 3, [log] level",
    ]
    assert [line.partition(":")[0] for line in refused(dotted)] == [
        "config.toml, line 1, [study] zone",
        "config.toml, line 2, [search] threads",
    ]


def test_a_mistake_in_the_environment_is_reported_with_its_variable(refused: Refused, folder: Path) -> None:
    (folder / "file").touch()

    assert refused(
        '[study]\nzone = "UTC"',
        STUDYHALL_STUDY__ZONE="europe/berlin",
        STUDYHALL_STUDY__LATE_HOURS="soon",
        STUDYHALL_STUDY__ZON="UTC",
        STUDYHALL_INFERENCE__MODEL="m",
        STUDYHALL_DATA="file",
    ) == [
        "STUDYHALL_STUDY__ZON: there's no such variable. Did you mean STUDYHALL_STUDY__ZONE?",
        "STUDYHALL_INFERENCE__MODEL: there's no such variable. Did you mean INFERENCE_MODEL?",
        'STUDYHALL_STUDY__ZONE: there\'s no such time zone. Did you mean "Europe/Berlin"?',
        "STUDYHALL_STUDY__LATE_HOURS: it must be a whole number from 1 to 48.",
        f"STUDYHALL_DATA: {folder}/file is a file; name a folder, which is created if it's missing.",
    ]


def test_a_mistake_in_a_default_is_reported_with_the_variable_that_can_change_it(
    refused: Refused, folder: Path
) -> None:
    (folder / "data").touch()

    assert refused() == [f"STUDYHALL_DATA: {folder}/data is a file; name a folder, which is created if it's missing."]


def test_a_line_is_found_after_characters_that_only_python_takes_for_line_breaks(refused: Refused) -> None:
    assert refused("# one\u2028line\n[study]\nlate_hours = 0") == [
        "config.toml, line 3, [study] late_hours: it must be a whole number from 1 to 48."
    ]


def test_a_named_file_that_is_missing_is_refused(refused: Refused) -> None:
    assert refused(STUDYHALL_CONFIG="nowhere.toml") == [
        "STUDYHALL_CONFIG: there's no file nowhere.toml. Copy config.example.toml there, or unset it."
    ]


def test_a_file_that_is_not_text_is_refused(folder: Path, refused: Refused) -> None:
    (folder / "config.toml").write_bytes(b"[study]\nzone = '\xff'")

    assert refused() == ["config.toml isn't UTF-8 text. Please save it as UTF-8."]


@pytest.mark.parametrize("named", [".", "~nobody-of-that-name/x.toml", "/dev/null"])
def test_what_cannot_be_a_settings_file_is_refused(refused: Refused, named: str) -> None:
    assert len(refused(STUDYHALL_CONFIG=named)) == 1


@pytest.mark.parametrize(
    ("toml", "variable"),
    [
        ('[discord]\ntoken = "hush-hush"', "DISCORD_TOKEN"),
        ('[slack]\nsigning_secret = "hush-hush"', "SLACK_SIGNING_SECRET"),
        ('[slack]\nbot_token = "hush-hush"', "SLACK_BOT_TOKEN"),
        ('[slack]\napp_token = "hush-hush"', "SLACK_APP_TOKEN"),
        ('[inference]\napi_key = "hush-hush"', "INFERENCE_API_KEY"),
        ('[slack]\nclient_secret = "hush-hush"', "SLACK_CLIENT_SECRET"),
        ('\nslack_client_secret = "hush-hush"', "SLACK_CLIENT_SECRET"),
        ('\nsecret_key = "hush-hush"', "STUDYHALL_SECRET_KEY"),
        ('[slack]\nsecret_key = "hush-hush"', "STUDYHALL_SECRET_KEY"),
        ('[database]\nurl = "hush-hush"', "DATABASE_URL"),
        ('\nDATABASE_URL = "hush-hush"', "DATABASE_URL"),
        ('\nDISCORD_TOKEN = "hush-hush"', "DISCORD_TOKEN"),
        ('[inference]\nbase_url = "http://ada:hush-hush@gpu/v1"', "INFERENCE_BASE_URL"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_its_variable_named(refused: Refused, toml: str, variable: str) -> None:
    [line] = refused(toml)

    assert line.startswith("config.toml, line 2")
    assert f"environment variable {variable}" in line
    assert "hush" not in line


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DATABASE_URL", "mysql://ada:hush-hush@db/study"),
        ("DATABASE_URL", "postgresql://ada:hush-hush@db"),
        ("DATABASE_URL", "hush-hush"),
        ("INFERENCE_BASE_URL", "ftp://ada:hush-hush@gpu/v1"),
        ("INFERENCE_BASE_URL", "http://ada:hush-hush@gpu:99999/v1"),
        ("INFERENCE_BASE_URL", "http://[ada:hush-hush"),
        ("STUDYHALL_STUDY__ZONE", "hush-hush"),
        ("STUDYHALL_LOG__LEVEL", "hush-hush"),
    ],
)
def test_a_wrong_value_is_refused_without_repeating_it(refused: Refused, variable: str, text: str) -> None:
    [line] = refused(**{variable: text})

    assert line.startswith(f"{variable}: ")
    assert "hush" not in line


def test_no_representation_shows_a_secret() -> None:
    config = load(SECRETS)

    for shown in (
        repr(config),
        str(config),
        config.model_dump_json(),
        repr(config.model_dump()),
        config.inference.place,
    ):
        assert not [part for part in PARTS if part in shown]
    assert config.inference.place == "https://gpu.example:8443/v1"
    assert json.loads(config.model_dump_json())["inference"]["base_url"] == "https://gpu.example:8443/v1"


def test_secrets_can_be_read_by_code_that_needs_them() -> None:
    config = load(SECRETS)

    assert config.database_url == SECRETS["DATABASE_URL"]
    assert config.inference_api_key == SECRETS["INFERENCE_API_KEY"]
    assert config.secrets() >= {*SECRETS.values(), "p@ssw0rd-database", "p@ssw0rd-target", "passw0rd-inference"}


def test_each_of_several_secret_keys_is_a_secret() -> None:
    new, old = SECRETS["STUDYHALL_SECRET_KEY"], "b" * 43 + "="
    config = load({**SECRETS, "STUDYHALL_SECRET_KEY": f"{new}, {old}"})

    assert config.secrets() >= {new, old}


def test_no_secret_shows_when_something_else_is_wrong(refused: Refused) -> None:
    told = "\n".join(refused("[study]\nzone = 5", **SECRETS, STUDYHALL_SEARCH__THREADS="0"))

    assert "config.toml, line 2" in told
    assert "STUDYHALL_SEARCH__THREADS" in told
    assert not [part for part in PARTS if part in told]


@given(st.text(alphabet="ab\"'[]=.\n #\\{}1zone study"))
def test_any_file_is_either_read_or_refused_with_a_message(tmp_path_factory: pytest.TempPathFactory, toml: str) -> None:
    file = tmp_path_factory.getbasetemp() / "anything.toml"
    file.write_text(toml, encoding="utf-8")

    told = ""
    try:
        load({"STUDYHALL_CONFIG": str(file)})
    except ConfigError as problem:
        told = str(problem)
    assert all(line.startswith(f"{file}") for line in told.splitlines())


def test_loading_settings_imports_nothing_heavy() -> None:
    program = "import sys; from bot.config import loader; loader.load({}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not {"torch", "sqlalchemy", "sqlmodel", "discord", "slack_bolt", "openai", "numpy"} & set(loaded)


def test_a_bank_folder_can_start_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "questions").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))

    config = load({"STUDYHALL_BANK__FOLDER": "~/questions"})

    assert config.bank_folder == tmp_path / "questions"
