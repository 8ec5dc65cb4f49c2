"""Run what's too long for `make test`, part after part: `make soak`, and again to go on after an interruption.

    python -m tests.soak [part ...] [--seed N] [--again] [--list] [--trial N]

Ends with 1 if anything was lost, doubled or left half done, or a test failed, and says how to see that again.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak.parts import Kills, Part, all_parts
from tests.soak.record import Record, Result

RECORD = Path(".soak/results.jsonl")
FOOTNOTE = """Time to recover: from when everything was due until it was done, the median and the longest of all trials.
A lease takes 90 s. On SQLite, a clock that was set back by up to three hours first has to get there again."""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description="ARGS='...' takes:")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help="only this part, or all parts below it, like kills/pin"
    )
    parser.add_argument("--seed", type=int, help="repeat or continue the soak with this seed")
    parser.add_argument("--again", action="store_true", help="don't continue: run parts that were run before, too")
    parser.add_argument("--list", action="store_true", help="list the parts, without running any")
    parser.add_argument("--trial", type=int, help="only this trial of a part, and show what processes log")
    return parser


def soak(parts: Sequence[Part], file: Path, arguments: Sequence[str], console: Console) -> int:
    """Run what's left of the soak recorded in a file, or begin another one; return the exit status."""
    parser = _arguments()
    given, record = parser.parse_args(arguments), Record(file)
    chosen = [part for part in parts if not given.parts or any(_is_below(part.name, name) for name in given.parts)]
    if not chosen:
        parser.error("there's no such part; --list lists them all")
    if given.list:
        console.print("\n".join(part.name for part in chosen), highlight=False)
        return 0
    if given.trial is not None:
        return _one_trial(chosen, given.trial, given.seed, console)
    seed = given.seed if given.seed is not None else _seed(parts, record, again=given.again)
    done = {} if given.again else record.results(seed)
    left = [part for part in chosen if part.name not in done]
    console.print(f"Seed {seed}: {len(left)} of {len(chosen)} parts to run", highlight=False)
    for number, part in enumerate(left, start=1):
        record.add(_shown(part, f"{number}/{len(left)} {part.name}", seed, console))
    results = record.results(seed)
    return _report([results[part.name] for part in chosen], console)


def _is_below(name: str, folder: str) -> bool:
    return name == folder or name.startswith(folder.rstrip("/") + "/")


def _seed(parts: Sequence[Part], record: Record, *, again: bool) -> int:
    """Return the seed of the latest soak unless it's finished, or else a new one."""
    latest = record.last_seed
    if latest is None or again or {part.name for part in parts} <= record.results(latest).keys():
        return secrets.randbelow(2**32)
    return latest


def _shown(part: Part, title: str, seed: int, console: Console) -> Result:
    """Run a part, showing how far it is, and return its result. A pipe gets one line at its end."""
    with console.status(title) as status:
        result = part.run(seed, lambda progress: status.update(f"{title}: {progress}"))
    verdict = "failed" if result.wrong else "ok"
    console.print(f"{title}: {verdict}, {result.trials} trials in {result.seconds:.0f} s", highlight=False)
    return result


def _one_trial(chosen: Sequence[Part], trial: int, seed: int | None, console: Console) -> int:
    match chosen:
        case [Kills() as part] if seed is not None:
            return _report([part.run(seed, lambda _progress: None, trial)], console)
        case _:
            console.print("--trial needs --seed and one part with kills.")
            return 2


def _report(results: Sequence[Result], console: Console) -> int:
    """Print the table and how to see again what went wrong; return the exit status."""
    table = Table("test", "database", "trials", "kills", "stops", "lost", "doubled", "half done", "time to recover")
    for result in results:
        test, _, database = result.part.rpartition("/") if result.kills else (result.part, "", "")
        counts = (
            (result.kills, result.stops, result.lost, result.doubled, result.half_done) if result.kills else ("",) * 5
        )
        table.add_row(test, database, str(result.trials), *map(str, counts), result.time_to_recover)
    console.print(table)
    if any(result.kills for result in results):
        console.print(FOOTNOTE, highlight=False)
    wrong = [line for result in results for line in result.wrong]
    if wrong:
        console.print("Something went wrong. To see it again: make soak ARGS='...' with", highlight=False)
        console.print("\n".join(wrong), highlight=False, markup=False, soft_wrap=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        sys.exit(soak(all_parts(), RECORD, sys.argv[1:], console))
    except KeyboardInterrupt:
        console.print("Interrupted. The next `make soak` goes on with this part.")
        sys.exit(130)
