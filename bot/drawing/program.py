"""The drawing process: `python -m bot.drawing.program` reads subjects from its input and writes their pictures.

Both are pickles, one after the other. The process ends when its input does, so it never outlives the bot, however that
ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue

from bot.replies import Calendar, Mastery, Standings

Chart = Standings | Calendar | Mastery
Subject = str | Chart
"""What a picture shows: a display formula's LaTeX, or a chart."""


def draw(subject: Subject) -> bytes | None:
    """Return a PNG, or None for what can't be drawn correctly and legibly."""
    match subject:
        case str():
            from bot.drawing.formula import formula

            return formula(subject)
        case Standings():
            from bot.drawing.charts import standings

            return standings(subject)
        case Calendar():
            from bot.drawing.calendar import calendar

            return calendar(subject)
        case Mastery():
            from bot.drawing.charts import mastery

            return mastery(subject)


def serve(draw: Callable[[Subject], bytes | None]) -> None:
    """Answer each subject with a pair: its picture, and the traceback of what went wrong, or "". Return at the end.

    The drawing has a thread of its own, and is abandoned at the end: otherwise, one that hangs would keep the process
    from noticing.
    """
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # sent to the bot's whole group; the bot may still need pictures
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not spoil the answers
    subjects: SimpleQueue[Subject] = SimpleQueue()

    def work() -> None:
        while True:
            try:
                answer = draw(subjects.get()), ""
            except Exception:
                answer = None, traceback.format_exc()
            pickle.dump(answer, answers)
            answers.flush()

    threading.Thread(target=work, name="drawing", daemon=True).start()
    while True:
        try:
            subjects.put(pickle.load(sys.stdin.buffer))  # noqa: S301 (from our own process)
        except EOFError:
            return


if __name__ == "__main__":
    serve(draw)
