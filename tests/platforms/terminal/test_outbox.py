"""Posts of the terminal's outbox come out as they went in."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.terminal.outbox import dump, restore
from bot.replies import Calendar, DayMark, Notice, Picture, Reply, Tone
from tests.platforms.replies import blocks


def test_times_marks_and_pictures_survive() -> None:
    reply = Reply.of(
        Notice("Soon", Tone.GOOD, when=datetime(2026, 11, 18, 9, tzinfo=UTC)),
        Calendar("Your streak", 1, 2, 0, ((date(2026, 11, 18), DayMark.STUDIED),)),
        Picture(b"\x89PNG\xff", "a chart"),
    )

    assert restore(dump(reply)) == reply


@given(st.builds(Reply, st.lists(blocks, max_size=6).map(tuple)))
def test_any_reply_comes_back_unchanged(reply: Reply) -> None:
    assert restore(dump(reply)) == reply
