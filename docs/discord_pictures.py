"""Pictures of Studyhall on Discord: three days in a simulated server, drawn as Discord draws messages.

    python docs/discord_pictures.py [NAME ...]        (or `make pictures`, which keeps the chosen ones)

The client, the store, the bank and the scheduler are real; Discord is simcord's, and its preview is drawn by Chromium,
which has to be installed: on Debian, `apt install chromium fonts-noto-color-emoji`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import discord
import simcord
from PIL import Image
from playwright.async_api import async_playwright
from simcord.components import walk_components
from sqlalchemy import Connection, select

from bot import logs
from bot.app import App, TerminalPosts, open_library
from bot.config import loader
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import StudyClient
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Round
from bot.store.upgrade import upgrade
from bot.study.practice.rounds import LETTERS, display_order
from knowledge.questions import Question

IMAGES = Path(__file__).parent / "images"
README_PICTURES = ("daily", "verdict-wrong", "explain", "settings", "leaderboard", "streak")
WIDTH, HEIGHT = 640, 1400
LIGHT = """
:root {
  color-scheme: light; background: #fbfbfb; color: #323339; --discord-bg: #fbfbfb; --discord-surface: #f3f3f4;
  --discord-elevated: #fff; --discord-control: #fff; --discord-hover: #ececed; --discord-text: #2f3035;
  --discord-muted: #6a6b74; --discord-subtle: #5c5d67; --discord-border: #d9d9dc; --component-surface: #fff;
  --component-border: #dfdfe1; --modal-surface: #fff; --modal-separator: #e3e3e6; --control-border: #d3d3d7;
  --chip-surface: #ececee; --list-surface: #fff; --option-hover: #f0f0f2; --input-surface: #fbfbfb;
  --input-placeholder: #7b7c85; --button-alt: #e8e8eb; --button-alt-hover: #e0e0e4; --code-surface: #f3f3f5;
  --code-border: #dfdfe3; --code-text: #2f3035; --link-text: #0068c9; --link-accent: #006ce7; --entity-text: #4b4c54;
  --entity-dim: #63646d; --modal-trigger-border: #d3d3d7; --disclaimer-bg: #fdf3e0; --disclaimer-text: #2f3035;
  --button-secondary-surface: #e8e8eb;
}
.message-content, .button-style-2, .button-secondary { color: #2f3035; }
"""
"""Roughly Discord's light theme, which the preview lacks."""
PEOPLE = ("ada", "bob", "cleo", "dan")


def parts(message: Any) -> list[dict[str, Any]]:
    components = message.components
    if isinstance(message, discord.Message):
        components = [component.to_dict() for component in components]
    return list(walk_components(components))


@dataclass(frozen=True)
class Album:
    """Where the pictures go, which ones to draw (all if none are named), and in which theme."""

    folder: Path
    wanted: tuple[str, ...] = ()
    light: bool = False

    def keep(self, name: str, png: bytes) -> None:
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        file = self.folder / f"discord-{name}{'-light' * self.light}.png"
        picture.quantize(256).save(file, optimize=True)
        print(f"{file.name}: {picture.width} x {picture.height}, {file.stat().st_size // 1024} KiB", flush=True)


class Story:
    """A server with a manager and four members, and an album of what they see."""

    def __init__(self, env: Any, app: App, chromium: Any, album: Album) -> None:
        self.env, self.app, self.chromium, self.album = env, app, chromium, album
        env.backend.bot_user.name = "Studyhall"
        self.guild = env.create_guild("Interview club")
        self.channel = self.guild.create_text_channel("daily-question")
        host = self.guild.create_role("Hosts", permissions=discord.Permissions(manage_guild=True))
        self.maya = self.guild.add_member(env.create_user("maya"), roles=[host])
        self.members = [self.guild.add_member(env.create_user(name)) for name in PEOPLE]

    async def keep(self, name: str, target: Any, viewer: Any, channel: Any = None) -> None:
        """Save a picture of a message as `viewer` sees it."""
        if self.album.wanted and name not in self.album.wanted:
            return
        async with self.env.preview(
            channel or self.channel, viewers=[viewer], width=WIDTH, height=HEIGHT, timezone="Europe/Paris"
        ) as preview:
            # The preview would start its own browser; it closes this one instead.
            preview._capture_manager._browser = await self._browser()  # noqa: SLF001  # simcord has no setting for it
            shot = await preview.screenshot(viewer=viewer, target=target, allow_incomplete=True)
        self.album.keep(name, shot.png)

    async def _browser(self) -> Any:
        browser = await self.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if self.album.light:
            browser.new_context = partial(_lit, browser.new_context)
        return browser

    def forward(self, moment: datetime) -> None:
        self.env.backend.advance_clock((moment - self.env.now()).total_seconds())

    async def turn(self) -> None:
        await Scheduler(self.app.study, 5).run_once()
        await self.env.settle()

    @property
    def post(self) -> discord.Message:
        """The bot's newest message with buttons in the channel."""
        newest: discord.Message = next(m for m in reversed(self.channel.history()) if m.components)
        return newest

    async def right_answer(self, message: Any) -> tuple[str, Question]:
        """Return the label of the right answer's button, and the question."""
        line = next(part["custom_id"] for part in parts(message) if part.get("custom_id", "").startswith("answer "))
        question_round = await self.app.study.store.query(_round_by_key, line.split()[1])
        question = self.app.study.library.question(question_round.question_id)
        return LETTERS[display_order(question_round).index(question.right_choice)].upper(), question


def _round_by_key(connection: Connection, round_key: str) -> Round:
    statement = select(tables.rounds).where(tables.rounds.c.round_key == round_key)
    return Round.of(connection.execute(statement).mappings().one())


async def _lit(new_context: Callable[..., Awaitable[Any]], **options: Any) -> Any:
    """Open a browser context with light pages, by script: the preview's security rules allow no other style sheet."""
    context = await new_context(**options)
    await context.add_init_script(
        f"const light = new CSSStyleSheet(); light.replaceSync({json.dumps(LIGHT)});"
        "document.adoptedStyleSheets = [light];"
    )
    return context


async def live(story: Story) -> None:
    maya, (ada, bob, cleo, dan) = story.maya, story.members
    channel = story.channel
    await story.keep("setup", await maya.slash(channel, "schedule setup"), maya)
    set_up = await maya.slash(
        channel, "schedule setup", time="09:00", zone="Europe/Paris", thread="on", pin="on", topics="gan,vae,rag"
    )
    await story.keep("settings", set_up, maya)
    for member in (ada, bob):
        await member.slash(channel, "me", rest_days="sat,sun")
    for name in ("Blue", "Red"):
        await maya.slash(channel, "team create", name=name)
    day = story.env.now().replace(hour=8, minute=0, second=5)
    for number in range(12):
        story.forward(day + timedelta(days=number))
        await story.turn()
        post = story.post
        if number % 7 < 5 and post.created_at > story.env.now() - timedelta(hours=1):
            right, _ = await story.right_answer(post)
            wrong = next(letter for letter in "ABCD" if letter != right)
            for place, member in enumerate((ada, bob, cleo, dan, maya)):
                if (number + place) % 5 or member is ada:
                    await member.click(post, label=right if (number * 7 + place) % 3 else wrong)
            story.env.backend.advance_clock(20)
            await story.turn()
            if number == 4:
                await story.keep("daily", story.post, ada)
        if number < 11:
            story.forward(day + timedelta(days=number, hours=10))
            await story.turn()
            if number == 4:
                await story.keep("reveal", reveal := story.post, ada)
                asked = reveal.reference.message_id if reveal.reference else 0
                await story.keep("closed", next(m for m in channel.history() if m.id == asked), ada)
    await looked(story, channel, ada, bob)


async def looked(story: Story, channel: Any, ada: Any, bob: Any) -> None:
    for name, command, options in (
        ("streak-words", "streak", {}),
        ("streak", "streak", {"view": "picture"}),
        ("streak-why", "streak", {"view": "why"}),
        ("leaderboard-words", "leaderboard", {"period": "month"}),
        ("leaderboard", "leaderboard", {"period": "month", "view": "picture"}),
        ("topics", "topics", {}),
        ("teams", "team list", {}),
        ("help", "help", {}),
        ("help-one", "help", {"command": "schedule setup"}),
        ("me", "me", {"remind": "20:00"}),
        ("ask", "ask", {"text": "why is lora cheap"}),
        ("nothing", "ask", {"text": "how do I bake bread"}),
        ("explain", "explain", {"text": "how does a gan learn"}),
    ):
        await story.keep(name, await ada.slash(channel, command, **options), ada)
    found = await ada.slash(channel, "ask", text="what is the vae loss")
    for name, label in (("depth", "In depth"), ("points", "Key points"), ("related", "Related")):
        await story.keep(name, await ada.click(found.response, label=label), ada)
    await ada.click((await ada.slash(channel, "ask", text="what is rag")).response, label="Share")
    await story.keep("share", next(m for m in reversed(channel.history()) if m.components), bob)
    asked = await bob.slash(channel, "question", topic="gan")
    await story.keep("card", asked, bob)
    right, _ = await story.right_answer(asked.response)
    await story.keep("verdict", await bob.click(asked.response, label=right), bob)
    asked = await bob.slash(channel, "question", topic="vae")
    right, _ = await story.right_answer(asked.response)
    wrong = next(letter for letter in "ABCD" if letter != right)
    verdict = await bob.click(asked.response, label=wrong)
    await story.keep("verdict-wrong", verdict, bob)
    form = await bob.click(verdict.response, label="Report this question")
    await bob.submit_modal(form, {"what": "The second choice is right, too: see the paper."})
    await story.keep("reports", await story.maya.slash(channel, "reports list"), story.maya)
    await story.keep("schedules", await story.maya.slash(channel, "schedule list"), story.maya)
    asked = await bob.slash(channel, "question", topic="vae")
    _, question = await story.right_answer(asked.response)
    form = await bob.click(asked.response, label="In my own words")
    await story.keep("form", form, bob)
    some = ". ".join(question.answer.split(". ")[:3]) + "."
    await story.keep("words", await bob.submit_modal(form, {"text": some}), bob)
    form = await bob.slash(channel, "team join")
    await story.keep("refused", await bob.submit_modal(form, {"name": "Purple people"}), bob)
    await story.keep("profile", await bob.context_menu(channel, "Study profile", ada), bob)


def announce(done: int, _: int) -> None:
    """Say that the index is being built, which happens once."""
    if not done:
        print("Building the bank's index, once. This takes a minute or two.", file=sys.stderr, flush=True)


async def draw(album: Album) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'club.db'}"
        await asyncio.to_thread(upgrade, url)
        store = await Store.open(url)
        library, _ = open_library(loader.load(), announce)
        await library.wait_ready()
        now: list[Any] = []

        def clock() -> datetime:
            moment: datetime = now[0].now()
            return moment

        study = Study(store=store, library=library, clock=clock)
        app = App(registry(), study, TerminalPosts(store))
        try:
            client = StudyClient(app, token="pictures")  # noqa: S106  # the simulation takes any
            async with async_playwright() as playwright, simcord.run(client, shard_count=1) as env:
                now.append(env)
                await live(Story(env, app, playwright.chromium, album))
        finally:
            app.renderer.close()
            library.close()
            await store.close()


def main() -> None:
    options = argparse.ArgumentParser(description="Pictures of Studyhall on Discord.")
    options.add_argument("names", nargs="*", help="which pictures to draw (default: all)")
    options.add_argument("--out", type=Path, default=IMAGES)
    options.add_argument("--kept", action="store_true", help="only those in the README")
    options.add_argument("--light", action="store_true", help="in the light theme")
    chosen = options.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("Chromium isn't installed, so the pictures of Discord weren't updated.")
    logs.set_up("error")
    chosen.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(Album(chosen.out, README_PICTURES if chosen.kept else tuple(chosen.names), chosen.light)))


if __name__ == "__main__":
    main()
