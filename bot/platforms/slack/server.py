"""The way in over HTTP: what Slack sends, and the pages on which a workspace installs the app."""

from __future__ import annotations

import re

from slack_bolt.adapter.starlette.async_handler import (
    to_async_bolt_request,
    to_starlette_response,
)
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.platforms.slack.oauth import INSTALL, REDIRECT

EVENTS = "/slack/events"
LARGEST = 1_000_000
"""Bytes of a request; Slack's own are far smaller."""

STAMP = re.compile(r"[0-9]{1,12}")


def routes(bolt: AsyncApp, flow: AsyncOAuthFlow | None = None) -> list[Route]:
    """The way in, and the pages of an installation where workspaces install the app by themselves."""

    async def events(request: Request) -> Response:
        if not _may_be_signed(request):
            return PlainTextResponse("not signed by Slack\n", 401)
        if (body := await _body(request)) is None:
            return PlainTextResponse("too large\n", 413)
        if (asked := _understood(request, body)) is None:
            return PlainTextResponse("not understood\n", 400)
        return to_starlette_response(await bolt.async_dispatch(asked))

    found = [Route(EVENTS, events, methods=["POST"])]
    if flow is None:
        return found

    async def install(request: Request) -> Response:
        return to_starlette_response(await flow.handle_installation(to_async_bolt_request(request, b"")))

    async def redirect(request: Request) -> Response:
        return to_starlette_response(await flow.handle_callback(to_async_bolt_request(request, b"")))

    return [*found, Route(INSTALL, install), Route(REDIRECT, redirect)]


def _may_be_signed(request: Request) -> bool:
    """Whether the signature looks like one: Bolt checks it, and fails at what does not."""
    stamp, signature = (request.headers.get(f"x-slack-{name}", "0") for name in ("request-timestamp", "signature"))
    return STAMP.fullmatch(stamp) is not None and signature.isascii()


async def _body(request: Request) -> bytes | None:
    """None where it is too large, whatever its headers say."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _understood(request: Request, body: bytes) -> AsyncBoltRequest | None:
    """None for what is no text, or no JSON where JSON belongs."""
    try:
        asked = to_async_bolt_request(request, body)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return asked if isinstance(asked.body, dict) else None
