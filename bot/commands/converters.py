"""How a parameter's text becomes a value; each raises a UserError that says what would be right. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.context.local_time import parse_zone
from bot.context.study import Study
from bot.errors import UserError, did_you_mean
from knowledge.questions import Difficulty, Question

_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TOKEN = re.compile(r"[a-z0-9]{4,16}", re.IGNORECASE)


def text(study: Study, typed: str) -> str:
    return typed


def round_key(study: Study, typed: str) -> str:
    if not _TOKEN.fullmatch(typed):
        raise UserError(f"“{typed[:40]}” is not the mark of a question, like k3f7w2ab.")
    return typed.lower()


def one_of(*choices: str) -> Callable[[Study, str], str]:
    """A reader that takes these words and nothing else."""

    def read(study: Study, typed: str) -> str:
        if typed.lower() in choices:
            return typed.lower()
        raise UserError(f"“{typed[:40]}” is not one of {', '.join(choices)}.")

    return read


def whole_number(least: int, most: int) -> Callable[[Study, str], int]:
    """A reader for a whole number within these limits."""

    def read(study: Study, typed: str) -> int:
        if re.fullmatch(r"\d{1,4}", typed) and least <= int(typed) <= most:
            return int(typed)
        raise UserError(f"“{typed[:40]}” is not a whole number from {least} to {most}.")

    return read


def on_or_off(study: Study, typed: str) -> bool:
    if typed.lower() in {"on", "yes"}:
        return True
    if typed.lower() in {"off", "no"}:
        return False
    raise UserError(f"“{typed[:40]}” is neither on nor off.")


def schedule(study: Study, typed: str) -> int | str:
    """A schedule: its number in its channel's list, or the mark that buttons have for it, like s12."""
    if re.fullmatch(r"[1-9]|10", typed):
        return int(typed)
    if re.fullmatch(r"s[1-9]\d{0,17}", typed.lower()):
        return typed.lower()
    raise UserError(f"“{typed[:40]}” is not the number of a schedule; `schedule list` numbers them from 1 on.")


def role(study: Study, typed: str) -> str:
    """A role's id on its platform, or "" for none; a mention stands for its id."""
    found = re.fullmatch(r"(?:<@&)?(\d{1,20})>?", typed.strip())
    if found:
        return found[1]
    if typed.lower() in {"none", "nobody"}:
        return ""
    raise UserError(f"“{typed[:40]}” is no role. Pick one, or say none.")


def difficulty_or_any(study: Study, typed: str) -> Difficulty | str:
    """A difficulty, or "" for any."""
    return "" if typed.lower() == "any" else difficulty(study, typed)


def topic(study: Study, typed: str) -> str:
    return study.library.topic(typed)


def topics(study: Study, typed: str) -> tuple[str, ...]:
    """Topics with commas between them; "all" alone is none in particular."""
    named = [name for name in typed.split(",") if name.strip() and name.strip().lower() != "all"]
    return tuple(dict.fromkeys(study.library.topic(name) for name in named))


def difficulty(study: Study, typed: str) -> Difficulty:
    try:
        return Difficulty(typed.lower())
    except ValueError:
        raise UserError(f"“{typed[:40]}” is no difficulty; they are easy, medium and hard.") from None


def question(study: Study, typed: str) -> Question:
    return study.library.question(typed)


def time_of_day(study: Study, typed: str) -> time:
    """A time of day: 09:30, 9:30, 9, 9am."""
    if found := _TIME.fullmatch(typed.strip()):
        hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif half:
            hour = 99
        if hour <= 23 and minute <= 59:
            return time(hour, minute)
    raise UserError(f"“{typed[:40]}” is not a time of day; write it like 09:30.")


def time_or_off(study: Study, typed: str) -> time | Literal["off"]:
    """A time of day, or "off". A bare number is none: `me 7` was hardly meant to ask for messages."""
    if typed.lower().strip() == "off":
        return "off"
    try:
        if not typed.strip().isdigit():
            return time_of_day(study, typed)
    except UserError:
        pass
    raise UserError(f"“{typed[:40]}” is not a time of day; write it like 20:00, or off for no reminders.")


def zone(study: Study, typed: str) -> ZoneInfo:
    return parse_zone(typed)


def day(study: Study, typed: str) -> date:
    """A date as 2027-01-31, or tomorrow (in UTC)."""
    if typed.lower() == "tomorrow":
        return study.clock().date() + timedelta(days=1)
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise UserError(f"“{typed[:40]}” is not a date; write it like 2027-01-31.") from None


def weekdays(study: Study, typed: str) -> str:
    """Weekdays as digits, Monday 0: from names, ranges, "weekdays", "weekends", "daily" or "none"."""
    named = {"weekdays": "01234", "weekends": "56", "weekend": "56", "daily": "0123456", "everyday": "0123456"}
    typed = typed.lower().strip()
    if typed in {"none", "no"}:
        return ""
    found: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", typed)):
        if part in named:
            found.update(map(int, named[part]))
            continue
        first, _, last = part.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return "".join(map(str, sorted(found)))


def some_weekdays(study: Study, typed: str) -> str:
    """As `weekdays`, and at least one."""
    if found := weekdays(study, typed):
        return found
    raise UserError("A schedule needs at least one weekday, like mon-fri.")


def _weekday(name: str) -> int:
    for index, full in enumerate(_FULL):
        if len(name) >= 2 and full.startswith(name):
            return index
    hint = did_you_mean(name, _FULL)
    raise UserError(f"“{name[:40]}” is no weekday; write them like mon,wed,fri or mon-fri.{hint}")
