"""The pages on privacy and terms."""

from __future__ import annotations

import aiohttp
import pytest
from starlette.applications import Starlette

from bot.web.pages import Operator, pages
from bot.web.server import served


@pytest.mark.parametrize(("path", "says"), [("/privacy", "What it keeps about you"), ("/terms", "It can be wrong")])
async def test_a_page_says_who_runs_the_bot_and_is_a_whole_page(path: str, says: str) -> None:
    operator = Operator("Ada & <b>Bob</b>", "privacy@example.com")
    async with (
        served(Starlette(routes=pages(operator)), "127.0.0.1", 0) as address,
        aiohttp.ClientSession() as web,
        web.get(address + path) as answer,
    ):
        page = await answer.text()

    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert says in page
    assert "run by Ada &amp; &lt;b&gt;Bob&lt;/b&gt;." in page
    assert "Write to privacy@example.com." in page
    assert "{" not in page.replace("{ ", "").replace("{\n", "")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_without_an_operator_a_page_names_none() -> None:
    async with (
        served(Starlette(routes=pages(Operator())), "127.0.0.1", 0) as address,
        aiohttp.ClientSession() as web,
        web.get(f"{address}/terms") as answer,
    ):
        page = await answer.text()

    assert "run by" not in page
    assert "Write to" not in page
