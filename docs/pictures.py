"""The pictures of the documentation: five weeks in a study room, lived through and drawn as SVG.

    python docs/pictures.py        (or `make pictures`)

The bank, the database, the scheduler and the renderer are real; only the clock is moved by hand. Choices come in random
order, so the letters differ between runs.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.padding import Padding
from rich.terminal_theme import MONOKAI
from rich.text import Text

from bot import logs
from bot.app import App, TerminalPosts, open_library
from bot.config import loader
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.render import draw
from bot.platforms.terminal.room import Room
from bot.replies import QuestionCard, Reply
from bot.scheduler import Scheduler
from bot.store.engine import Store
from bot.store.upgrade import upgrade

IMAGES = Path(__file__).parent / "images"
PARIS = ZoneInfo("Europe/Paris")
FIRST_DAY = datetime(2026, 10, 19, 9, 0, tzinfo=PARIS)
DAYS = 31

MARGIN = (0, 1)

RIGHT = {"maya": 0.8, "ada": 0.9, "bob": 0.6, "cleo": 0.7, "dan": 0.5, "eve": 0.65}
"""Each member's share of right answers, in the order in which they answer."""
AWAY = {"maya": {24}, "ada": {3, 17}, "bob": {5, 6, 7, 19}, "cleo": {2, 12, 13, 14}, "dan": {8, 9}, "eve": {20}}
"""Days on which a member doesn't study, counted from the first."""

TEAMS = (
    "team create Blue",
    "@ada: team join Blue",
    "@bob: team join Blue",
    "@cleo: team create Red",
    "@dan: team join Red",
    "@eve: team join Red",
)

# Rich's own frame without web fonts, since a picture shouldn't load anything, and with a font slightly larger than
# 20 px, so that the lines of a box meet.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
    font-size: 21px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Classroom:
    """A study room whose clock is moved by hand, and a console to draw on."""

    def __init__(self, store: Store, library: Library) -> None:
        self.now = FIRST_DAY - timedelta(hours=1)
        study = Study(store=store, library=library, clock=lambda: self.now.astimezone(ZoneInfo("UTC")))
        self.app = App(registry(), study, TerminalPosts(store))
        outbox = TerminalOutbox(self.app.terminal_posts)
        self.app.attach("terminal", outbox)
        self.scheduler = Scheduler(study, seconds=5)
        self.room = Room(self.app, "maya")

    async def hear(self, line: str) -> Reply:
        """Return the last reply to a line."""
        return [reply async for reply in self.room.hear(line)][-1]

    async def posts(self) -> list[Reply]:
        """Run the scheduler and return the new posts."""
        await self.scheduler.run_once()
        posts = []
        for post_id, _, body in await self.app.terminal_posts.unseen():
            posts.append(restore(body))
            self.room.offer(posts[-1])
            await self.app.terminal_posts.mark_seen(post_id)
        return posts

    def letters(self, post: Reply) -> tuple[str, str]:
        """Return the letters of the right answer to a post and of a wrong one."""
        card = next(block for block in post.blocks if isinstance(block, QuestionCard))
        question = next(q for q in self.app.study.library.bank if q.title == card.question)
        right = question.choices[question.right_choice].text
        letters = sorted((option.text != right, option.letter) for option in card.options)
        return letters[0][1], letters[1][1]


async def weeks(classroom: Classroom) -> Reply:
    """Let everybody study until the morning of the last day; return that day's question."""
    await classroom.hear("schedule setup 09:00 Europe/Paris mon-fri reveal=17:00")
    await classroom.hear("me zone=Europe/Paris rest_days=sat,sun")
    for line in TEAMS:
        await classroom.hear(line)
    for number in range(DAYS):
        classroom.now = FIRST_DAY + timedelta(days=number)
        post = next(iter(await classroom.posts()), None)
        if post is None:
            continue
        if number == DAYS - 1:
            return post
        right, wrong = classroom.letters(post)
        for place, (name, share) in enumerate(RIGHT.items()):
            classroom.now += timedelta(minutes=7)
            if number not in AWAY[name]:
                luck = (number * 37 + place * 53) % 100 / 100
                await classroom.hear(f"@{name}: {right if luck < share else wrong}")
        classroom.now = FIRST_DAY.replace(hour=17) + timedelta(days=number)
        await classroom.posts()
    raise RuntimeError("the last day has no question")


def page(columns: int) -> Console:
    return Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")


def typed(console: Console, line: str) -> None:
    console.print(Padding(Text.assemble(("› ", "bold cyan"), (line, "bold")), MARGIN))


def said(console: Console, reply: Reply) -> None:
    console.print(Padding(draw(reply), MARGIN))


def save(console: Console, name: str, title: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    svg = console.export_svg(title=title, theme=MONOKAI, code_format=FRAME, unique_id=name)
    (IMAGES / f"{name}.svg").write_text(svg, encoding="utf-8")


async def live(folder: Path) -> None:
    settings = loader.load()
    url = f"sqlite:///{folder / 'room.db'}"
    await asyncio.to_thread(upgrade, url)
    store = await Store.open(url)
    library, _ = open_library(settings)
    try:
        classroom = Classroom(store, library)
        post = await weeks(classroom)
        right, wrong = classroom.letters(post)

        console = page(90)
        said(console, post)
        console.print()
        typed(console, right)
        classroom.now += timedelta(minutes=4)
        said(console, await classroom.hear(right))
        save(console, "daily", "Studyhall: the question of the day")

        for name in ("ada", "cleo", "eve"):
            classroom.now += timedelta(minutes=3)
            await classroom.hear(f"@{name}: {right}")
        await classroom.hear(f"@bob: {wrong}")
        console = page(64)
        for line in ("streak", "leaderboard month"):
            typed(console, line)
            said(console, await classroom.hear(line))
            console.print()
        save(console, "standing", "Studyhall: streak and leaderboard")
    finally:
        library.close()
        await store.close()


def main() -> None:
    logs.set_up("error")
    os.environ["TZ"] = PARIS.key  # moments are drawn in the zone of the computer
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
    for picture in sorted(IMAGES.glob("*.svg")):
        print(f"{picture.parent.name}/{picture.name}: {picture.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
