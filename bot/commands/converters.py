"""Turn text into a parameter's value, like `mon-fri` or `9am`, without I/O. All raise UserError with what is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.context.local_time import parse_zone
from bot.context.study import Study
from bot.errors import UserError, did_you_mean
from knowledge.questions import Difficulty, Question

_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ROUND_KEY = re.compile(r"[a-z0-9]{4,16}", re.IGNORECASE)


def text(_study: Study, typed: str) -> str:
    """Return the text unchanged."""
    return typed


def round_key(_study: Study, typed: str) -> str:
    """Return the key of a round or an explanation in lowercase."""
    if not _ROUND_KEY.fullmatch(typed):
        raise UserError(f"“{typed[:40]}” isn't a key. A key looks like k3f7w2ab.")
    return typed.lower()


def one_of(*choices: str) -> Callable[[Study, str], str]:
    """Return a converter that accepts these words, in any case."""

    def read(_study: Study, typed: str) -> str:
        if typed.lower() in choices:
            return typed.lower()
        raise UserError(f"“{typed[:40]}” isn't an option here. Use {alternatives(choices)}.")

    return read


def alternatives(words: Sequence[str]) -> str:
    """Return the words as in "a, b or c"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def exactly(word: str, hint: str) -> Callable[[Study, str], str]:
    """Return a converter that accepts one word, in any case, and says `hint` to anything else."""

    def read(_study: Study, typed: str) -> str:
        if typed.lower() == word:
            return word
        raise UserError(hint)

    return read


def whole_number(minimum: int, maximum: int) -> Callable[[Study, str], int]:
    """Return a converter for whole numbers from `minimum` to `maximum`, both included."""

    def read(_study: Study, typed: str) -> int:
        if re.fullmatch(r"\d{1,4}", typed) and minimum <= int(typed) <= maximum:
            return int(typed)
        raise UserError(f"“{typed[:40]}” isn't a whole number from {minimum} to {maximum}.")

    return read


def on_or_off(_study: Study, typed: str) -> bool:
    """Return True for "on" or "yes", False for "off" or "no"."""
    if typed.lower() in {"on", "yes"}:
        return True
    if typed.lower() in {"off", "no"}:
        return False
    raise UserError(f"“{typed[:40]}” isn't on or off.")


def schedule(_study: Study, typed: str) -> int | str:
    """Return a schedule's number in its channel's list, or the key that buttons use, like s12."""
    if re.fullmatch(r"[1-9]|10", typed):
        return int(typed)
    if re.fullmatch(r"s[1-9]\d{0,17}", typed.lower()):
        return typed.lower()
    raise UserError(f"“{typed[:40]}” isn't a schedule's number. `schedule list` shows the numbers.")


def role(_study: Study, typed: str) -> str:
    """Return the id of a role to mention; "" for none."""
    if match := re.fullmatch(r"(?:<@&)?(\d{1,20})>?", typed.strip()):
        return match[1]
    if typed.lower() in {"none", "nobody"}:
        return ""
    raise UserError(f"“{typed[:40]}” isn't a role. Pick one, or type none.")


def difficulty_or_any(study: Study, typed: str) -> Difficulty | str:
    """Return a difficulty, or "" for any."""
    return "" if typed.lower() == "any" else difficulty(study, typed)


def topic(study: Study, typed: str) -> str:
    """Return the name of a topic."""
    return study.library.topic(typed)


def topics(study: Study, typed: str) -> tuple[str, ...]:
    """Return the topics of a comma-separated list, without repeats; none for "all"."""
    named = [name for name in typed.split(",") if name.strip() and name.strip().lower() != "all"]
    return tuple(dict.fromkeys(study.library.topic(name) for name in named))


def difficulty(_study: Study, typed: str) -> Difficulty:
    """Return a difficulty."""
    try:
        return Difficulty(typed.lower())
    except ValueError:
        raise UserError(f"“{typed[:40]}” isn't a difficulty. Use easy, medium or hard.") from None


def question(study: Study, typed: str) -> Question:
    """Find a question by its id."""
    return study.library.question(typed)


def time_of_day(_study: Study, typed: str) -> time:
    """Return a time of day, typed as 09:30, 9:30, 9 or 9am."""
    if match := _TIME.fullmatch(typed.strip()):
        hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif half:
            hour = 24  # refused below
        if hour <= 23 and minute <= 59:
            return time(hour, minute)
    raise UserError(f"“{typed[:40]}” isn't a time of day. Write it like 09:30.")


def time_or_off(study: Study, typed: str) -> time | Literal["off"]:
    """Return a time of day, or "off". A bare number is refused, because `me 7` is probably not about reminders."""
    if typed.lower().strip() == "off":
        return "off"
    try:
        if not typed.strip().isdigit():
            return time_of_day(study, typed)
    except UserError:
        pass
    raise UserError(f"“{typed[:40]}” isn't a time of day. Write it like 20:00, or off for no reminders.")


def zone(_study: Study, typed: str) -> ZoneInfo:
    """Return a time zone."""
    return parse_zone(typed)


def day(study: Study, typed: str) -> date:
    """Return a date, typed as 2027-01-31 or "tomorrow" (in UTC)."""
    if typed.lower() == "tomorrow":
        return study.clock().date() + timedelta(days=1)
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise UserError(f"“{typed[:40]}” isn't a date. Write it like 2027-01-31.") from None


def weekdays(_study: Study, typed: str) -> str:
    """Return weekdays as digits, Monday as 0, typed as names, ranges, "weekdays", "weekends", "daily" or "none"."""
    named = {"weekdays": "01234", "weekends": "56", "weekend": "56", "daily": "0123456", "everyday": "0123456"}
    typed = typed.lower().strip()
    if typed in {"none", "no"}:
        return ""
    days: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", typed)):
        if part in named:
            days.update(map(int, named[part]))
            continue
        first, _, last = part.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return "".join(map(str, sorted(days)))


def some_weekdays(study: Study, typed: str) -> str:
    """Return what `weekdays` does, but at least one day."""
    if days := weekdays(study, typed):
        return days
    raise UserError("A schedule needs at least one weekday, like mon-fri.")


def _weekday(name: str) -> int:
    for index, weekday in enumerate(_WEEKDAYS):
        if len(name) >= 2 and weekday.startswith(name):
            return index
    hint = did_you_mean(name, _WEEKDAYS)
    raise UserError(f"“{name[:40]}” isn't a weekday. Write them like mon,wed,fri or mon-fri.{hint}")
