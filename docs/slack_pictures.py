"""Pictures of Studyhall on Slack: two weeks in a workspace, with the exact blocks that Slack would get.

    python docs/slack_pictures.py [NAME ...]        (or `make pictures`, for the ones in the README)

The commands, the store, the bank and the scheduler are real; only the clock is moved by hand. `docs/slack_preview.py`
makes the pages, and Chromium draws them; it must be installed: on Debian, `apt install chromium fonts-noto-core
fonts-noto-color-emoji fonts-noto-cjk`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.async_api import async_playwright
from slack_preview import CHANNEL, message, modal, page, view
from typing_extensions import override

from bot import logs
from bot.app import App, TerminalPosts, open_library
from bot.config import loader
from bot.context.identity import Actor, Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostOptions
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.slack.forms import Invocation, form_view, missing_fields
from bot.platforms.slack.render import render_home
from bot.platforms.slack.render_images import render_with_images
from bot.replies import Picture, QuestionCard, Reply
from bot.scheduler import Scheduler
from bot.store.engine import Store
from bot.store.upgrade import upgrade

IMAGES = Path(__file__).parent / "images"
README_PICTURES = ("daily", "verdict-wrong", "leaderboard", "settings", "form", "home")
"""The pictures that the README shows."""
PARIS = ZoneInfo("Europe/Paris")
FIRST_DAY = datetime(2026, 11, 2, 8, 0, 5, tzinfo=ZoneInfo("UTC"))
PLACE = Location("slack", "T1", "C1", "Interview club", CHANNEL)
PEOPLE = ("ada", "bob", "cleo", "dan", "maya")
WORDS = "It maps an input to a distribution over a latent space and draws a sample from it to decode."


@dataclass(frozen=True)
class Album:
    """Where the pictures go, and which ones are wanted; all of them if none are named."""

    browser: Any
    folder: Path
    wanted: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        return not self.wanted or name in self.wanted

    async def keep(self, name: str, content: str) -> None:
        if not self.wants(name):
            return
        tab = await self.browser.new_page(device_scale_factor=1.5, viewport={"width": 660, "height": 400})
        await tab.set_content(content)
        png = await tab.locator("#all").screenshot()
        await tab.close()
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        file = self.folder / f"slack-{name}.png"
        picture.quantize(256).save(file, optimize=True)
        print(f"{file.name}: {picture.width} x {picture.height}, {file.stat().st_size // 1024} KiB", flush=True)


class Channel(Outbox):
    """Remembers the channel's newest post."""

    capabilities = frozenset({"thread"})

    def __init__(self) -> None:
        self.newest = Reply(())

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        self.newest = reply
        return key

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        self.newest = reply

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        return

    @override
    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        return ref

    @override
    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        return


class Story:
    """A workspace with a manager and members who study; the clock is moved by hand."""

    def __init__(self, store: Store, library: Any, album: Album) -> None:
        self.now = FIRST_DAY - timedelta(hours=1)
        self.album, self.channel = album, Channel()
        study = Study(store=store, library=library, clock=lambda: self.now)
        self.app = App(registry(), study, TerminalPosts(store))
        self.app.attach("slack", self.channel)
        self.scheduler = Scheduler(study, 5)
        self._ids = itertools.count(1)

    async def asks(self, who: str, line: str, **values: str) -> Reply:
        """Return the final reply to a command."""
        actor = Actor(f"U{who.upper()}", who, manager=who == "maya")
        request = Request(PLACE, actor, str(next(self._ids)), self.now, line, values=values)
        return [reply async for reply in handle(self.app.registry, self.app.study, request)][-1]

    async def keep(self, name: str, reply: Reply, *, private: bool = True, posted: bool = False) -> Reply:
        """Picture a reply: an answer to a command, or a message that's `posted`, which may have Markdown and tables."""
        if self.album.wants(name):
            messages = []
            for rendered in await render_with_images(self.app.renderer, reply, answer=not posted):
                files = [file.png for file in rendered.files if isinstance(file, Picture)]
                messages.append(message(rendered.blocks, self.now, files, private=private))
            await self.album.keep(name, page(messages))
        return reply

    async def turn(self, day: int, hours: int = 0) -> Reply:
        """Run the scheduler at that time, and return the newest post."""
        self.now = FIRST_DAY + timedelta(days=day, hours=hours)
        await self.scheduler.run_once()
        return self.channel.newest

    def lines(self, reply: Reply) -> tuple[str, str]:
        """Return the command lines of a right and a wrong answer's buttons."""
        card = next(block for block in reply.blocks if isinstance(block, QuestionCard))
        question = next(q for q in self.app.study.library.bank if q.title == card.question)
        right = question.choices[question.right_choice].text
        lines = sorted((option.text != right, option.button.line) for option in card.options if option.button)
        return lines[0][1], lines[1][1]


async def live(story: Story) -> None:
    line = "schedule setup 09:00 Europe/Paris topics=gan,vae,rag"
    await story.keep("settings", await story.asks("maya", line))
    for who in ("ada", "bob"):
        await story.asks(who, "me rest_days=sat,sun zone=Europe/Paris")
    for name in ("Blue", "Red"):
        await story.asks("maya", f"team create {name}")
    for day in range(12):
        post = await story.turn(day)
        if day % 7 > 4:
            continue
        right, wrong = story.lines(post)
        for number, who in enumerate(PEOPLE):
            story.now += timedelta(minutes=4)
            if (day + number) % 5 or who == "ada":
                await story.asks(who, right if (day * 7 + number) % 3 else wrong)
        await story.scheduler.run_once()
        if day == 9:
            await story.keep("daily", story.channel.newest, private=False, posted=True)
        reveal = await story.turn(day, hours=9)
        if day == 9:
            await story.keep("reveal", reveal, private=False, posted=True)
    story.now -= timedelta(hours=3)
    await looked(story)


async def looked(story: Story) -> None:
    for name, line in (
        ("streak", "streak"),
        ("streak-drawn", "streak picture"),
        ("streak-why", "streak why"),
        ("leaderboard", "leaderboard month"),
        ("leaderboard-drawn", "leaderboard month picture"),
        ("topics", "topics"),
        ("teams", "team list"),
        ("help", "help"),
        ("help-one", "help schedule setup"),
        ("me", "me"),
        ("ask", "ask why is lora cheap"),
        ("depth", "show lora depth"),
        ("nothing", "ask how do I bake bread"),
        ("explain", "explain how does a gan learn"),
        ("unknown", "leederboard"),
    ):
        command = line.partition(" ")[0]
        reply = await story.asks("ada", line)
        await story.keep(name, reply, private=command != "leaderboard", posted=command == "explain")
    await answers(story)
    await forms(story)
    await story.album.keep("home", page([view(render_home([await story.asks("maya", "home")]))]))


async def forms(story: Story) -> None:
    """Picture the forms of commands with missing values."""
    card = await story.asks("bob", "question fine-tuning")
    bob = Actor("UBOB", "bob", zone="Europe/Paris")
    write = next(block.write.line for block in card.blocks if isinstance(block, QuestionCard) and block.write)
    for name, line in (("form", "schedule setup"), ("form-share", "share explanation 1"), ("form-words", write)):
        command, values = story.app.registry.parse(story.app.study, line)
        fields = missing_fields(command, values)
        view_body = form_view(story.app, command, fields, Invocation(line, PLACE), values, actor=bob)
        await story.album.keep(name, page([modal(view_body)]))


async def answers(story: Story) -> None:
    card = await story.keep("card", await story.asks("bob", "question gan"))
    await story.keep("verdict", await story.asks("bob", story.lines(card)[0]))
    card = await story.asks("bob", "question vae")
    await story.keep("verdict-wrong", await story.asks("bob", story.lines(card)[1]))
    card = await story.asks("bob", "question vae")
    write = next(block.write for block in card.blocks if isinstance(block, QuestionCard))
    if write is not None:
        await story.keep("words", await story.asks("bob", write.line, text=WORDS))
    await story.keep("schedules", await story.asks("maya", "schedule list"))


def announce(done: int, _: int) -> None:
    """Say that the index is being built, which happens once."""
    if not done:
        print(
            "Building the question bank's index. This happens once and takes a minute or two.",
            file=sys.stderr,
            flush=True,
        )


async def draw(folder: Path, wanted: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        url = f"sqlite:///{Path(temporary) / 'club.db'}"
        await asyncio.to_thread(upgrade, url)
        store = await Store.open(url)
        library, _ = open_library(loader.load(), announce)
        await library.wait_ready()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                story = Story(store, library, Album(browser, folder, wanted))
                await live(story)
                story.app.renderer.close()
                await browser.close()
        finally:
            library.close()
            await store.close()


def main() -> None:
    options = argparse.ArgumentParser(description="Pictures of Studyhall on Slack.")
    options.add_argument("names", nargs="*", help="which pictures to make (default: all)")
    options.add_argument("--out", type=Path, default=IMAGES)
    options.add_argument("--kept", action="store_true", help="only the pictures that the README shows")
    chosen = options.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("Chromium isn't installed, so the Slack pictures stay as they are.")
    logs.set_up("error")
    chosen.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(chosen.out, README_PICTURES if chosen.kept else tuple(chosen.names)))


if __name__ == "__main__":
    main()
