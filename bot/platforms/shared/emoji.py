"""Emoji that Discord and Slack share."""

from __future__ import annotations

from bot.replies import DayMark, Tone

TONES = {Tone.INFO: "", Tone.GOOD: "✅ ", Tone.WARNING: "⚠️ ", Tone.PROBLEM: "❌ "}
VERDICTS = {True: "✅", False: "❌", None: "🔹"}
MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
STATES = {"mentioned": "✅", "perhaps": "🔸", "missing": "⬜"}
MARKS = {
    DayMark.STUDIED: "🟩",
    DayMark.FREEZE: "🧊",
    DayMark.REST: "💤",
    DayMark.EXCUSED: "🟦",
    DayMark.BRIDGED: "🟪",
    DayMark.MISSED: "🟥",
    DayMark.OPEN: "🟨",
    DayMark.BLANK: "⬛",
}
WEEKDAY_LETTERS = "\N{FOUR-PER-EM SPACE}".join("ＭＴＷＴＦＳＳ")
"""The days of the week, in letters that are together about as wide as emoji, so that each is above its column."""
