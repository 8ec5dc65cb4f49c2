"""Define the `studyhall` command line. Commands import their code when they run, so `--help` is fast."""

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
    help="A study bot for teams preparing for generative AI interviews.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing Rich takes a third of the time that help may take
    context_settings={"help_option_names": ["-h", "--help"]},
)
bank = typer.Typer(help="Check, import and export questions.", no_args_is_help=True)
evaluate = typer.Typer(help="Measure how well search works.", no_args_is_help=True)
db = typer.Typer(help="Upgrade, check, repair or copy the database.", no_args_is_help=True)
config = typer.Typer(help="Check the settings.", no_args_is_help=True)
discord = typer.Typer(help="Set up the Discord bot.", no_args_is_help=True)
slack = typer.Typer(help="Set up the Slack app.", no_args_is_help=True)
app.add_typer(bank, name="bank")
app.add_typer(evaluate, name="eval")
app.add_typer(db, name="db")
app.add_typer(config, name="config")
app.add_typer(discord, name="discord")
app.add_typer(slack, name="slack")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Platform(StrEnum):
    """Where the bot can run."""

    TERMINAL = "terminal"
    DISCORD = "discord"
    SLACK = "slack"


class ExportFormat(StrEnum):
    """Formats of an export."""

    ANKI = "anki"
    CSV = "csv"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"studyhall {version('studyhall')}")
        raise typer.Exit


@app.callback(help="A study bot for teams preparing for generative AI interviews.")
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def run(
    platform: Annotated[
        Platform | None, typer.Argument(help="Default: all platforms with a token, or else the terminal.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides [web] host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; overrides [web] port.", min=0, max=65535)] = None,
) -> None:
    """Start the bot on Discord, Slack or in this terminal."""
    from bot.cli import run as command

    command.run(platform.value if platform else None, host, port)


@app.command()
def ask(text: Annotated[str, typer.Argument(help="What you want to know.")], json: Json = False) -> None:
    """Find the question in the bank that answers TEXT."""
    from bot.cli import lookup

    lookup.ask(text, as_json=json)


@app.command()
def explain(text: Annotated[str, typer.Argument(help="What to explain.")], json: Json = False) -> None:
    """Explain TEXT, using a model or the question bank."""
    from bot.cli import lookup

    lookup.explain(text, as_json=json)


@bank.command("check")
def bank_check(
    folder: Annotated[Path | None, typer.Argument(help="Folder of questions. Default: the configured bank.")] = None,
    coverage: Annotated[
        Path | None, typer.Option(help="CSV file of questions (id, topic) that the bank must have.")
    ] = None,
) -> None:
    """Look for mistakes in a bank; exit with 1 if there are any."""
    from bot.cli import bank as command

    command.check(folder, coverage)


@bank.command("stats")
def bank_stats(json: Json = False) -> None:
    """Count the questions by topic and difficulty."""
    from bot.cli import bank as command

    command.stats(as_json=json)


@bank.command("import")
def bank_import(
    *,
    files: Annotated[list[Path], typer.Argument(help="Markdown, text, CSV, TSV, JSON lines or Anki files.")],
    into: Annotated[Path | None, typer.Option(help="Folder of your own bank to import into.")] = None,
    workspace: Annotated[str, typer.Option(help="Workspace to import into, like slack:T0123.")] = "",
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Also import questions that the bank already has.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported, without writing anything.")
    ] = False,
    json: Json = False,
) -> None:
    """Import questions into a bank, skipping those it already has."""
    from bot.cli import bank_import as command

    command.import_files(files, into, workspace, duplicates=duplicates, dry_run=dry_run, as_json=json)


@bank.command("export")
def bank_export(
    kind: Annotated[ExportFormat, typer.Option("--format", help="Format to write.")],
    out: Annotated[Path | None, typer.Option(help="File or folder to write; - prints CSV or JSON lines.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder of the bank. Default: the configured one.")
    ] = None,
    workspace: Annotated[str, typer.Option(help="Workspace whose custom questions to export instead.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing export.")] = False,
) -> None:
    """Export a bank for Anki, as CSV, as JSON lines or as Markdown files."""
    from bot.cli import bank_export as command

    command.export(kind.value, out, folder, workspace, force=force)


@bank.command("vectors", hidden=True)
def bank_vectors(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if something is out of date.")
    ] = False,
) -> None:
    """Update the parsed questions and vectors that ship with the built-in bank."""
    from bot.cli import bank as command

    command.vectors(write=not check)


@evaluate.command("retrieval")
def eval_retrieval(
    file: Annotated[
        Path, typer.Argument(help='Lines of {"query": ..., "gold": [id, ...]}; gold is empty if nothing answers it.')
    ],
    json: Json = False,
) -> None:
    """Measure search with the queries in FILE."""
    from bot.cli import evaluation

    evaluation.retrieval(file, as_json=json)


@db.command("upgrade")
def db_upgrade() -> None:
    """Create or upgrade the database."""
    from bot.cli import database

    database.upgrade()


@db.command("check")
def db_check() -> None:
    """Compare the database with this program; exit with 1 if they differ."""
    from bot.cli import database

    database.check()


@db.command("rebuild-totals")
def db_rebuild_totals() -> None:
    """Recompute everybody's points from their answers, in case standings look wrong."""
    from bot.cli import database

    database.rebuild_totals()


@db.command("copy")
def db_copy(
    url: Annotated[
        str | None,
        typer.Argument(help="URL of the other database. Default: TARGET_DATABASE_URL, which keeps a password hidden."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace data that's already there.")] = False,
) -> None:
    """Copy everything to another database, for example from SQLite to PostgreSQL."""
    from bot.cli import backup as command

    command.copy(url, force=force)


@config.command("check")
def config_check() -> None:
    """Load the settings and say what's wrong with them."""
    from bot.cli import configuration

    configuration.check()


@discord.command("invite")
def discord_invite(
    app_id: Annotated[str, typer.Option(help="Application ID. Default: ask Discord for it.")] = "",
) -> None:
    """Print the link to invite the bot, and the permissions it asks for."""
    from bot.platforms.discord import cli

    cli.invite(app_id)


@discord.command("sync")
def discord_sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, without changing anything.")
    ] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the commands of the development server.")] = False,
) -> None:
    """Register the commands with Discord, if they have changed."""
    from bot.platforms.discord import cli

    cli.sync(dry=dry_run, clear=clear)


@slack.command("manifest")
def slack_manifest(
    url: Annotated[str, typer.Option(help="Public address of this program, like https://study.example.org.")] = "",
    many: Annotated[bool, typer.Option("--many", help="Let many workspaces install the app.")] = False,
) -> None:
    """Print the app manifest, for HTTP with --url, or else for Socket Mode."""
    from bot.platforms.slack import cli

    cli.print_manifest(url, many=many)


@slack.command("key")
def slack_key() -> None:
    """Create a key for STUDYHALL_SECRET_KEY, which encrypts the tokens of workspaces."""
    from bot.encryption import new_key

    typer.echo(new_key())


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Back up the database to FILE, even while the bot is running."""
    from bot.cli import backup as command

    command.backup(file, force=force)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File that `studyhall backup` wrote, on SQLite or PostgreSQL.")],
    force: Annotated[bool, typer.Option("--force", help="Replace data that's already there.")] = False,
) -> None:
    """Replace everything in the database with the backup in FILE."""
    from bot.cli import backup as command

    command.restore(file, force=force)


@app.command()
def doctor(json: Json = False) -> None:
    """Check what's set up, what can be reached and what's missing."""
    from bot.cli import doctor as command

    command.doctor(as_json=json)


@app.command(hidden=True)
def docs(folder: Annotated[Path, typer.Argument(help="Folder to write to.")] = Path("docs")) -> None:
    """Write the docs pages of commands and settings."""
    from bot.cli import docs as command

    command.write(folder)


def fail(problem: SetupError) -> NoReturn:
    """Print the problem and exit with 2."""
    sys.stderr.write(f"studyhall: {problem}\n")
    raise SystemExit(2)


def main() -> None:
    """Run the command line. Print a SetupError as a sentence, and ignore a pipe that's closed early."""
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains again when it exits
        if problem.errno == errno.ENOSPC:
            fail(SetupError("The disk is full, so the output is incomplete. Nothing else was lost."))


if __name__ == "__main__":
    main()
