"""The `studyhall` command line. Nothing heavy is imported before it is needed: `--help` answers at once."""

from __future__ import annotations

import errno
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.errors import SetupError

app = typer.Typer(
    help="The study companion for teams preparing for generative-AI interviews.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a plain page: the pretty one takes a third of the time that help may take
    context_settings={"help_option_names": ["-h", "--help"]},
)
bank = typer.Typer(help="The question bank.", no_args_is_help=True)
evaluate = typer.Typer(help="Measure how well things work.", no_args_is_help=True)
db = typer.Typer(help="The database.", no_args_is_help=True)
config = typer.Typer(help="The configuration.", no_args_is_help=True)
discord = typer.Typer(help="The bot on Discord.", no_args_is_help=True)
slack = typer.Typer(help="The app on Slack.", no_args_is_help=True)
app.add_typer(bank, name="bank")
app.add_typer(evaluate, name="eval")
app.add_typer(db, name="db")
app.add_typer(config, name="config")
app.add_typer(discord, name="discord")
app.add_typer(slack, name="slack")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs to read.")]


class Platform(StrEnum):
    """Where the bot may speak."""

    TERMINAL = "terminal"
    DISCORD = "discord"
    SLACK = "slack"


class ExportFormat(StrEnum):
    """What a bank can be exported as."""

    ANKI = "anki"
    CSV = "csv"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"studyhall {version('studyhall')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The study companion for teams preparing for generative-AI interviews."""


@app.command()
def run(
    platform: Annotated[Platform | None, typer.Argument(help="Default: those with a token, else the terminal.")] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen, instead of [web] host.")] = None,
    port: Annotated[int | None, typer.Option(help="The port there, instead of [web] port.", max=65535)] = None,
) -> None:
    """Open the study room: on Discord or Slack where a token is configured, else in this terminal."""
    from bot.cli import run as cli_run

    cli_run.run(platform.value if platform else None, host, port)


@app.command()
def ask(text: Annotated[str, typer.Argument(help="What you want to know.")], json: Json = False) -> None:
    """Find the question of the bank that answers TEXT."""
    from bot.cli import tasks

    tasks.ask(text, json)


@app.command()
def explain(text: Annotated[str, typer.Argument(help="What to explain.")], json: Json = False) -> None:
    """Explain TEXT, by the inference server where one is configured, else in the bank's words."""
    from bot.cli import tasks

    tasks.explain(text, json)


@bank.command("check")
def bank_check(
    folder: Annotated[Path | None, typer.Argument(help="A folder of questions. Default: the configured bank.")] = None,
    coverage: Annotated[
        Path | None, typer.Option(help="A CSV file of the questions (id, topic) that have to be there.")
    ] = None,
) -> None:
    """Look for mistakes in the bank; exit with 1 where there are any."""
    from bot.cli import tasks

    tasks.bank_check(folder, coverage)


@bank.command("stats")
def bank_stats(json: Json = False) -> None:
    """Count the questions by topic and difficulty."""
    from bot.cli import tasks

    tasks.bank_stats(json)


@bank.command("import")
def bank_import(
    files: Annotated[list[Path], typer.Argument(help="Markdown, text, CSV, TSV, JSON lines or Anki packages.")],
    into: Annotated[Path | None, typer.Option(help="The folder of a bank of your own.")] = None,
    workspace: Annotated[str, typer.Option(help="A workspace that gets them for itself, like slack:T0123.")] = "",
    duplicates: Annotated[bool, typer.Option("--duplicates", help="Take what the bank asks already, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Take other people's questions into a bank, leaving out what it asks already."""
    from bot.cli import bank as cli_bank

    cli_bank.import_files(files, into, workspace, duplicates=duplicates, dry=dry_run, as_json=json)


@bank.command("export")
def bank_export(
    format: Annotated[ExportFormat, typer.Option(help="What to write.")],
    out: Annotated[Path | None, typer.Option(help="Where to; - prints CSV or JSON lines.")] = None,
    folder: Annotated[Path | None, typer.Option("--from", help="The folder of a bank.")] = None,
    workspace: Annotated[str, typer.Option(help="A workspace, for its own questions.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Give a bank out: for Anki, for a spreadsheet, as JSON lines or as files."""
    from bot.cli import bank as cli_bank

    cli_bank.export(format.value, out, folder, workspace, force=force)


@bank.command("vectors", hidden=True)
def bank_vectors(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where something changed.")] = False,
) -> None:
    """Bring the vectors that come with the built-in bank up to date with its texts."""
    from bot.cli import tasks

    tasks.bank_vectors(write=not check)


@evaluate.command("retrieval")
def eval_retrieval(
    file: Annotated[Path, typer.Argument(help='Lines of {"query": ..., "gold": [id, ...]}; an empty gold: no answer.')],
    json: Json = False,
) -> None:
    """Measure search on the queries in FILE."""
    from bot.cli import tasks

    tasks.eval_retrieval(file, json)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this program's tables."""
    from bot.cli import tasks

    tasks.db_upgrade()


@db.command("check")
def db_check() -> None:
    """Compare the database with this program's tables; exit with 1 where they differ."""
    from bot.cli import tasks

    tasks.db_check()


@db.command("rebuild-totals")
def db_rebuild_totals() -> None:
    """Recompute everybody's points from their answers, in case standings look wrong."""
    from bot.cli import tasks

    tasks.db_rebuild_totals()


@config.command("check")
def config_check() -> None:
    """Read the configuration and say what is wrong with it."""
    from bot.cli import tasks

    tasks.config_check()


@discord.command("invite")
def discord_invite(
    app_id: Annotated[str, typer.Option(help="The application's id; without it, Discord is asked for it.")] = "",
) -> None:
    """Print the link that brings the bot to a server, and what it asks for."""
    from bot.platforms.discord import cli

    cli.invite(app_id)


@discord.command("sync")
def discord_sync(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take away those of the server for development.")] = False,
) -> None:
    """Register the commands, where those that Discord has are others."""
    from bot.platforms.discord import cli

    cli.sync(dry=dry_run, clear=clear)


@slack.command("manifest")
def slack_manifest(
    url: Annotated[str, typer.Option(help="Where Slack reaches this program, like https://study.example.org.")] = "",
    many: Annotated[bool, typer.Option("--many", help="Many workspaces install the app, each by itself.")] = False,
) -> None:
    """Print the app's manifest: for requests over HTTP at --url, else for Socket Mode."""
    from bot.platforms.slack import cli

    cli.print_manifest(url, many=many)


@slack.command("key")
def slack_key() -> None:
    """Make a key for STUDYHALL_SECRET_KEY, by which the tokens of workspaces are encrypted."""
    from bot.encryption import new_key

    typer.echo(new_key())


@app.command()
def doctor(json: Json = False) -> None:
    """What is configured, what is reachable, what is missing."""
    from bot.cli import tasks

    tasks.doctor(json)


@app.command(hidden=True)
def docs(folder: Annotated[Path, typer.Argument(help="Where the pages go.")] = Path("docs")) -> None:
    """Write the generated pages: commands and settings."""
    from bot.cli import docs as cli_docs

    cli_docs.write(folder)


def fail(problem: SetupError) -> NoReturn:
    """Say what is wrong and stop."""
    sys.stderr.write(f"studyhall: {problem}\n")
    raise SystemExit(2)


def main() -> None:
    """The entry point: setup problems become a sentence, a pipe that closed early is no problem."""
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except SetupError as problem:
        fail(problem)
    except OSError as problem:
        if problem.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains once more at its end
        if problem.errno == errno.ENOSPC:
            fail(SetupError("There is no space left where the output goes. Nothing but the output was lost."))


if __name__ == "__main__":
    main()
