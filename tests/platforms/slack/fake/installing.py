"""Someone adds the app to their workspace, with a browser that keeps cookies."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

LINK = re.compile(r'href="([^"]*/oauth/v2/authorize[^"]*)"')
PATH = "/oauth/v2/authorize"


@dataclass(frozen=True, slots=True)
class Page:
    """`query` is what the app sent to Slack's page."""

    status: int
    body: str
    query: dict[str, str]


async def walk(slack: Slack, url: str, user: str, agrees: bool, org_wide: bool) -> Page:
    """Follow the pages. Slack's address is replaced by the fake's, the app's public one by where it listens."""
    app = URL(url)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
        async with browser.get(app, allow_redirects=False) as first:
            cookies = {name: morsel.value for name, morsel in first.cookies.items()}
            found = LINK.search(await first.text())
            there = first.headers.get("Location") or (html.unescape(found[1]) if found else "")
            if not there:
                return Page(first.status, await first.text(), {})
        asked = URL(there).query
        page = URL(slack.address).with_path(PATH).with_query(asked)
        told = {"agrees": agrees, "org_wide": org_wide}
        page = page.update_query({"as": user} | {name: "yes" if yes else "no" for name, yes in told.items()})
        async with browser.get(page, allow_redirects=False) as agreed:
            if agreed.status != 302:
                return Page(agreed.status, await agreed.text(), dict(asked))
            back = URL(agreed.headers["Location"])
        back = URL.build(scheme=app.scheme, host=app.host or "", port=app.port, path=back.path, query=back.query)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        async with browser.get(back, headers=headers, allow_redirects=False) as last:
            return Page(last.status, await last.text(), dict(asked))
