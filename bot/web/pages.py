"""The pages on privacy and terms, which both platforms ask for when an app is set up: `privacy.md` and `terms.md`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.text.html import html

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 40rem; font: 1.05rem/1.6 system-ui, sans-serif; }
h1 { font-size: 1.8rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
li { margin: .4rem 0; } code { font-size: .95em; padding: .1em .3em; border-radius: .25em; background: #8882; }
"""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs the bot, and how to reach them; both may be empty."""

    name: str = ""
    contact: str = ""


def pages(operator: Operator) -> list[Route]:
    """Return the routes of both pages."""
    return [_route("privacy", operator), _route("terms", operator)]


def _route(name: str, operator: Operator) -> Route:
    text = files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    who = f"This one is run by {escape(operator.name)}." if operator.name else ""
    contact = f"Questions? Write to {escape(operator.contact)}." if operator.contact else ""
    page = _page(name.capitalize(), html(text).replace("{operator}", who).replace("{contact}", contact))

    async def show(_: Request) -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"})

    return Route(f"/{name}", show)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Studyhall</title><style>{STYLE}</style></head><body>\n{body}</body></html>\n"
    )
