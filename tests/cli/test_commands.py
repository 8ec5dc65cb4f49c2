"""The command line: in this process, or in a real one if pipes, signals or a kill are the point."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bot.encryption import new_key
from knowledge.format.reader import BUILT_IN
from tests.cli.test_bank import read_until_closed
from tests.clocks import HANG
from tests.commandline import STUDYHALL, process, studyhall
from tests.knowledge.files import put
from tests.processes import Program, conversation

SLACK_FOR_MANY = {
    "SLACK_CLIENT_ID": "1111.2222",
    "SLACK_CLIENT_SECRET": "very-secret",
    "SLACK_SIGNING_SECRET": "very-secret",
    "STUDYHALL_SECRET_KEY": new_key(),
}


@pytest.fixture
def whole(home: dict[str, str]) -> dict[str, str]:
    """Make the same environment with the whole built-in bank."""
    return {**home, "STUDYHALL_BANK__FOLDER": ""}


def test_piped_lines_are_answered_until_the_input_ends(home: dict[str, str]) -> None:
    done = process(home, "run", "terminal", stdin=b"ask my gan only makes one face\n@ada: team list\nnonsense")

    assert done.returncode == 0, done.stderr
    said = done.stdout.decode()
    assert "What is mode collapse" in said
    assert "There are no teams yet" in said
    assert "There's no command `nonsense`" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("stdin", ["", "\n\n", "exit\nhelp\n"])
def test_without_any_input_it_ends_right_away(home: dict[str, str], stdin: str) -> None:
    done = studyhall(home, "run", "terminal", stdin=stdin)

    assert done.returncode == 0
    assert done.stdout == ""


def test_input_that_is_not_text_does_no_harm(home: dict[str, str]) -> None:
    done = studyhall(home, "run", "terminal", stdin=b"\xff\xfe\x00help\n\nhelp\n")

    assert done.returncode == 0, done.stderr
    assert "what I can do" in done.stdout


def test_ask_prints_json(home: dict[str, str]) -> None:
    found = json.loads(studyhall(home, "ask", "my gan only makes one face", "--json").stdout)

    assert found["answered"] is True
    assert found["results"][0]["id"] == "mode-collapse"
    assert set(found["results"][0]) == {"id", "question", "topic", "difficulty", "score"}
    scores = [result["score"] for result in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_ask_lists_results_even_without_an_answer(home: dict[str, str]) -> None:
    found = json.loads(studyhall(home, "ask", "how long do I boil an egg", "--json").stdout)

    assert found["answered"] is False
    assert found["results"]


def test_explain_prints_json(home: dict[str, str]) -> None:
    told = json.loads(studyhall(home, "explain", "my gan only makes one face", "--json").stdout)

    assert set(told) == {"source", "text", "citations", "why"}
    assert (told["source"], told["citations"]) == ("bank", ["mode-collapse"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ask", "my gan only makes one face"], "What is mode collapse"),
        (["explain", "my gan only makes one face"], "[1] What is mode collapse"),
        (["bank", "stats"], "36 questions"),
        (["eval", "retrieval", "CASES"], "recall_at_1"),
    ],
)
def test_output_is_readable_without_json(home: dict[str, str], tmp_path: Path, words: list[str], told: str) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"query": "gan makes one face", "gold": ["mode-collapse"]}\n')

    done = studyhall(home, *(str(cases) if word == "CASES" else word for word in words))

    assert done.returncode == 0, done.stderr
    assert told in done.stdout


def test_a_list_of_required_questions_is_compared_with_the_bank(home: dict[str, str], tmp_path: Path) -> None:
    rows = tmp_path / "wanted.csv"
    rows.write_text("id,topic\nlora,fine-tuning\nvae-elbo,gan\nnobody-asks,gan\n")
    done = studyhall(home, "bank", "check", "--coverage", str(rows))

    assert done.returncode == 1
    assert "lacks the question 'nobody-asks'" in done.stdout
    assert "belongs in the topic 'gan'" in done.stdout
    assert "2 of the 3 questions in" in done.stdout


def test_a_list_without_ids_is_refused_in_a_sentence(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("name\nlora\n")
    done = studyhall(home, "bank", "check", "--coverage", str(tmp_path / "wanted.csv"))

    assert done.returncode == 2
    assert "must be a CSV file with a column `id`" in done.stderr


def test_doctor_prints_json(home: dict[str, str]) -> None:
    found = json.loads(studyhall(home, "doctor", "--json").stdout)

    assert {"name": "python", "state": "ok"}.items() <= found[0].items()


def test_a_question_that_is_too_long_is_refused_in_a_sentence(home: dict[str, str]) -> None:
    done = studyhall(home, "ask", "x" * 5000)

    assert done.returncode == 2
    assert "yours has 5,000" in done.stderr


def test_the_version_is_printed(home: dict[str, str]) -> None:
    assert re.fullmatch(r"studyhall \d+\.\d+\.\d+\n", studyhall(home, "--version").stdout)


def test_bank_stats_prints_json(whole: dict[str, str]) -> None:
    stats = json.loads(studyhall(whole, "bank", "stats", "--json").stdout)

    assert stats["total"] == sum(stats["topics"].values()) == sum(stats["difficulties"].values())
    assert stats["total"] >= 40


def test_a_bank_without_mistakes_passes_its_check(home: dict[str, str], tmp_path: Path) -> None:
    """`make check` does this for the built-in bank, where drawing all formulas takes half a minute."""
    for path in (BUILT_IN / "vae").iterdir():
        put(tmp_path, f"vae/{path.stem}", re.sub(r"^related = .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE))

    done = studyhall(home, "bank", "check", str(tmp_path))

    assert done.returncode == 0, done.stdout
    assert "7 questions on 1 topic; 0 problems" in done.stdout


def test_a_mistake_in_a_bank_is_reported_with_file_and_line(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bank" / "gan").mkdir(parents=True)
    (tmp_path / "bank" / "gan" / "broken.md").write_text('+++\ndifficulty = "tricky"\n+++\n# What?\n')

    done = studyhall(home, "bank", "check", str(tmp_path / "bank"))

    assert done.returncode == 1
    assert "broken.md:2:" in done.stdout
    assert "difficulty must be" in done.stdout


def test_eval_retrieval_prints_json(home: dict[str, str], tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(
        '{"query": "gan makes one face", "gold": ["mode-collapse"]}\n{"query": "boil an egg", "gold": []}\n'
    )

    found = json.loads(studyhall(home, "eval", "retrieval", str(cases), "--json").stdout)

    assert set(found) == {
        "recall_at_1", "recall_at_3", "mrr_at_10", "refusal_auroc",
        "false_answer_rate", "missed_answer_rate", "p50_ms", "p99_ms",
    }  # fmt: skip
    assert found["recall_at_1"] == 1.0


def test_a_bad_line_of_an_evaluation_is_named(home: dict[str, str], tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"query": "x", "gold": []}\n{"query": 5}\n')

    done = studyhall(home, "eval", "retrieval", str(cases), "--json")

    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [("empty.jsonl", "\n", "has no queries"), ("nowhere.jsonl", None, "Can't read")],
)
def test_an_evaluation_without_queries_is_refused(
    home: dict[str, str], tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    done = studyhall(home, "eval", "retrieval", str(tmp_path / name))

    assert done.returncode == 2
    assert problem in done.stderr


def test_an_evaluation_names_ids_that_the_bank_does_not_have(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text('{"query": "gan makes one face", "gold": ["nobody-asks"]}\n')

    done = studyhall(home, "eval", "retrieval", str(tmp_path / "cases.jsonl"))

    assert done.returncode == 0
    assert "nobody-asks" in done.stderr


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_searched(home: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(BUILT_IN / "gan", tmp_path / "bank" / "gan")
    (tmp_path / "bank" / "gan" / "broken.md").write_text("no question")

    done = studyhall({**home, "STUDYHALL_BANK__FOLDER": str(tmp_path / "bank")}, "ask", "training")

    assert "skipped:" in done.stderr
    assert "broken.md" in done.stderr
    assert "See also: " in done.stdout


def test_the_docs_pages_are_written(home: dict[str, str], tmp_path: Path) -> None:
    assert studyhall(home, "docs", str(tmp_path / "docs")).returncode == 0
    assert sorted(path.name for path in (tmp_path / "docs").iterdir()) == ["commands.md", "settings.md"]


def test_settings_without_mistakes_pass_their_check(home: dict[str, str]) -> None:
    assert "The settings are fine" in studyhall(home, "config", "check").stdout


def test_a_full_disk_under_the_output_is_reported_in_a_sentence(home: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*STUDYHALL, "--version"], env=home, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 2
    assert done.stderr == "studyhall: The disk is full, so the output is incomplete. Nothing else was lost.\n"


def test_standard_input_can_be_closed(home: dict[str, str]) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *STUDYHALL, "run", "terminal"]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=HANG, check=False)

    assert done.returncode == 0, done.stderr
    assert "The input ended before the first line" in done.stderr


def test_an_explanation_is_shown_on_a_terminal(home: dict[str, str]) -> None:
    controller, terminal = pty.openpty()
    explaining = subprocess.Popen(
        [*STUDYHALL, "explain", "my gan only makes one face"], env=home, stdout=terminal, stderr=subprocess.DEVNULL
    )
    os.close(terminal)
    shown = read_until_closed(controller)

    assert explaining.wait(timeout=HANG) == 0
    assert "one moment" in shown
    assert "[1] What is mode collapse" in shown


def test_a_database_with_other_tables_than_the_program_is_reported(home: dict[str, str]) -> None:
    with sqlite3.connect(Path(home["STUDYHALL_DATA"]) / "studyhall.db") as database:
        database.execute("CREATE TABLE stranger (name TEXT)")
    database.close()

    done = studyhall(home, "db", "check")

    assert done.returncode == 1
    assert "stranger" in done.stdout


def test_the_database_is_upgraded_and_checked(new_home: dict[str, str]) -> None:
    assert studyhall(new_home, "db", "check").returncode != 0
    assert studyhall(new_home, "db", "upgrade").returncode == 0
    assert "matches this program" in studyhall(new_home, "db", "check").stdout


def test_totals_are_rebuilt_from_the_answers(home: dict[str, str]) -> None:
    studyhall(home, "run", "terminal", stdin="streak\n")

    done = studyhall(home, "db", "rebuild-totals")

    assert (done.returncode, done.stdout) == (0, "Rebuilt the totals of 1 workspace.\n")


def test_the_doctor_says_what_is_set_up_and_what_is_missing(whole: dict[str, str]) -> None:
    done = studyhall({**whole, "DISCORD_TOKEN": "very-secret-token"}, "doctor")

    assert done.returncode == 0, done.stdout
    assert "questions on 20 topics" in done.stdout
    assert "INFERENCE_BASE_URL" in done.stdout
    assert "very-secret-token" not in done.stdout + done.stderr


def test_a_mistake_in_the_configuration_is_one_sentence(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('[study]\nzonee = "UTC"\n')
    done = studyhall({**home, "STUDYHALL_CONFIG": str(tmp_path / "bad.toml")}, "config", "check")

    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "zone" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_newer_than_the_program_is_refused(home: dict[str, str]) -> None:
    with sqlite3.connect(Path(home["STUDYHALL_DATA"]) / "studyhall.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    done = studyhall(home, "run", "terminal", stdin="help\n")

    assert done.returncode == 2
    assert "newer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("platform", "problem"),
    [
        ("slack", "Slack isn't set up. Run `studyhall doctor` to see what's missing."),
        ("discord", "DISCORD_TOKEN isn't set. Run `studyhall doctor` to see what each platform needs."),
    ],
)
def test_a_platform_without_its_token_says_what_is_missing(home: dict[str, str], platform: str, problem: str) -> None:
    done = studyhall(home, "run", platform)

    assert done.returncode == 2
    assert done.stderr.endswith(f"studyhall: {problem}\n")


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_does_not_exist_is_refused(home: dict[str, str], port: str) -> None:
    done = studyhall({**home, **SLACK_FOR_MANY}, "run", "--port", port)

    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_port_that_is_taken_ends_a_program_that_only_serves_slack(home: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = studyhall({**home, **SLACK_FOR_MANY}, "run", "--port", str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_platform_that_does_not_answer_at_startup_is_named(home: dict[str, str]) -> None:
    token = {"SLACK_BOT_TOKEN": "xoxb-hush", "SLACK_SIGNING_SECRET": "x", "SLACK_API_URL": "http://127.0.0.1:1/api/"}
    done = studyhall({**home, **token}, "run", "slack", "--port", "0")

    assert done.returncode == 2
    assert "Can't reach Slack" in done.stderr
    assert "hush" not in done.stderr


def test_run_serves_the_platforms_that_have_secrets(home: dict[str, str]) -> None:
    """Slack's requests arrive over HTTP, one without Slack's signature is rejected, and SIGTERM ends it cleanly."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = subprocess.Popen(
        [*STUDYHALL, "run", "--port", str(port)], env={**home, **SLACK_FOR_MANY}, stderr=subprocess.PIPE, text=True
    )
    assert serving.stderr is not None
    heard = iter(serving.stderr.readline, "")
    assert any("listening" in line for line in heard)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/slack/events", data=b"command=/study", timeout=HANG)
    serving.send_signal(signal.SIGTERM)

    refusal.value.close()
    assert refusal.value.code == 401
    assert serving.wait(timeout=HANG) == 0
    assert "very-secret" not in serving.stderr.read()
    serving.stderr.close()


def test_nothing_is_lost_when_the_process_is_killed(program: type[Program], home: dict[str, str]) -> None:
    """A member answers, the process is killed in the middle of its work, and the next one carries on."""
    with conversation(program, home, "run", "terminal") as (running, to, answers):
        said = iter(answers.readline, "")
        to.write("@ada: question gan\n")
        assert any("Answer with a letter" in line for line in said)
        to.write("@ada: a\n")
        assert any("Streak: 1 day" in line for line in said)
        to.write("schedule setup 09:00\n@ada: team create Blue\n@ada: question vae\n@ada: b\n")
        # It's killed somewhere after the first of these; nothing may be left half done.
        assert any("09:00" in line for line in said)
        running.kill()
        assert running.wait() == -signal.SIGKILL

    after = studyhall(home, "run", "terminal", stdin="@ada: streak\nschedule list\n@ada: team list\n")

    assert after.returncode == 0, after.stderr
    assert "Your streak: 1 day" in after.stdout
    assert studyhall(home, "db", "check").returncode == 0
