"""The manifest against Slack's schema, its limits and the app's own calls; `studyhall slack`; `slack run`."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.dispatch.catalog import registry
from bot.encryption import Vault
from bot.errors import SetupError
from bot.platforms.slack import cli, listeners
from bot.platforms.slack.manifest import EVENTS, EVENTS_PATH, REDIRECT_PATH, SCOPES, SLASH_COMMAND, WHY, manifest
from tests.clocks import HANG
from tests.commandline import studyhall, surroundings
from tests.platforms.slack.fake import Person, Slack
from tests.platforms.slack.fake.overlay import RULES
from tests.platforms.slack.fake.spec import BY_KIND, rule

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "bot" / "platforms" / "slack"
SCHEMA = ROOT.parent / "shared" / "specs" / "slack-manifest.schema.json"
URL = "https://study.example.org"

KINDS = [
    pytest.param(manifest(registry()), id="socket"),
    pytest.param(manifest(registry(), URL), id="http"),
    pytest.param(manifest(registry(), f"{URL}/", many=True), id="many"),
]
each = pytest.mark.parametrize("made", KINDS)


# What it says


@each
def test_it_matches_slacks_schema(made: dict[str, Any]) -> None:
    if not SCHEMA.is_file():
        pytest.skip(f"there is no {SCHEMA}, which lies beside the repository")
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))

    assert [error.message for error in validator.iter_errors(made)] == []


def within(text: str, least: int, most: int) -> bool:
    return least <= len(text) <= most and text == text.strip()


@each
def test_it_keeps_within_the_limits_of_slacks_web_pages(made: dict[str, Any]) -> None:
    about, features = made["display_information"], made["features"]
    [command] = features["slash_commands"]

    assert within(about["name"], 1, 35)
    assert within(about["description"], 1, 140)
    assert within(about["long_description"], 175, 4000)
    assert re.fullmatch("#[0-9a-f]{6}", about["background_color"])
    assert within(features["bot_user"]["display_name"], 1, 80)
    assert within(command["description"], 1, 2000)
    assert within(command["usage_hint"], 1, 100), "Slack takes 1,000, and shows one line"
    assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
    assert 1 <= len(features["shortcuts"]) <= 5
    for shortcut in features["shortcuts"]:
        assert within(shortcut["name"], 1, 24)
        assert within(shortcut["description"], 1, 150)
        assert within(shortcut["callback_id"], 1, 255)
    assert len(set(SCOPES)) == len(SCOPES) <= 255
    assert len(set(EVENTS)) == len(EVENTS) <= 100


def addresses(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from addresses(inner)
        case list():
            for inner in value:
                yield from addresses(inner)
        case str() if value.startswith("http"):
            yield value


def test_over_http_every_address_is_where_the_program_listens() -> None:
    made = manifest(registry(), f"{URL}/")
    events = f"{URL}{EVENTS_PATH}"

    assert list(addresses(made)) == [events] * 4
    assert made["features"]["slash_commands"][0]["url"] == events
    assert made["settings"]["event_subscriptions"]["request_url"] == events
    assert made["settings"]["interactivity"]["request_url"] == events
    assert not made["settings"]["socket_mode_enabled"]


def test_in_socket_mode_there_are_no_addresses() -> None:
    made = manifest(registry())

    assert list(addresses(made)) == []
    assert made["settings"]["socket_mode_enabled"]


def test_tokens_expire_only_if_they_are_renewed() -> None:
    one, many = manifest(registry(), URL), manifest(registry(), URL, many=True)

    assert not one["settings"]["token_rotation_enabled"]
    assert "redirect_urls" not in one["oauth_config"]
    assert many["settings"]["token_rotation_enabled"]
    assert many["oauth_config"]["redirect_urls"] == [f"{URL}{REDIRECT_PATH}"]


def test_the_usage_hint_and_the_shortcuts_come_from_the_commands() -> None:
    features = manifest(registry())["features"]
    hinted = features["slash_commands"][0]["usage_hint"].strip("[]").split(" | ")
    groups = {command.name.partition(" ")[0] for command in registry()}
    shortcuts = {shortcut["callback_id"]: shortcut["type"] for shortcut in features["shortcuts"]}

    assert set(hinted) <= groups
    assert shortcuts == {listeners.PRACTICE: "global"} | {
        command.name: "message" for command in registry() if command.shortcut and command.shortcut.on == "message"
    }
    assert features["slash_commands"][0]["command"] == SLASH_COMMAND


# What it asks for


def called() -> set[str]:
    """Return the Web API methods that the app calls, read from its source."""
    names = {method.replace(".", "_"): method for method in RULES}
    names["files_upload_v2"] = ""
    found = set()
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                if "_" in name and not name.startswith("_") and hasattr(AsyncWebClient, name):
                    found.add(names[name])
    if "" in found:
        found = found - {""} | {"files.getUploadURLExternal", "files.completeUploadExternal"}
    return found


def needed(method: str) -> set[str]:
    """Return a method's scopes. Questions go to public and private channels, which have separate scopes for reading."""
    known = rule(method)
    assert known is not None
    scopes = set(known.scopes)
    if scopes and scopes <= set(BY_KIND):
        return {scope for scope in scopes if scope.startswith(("channels:", "groups:"))}
    if method == "conversations.open":
        return {"im:write"}
    assert len(scopes) <= 1, f"{method} can be had by several scopes: say here by which"
    return scopes


OF_EVENTS = {
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "app_uninstalled": "",
    "message.im": "im:history",
    "tokens_revoked": "",
}
"""The scope that each event needs."""


def test_every_scope_is_used_and_none_is_missing() -> None:
    assert {"chat.postMessage", "views.open", "conversations.history"} <= called(), "the source was read"
    by_calls = {scope for method in called() for scope in needed(method)}
    by_events = {OF_EVENTS[event] for event in EVENTS} - {""}

    assert set(SCOPES) == by_calls | by_events | {"commands"}


def test_every_event_is_listened_to_and_none_is_missing() -> None:
    source = (SOURCE / "listeners.py").read_text("utf-8")
    heard = set(re.findall(r'bolt\.event\("([a-z_]+)"\)', source))

    assert {event.partition(".")[0] for event in EVENTS} == heard


def test_menus_with_dynamic_options_have_an_address() -> None:
    source = "".join(file.read_text("utf-8") for file in SOURCE.glob("*.py"))

    assert "external_select" in source
    assert manifest(registry(), URL)["settings"]["interactivity"]["message_menu_options_url"] == f"{URL}/slack/events"
    assert "message_menu_options_url" not in json.dumps(manifest(registry()))


def test_the_operations_page_explains_each_scope() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert [scope for scope, why in WHY.items() if f"| `{scope}` | {why} |" not in page] == []


# The command line


def test_the_manifest_is_printed_for_slacks_pages() -> None:
    done = studyhall({}, "slack", "manifest", "--url", URL, "--many")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == manifest(registry(), URL, many=True)


@pytest.mark.parametrize(
    "url",
    [
        "study.example.org",
        "http://study.example.org",
        "https://",
        "https:///slack/events",
        "https://[study",
        "https://study.example.org:99999",
        "https://study.example.org/?a=b",
        "https://study.example.org/#top",
        "https://study .example.org",
        "https://ada:hush@study.example.org",
        f"https://{'s' * 3000}.example.org",
        "nonsense",
    ],
)
def test_an_address_that_slack_would_refuse_is_an_error(url: str) -> None:
    with pytest.raises(
        SetupError, match=r"^--url must be an https address where Slack can reach Studyhall, like https://\S+$"
    ):
        cli.print_manifest(url)


def test_serving_many_workspaces_requires_an_address() -> None:
    done = studyhall({}, "slack", "manifest", "--many")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("studyhall: --many also needs --url")


def test_each_key_is_new() -> None:
    first, second = (studyhall({}, "slack", "key").stdout.strip() for _ in range(2))
    kept = Vault(first).encrypt("xoxb-1")

    assert first != second
    assert Vault(f"{second},{first}").decrypt(kept) == "xoxb-1"


# What Slack's own command line runs


HOOKS: dict[str, Any] = json.loads((ROOT / ".slack" / "hooks.json").read_text("utf-8"))


def hook(name: str) -> list[str]:
    """Return a hook as Slack's command line runs it, in a shell, but with the tests' Python."""
    command: str = HOOKS["hooks"][name]
    program, _, rest = command.partition(" ")
    assert program == ".venv/bin/python", "what `make` installs"
    return ["sh", "-c", f"exec {shlex.quote(sys.executable)} {rest}"]


SETTINGS = surroundings(STUDYHALL_CONFIG="config.example.toml")


def test_slacks_command_line_gets_the_manifest_and_nothing_else() -> None:
    done = subprocess.run(
        hook("get-manifest"), cwd=ROOT, env=SETTINGS, capture_output=True, text=True, check=True, timeout=HANG
    )

    assert json.loads(done.stdout) == manifest(registry())
    assert HOOKS["config"]["sdk-managed-connection-enabled"], "the program holds the socket, not the command line"


def test_the_watched_paths_exist() -> None:
    watched = HOOKS["config"]["watch"]

    for kind in ("app", "manifest"):
        assert all((ROOT / path).exists() for path in watched[kind]["paths"])
    assert re.search(watched["app"]["filter-regex"], "bot/dispatch/catalog.py")


def test_starting_without_tokens_says_who_sets_them() -> None:
    done = subprocess.run(
        hook("start"), cwd=ROOT, env=SETTINGS, capture_output=True, text=True, check=False, timeout=HANG
    )

    assert done.returncode == 1
    assert "SLACK_BOT_TOKEN and SLACK_APP_TOKEN not set" in done.stderr
    assert "`slack run`" in done.stderr


async def test_slack_run_serves_the_app_that_the_command_line_made(
    home: dict[str, str],
) -> None:
    """Its tokens replace the developer's own, and an interrupt ends it cleanly."""
    async with Slack().listening() as fake:
        fake.patience = HANG
        team = fake.team("readers")
        tokens = {
            "SLACK_API_URL": fake.api,
            "SLACK_BOT_TOKEN": "xoxb-of-another-app",
            "SLACK_CLI_XOXB": team.token,
            "SLACK_CLI_XAPP": fake.app_token,
        }
        env = {**home, **tokens}
        running = await asyncio.create_subprocess_exec(
            *hook("start"), cwd=ROOT, env=env, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert running.stderr is not None
        heard = ""
        while "listening" not in heard:
            line = (await asyncio.wait_for(running.stderr.readline(), HANG)).decode()
            assert line, heard
            heard += line
        await fake.sockets.connected()
        await Person.joins(fake, team, "bob").types("team list")
        answer = await fake.heard()
        running.send_signal(signal.SIGINT)
        _, rest = await running.communicate()

        assert "There are no teams yet" in answer.words
        assert running.returncode == 0
        assert "xoxb-" not in heard + rest.decode()
        assert fake.violations == []
