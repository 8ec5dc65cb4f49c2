"""`studyhall doctor`: check what's configured, what can be reached and what's missing, without showing a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import structlog

from bot.cli import doctor_checks
from bot.cli.console import load_config, out, print_json
from bot.cli.daemon_thread import run_in_daemon_thread
from bot.cli.doctor_checks import Finding, State
from bot.config.loader import Config
from bot.errors import SetupError

log = structlog.get_logger()

CHECK_TIMEOUT = 30.0
"""Seconds for each check; they all run at the same time."""
STYLES: dict[State, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "missing": ("○", "yellow"),
    "problem": ("✗", "red"),
    "off": ("–", "dim"),
}


def doctor(*, as_json: bool) -> None:
    """Print what every check found; exit with 1 if there's a problem."""
    findings = asyncio.run(examine(load_config()))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            sign, color = STYLES[finding.state]
            out.print(f"[{color}]{sign}[/] [bold]{finding.name}[/]: ", end="", highlight=False)
            out.print(finding.words, markup=False, highlight=False, soft_wrap=True)
    if any(finding.state == "problem" for finding in findings):
        raise SystemExit(1)


async def examine(config: Config, *, seconds: float = CHECK_TIMEOUT) -> list[Finding]:
    """Run all checks at once, each for at most these seconds. Return the findings in reading order; raise nothing."""
    checks: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
        ("python", lambda: run_in_daemon_thread(doctor_checks.python)),
        ("configuration", lambda: run_in_daemon_thread(lambda: Finding("configuration", "ok", config.origin))),
        ("data folder", lambda: run_in_daemon_thread(lambda: doctor_checks.data_folder(config.data))),
        ("database", lambda: doctor_checks.database(config)),
        ("bank", lambda: run_in_daemon_thread(lambda: doctor_checks.bank(config))),
        ("model", lambda: run_in_daemon_thread(lambda: doctor_checks.model(config.search.model))),
        ("index", lambda: run_in_daemon_thread(lambda: doctor_checks.index(config))),
        ("inference", lambda: doctor_checks.inference(config)),
        ("discord", lambda: run_in_daemon_thread(lambda: doctor_checks.discord(config))),
        ("slack", lambda: run_in_daemon_thread(lambda: doctor_checks.slack(config))),
        ("operator", lambda: run_in_daemon_thread(lambda: doctor_checks.operator(config))),
    ]
    return list(await asyncio.gather(*(_run_check(name, check, seconds) for name, check in checks)))


async def _run_check(name: str, check: Callable[[], Awaitable[Finding]], seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except TimeoutError:
        return Finding(name, "problem", f"No answer in {seconds:g} seconds. Is a disk or a server hanging?")
    except SetupError as problem:
        return Finding(name, "problem", str(problem))
    except Exception as problem:
        log.exception("check failed", check=name)
        return Finding(name, "problem", f"This check failed ({type(problem).__name__}); the log has the details.")
