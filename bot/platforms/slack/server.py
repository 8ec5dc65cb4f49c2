"""The HTTP routes: what Slack sends, and the pages on which a workspace installs the app."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from http import HTTPStatus

import structlog
from slack_bolt.adapter.starlette.async_handler import (
    to_async_bolt_request,
    to_starlette_response,
)
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import metrics
from bot.platforms.slack.manifest import EVENTS_PATH, REDIRECT_PATH
from bot.platforms.slack.oauth import INSTALL_PATH

MAX_BODY_SIZE = 1_000_000
"""Bytes; Slack's own requests are far smaller."""

MAX_AGE = 300
"""Seconds that a timestamp may be off; Slack advises five minutes, against replays."""

TIMESTAMP = re.compile(r"[0-9]{1,12}")

log = structlog.get_logger()


def routes(bolt: AsyncApp, signing_secret: str, install_flow: AsyncOAuthFlow | None = None) -> list[Route]:
    """Return the route for Slack's requests, and for the install pages if there's a flow for them."""

    async def events(request: Request) -> Response:
        began = time.perf_counter()
        if not _is_fresh(request):
            return PlainTextResponse("not signed by Slack\n", 401)
        try:
            body = await _body(request)
        except ClientDisconnect:
            log.debug("request_aborted", path=EVENTS_PATH)
            return PlainTextResponse("aborted\n", 400)  # for nobody; uvicorn drops it
        if body is None:
            return PlainTextResponse("too large\n", 413)
        if not _is_signed(request, body, signing_secret):
            return PlainTextResponse("not signed by Slack\n", 401)
        if (parsed := _parsed(request, body)) is None:
            return PlainTextResponse("not understood\n", 400)
        response = await bolt.async_dispatch(parsed)
        if response.status == HTTPStatus.OK:
            metrics.ACKNOWLEDGMENT_TIME.labels("slack").observe(time.perf_counter() - began)
        return to_starlette_response(response)

    events_route = Route(EVENTS_PATH, events, methods=["POST"])
    if install_flow is None:
        return [events_route]

    async def install(request: Request) -> Response:
        return to_starlette_response(await install_flow.handle_installation(to_async_bolt_request(request, b"")))

    async def redirect(request: Request) -> Response:
        return to_starlette_response(await install_flow.handle_callback(to_async_bolt_request(request, b"")))

    return [events_route, Route(INSTALL_PATH, install), Route(REDIRECT_PATH, redirect)]


def _is_fresh(request: Request) -> bool:
    """Return whether the timestamp is close to now, which can be told without the body."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    return TIMESTAMP.fullmatch(timestamp) is not None and abs(time.time() - int(timestamp)) <= MAX_AGE


def _is_signed(request: Request, body: bytes, secret: str) -> bool:
    """Return whether Slack signed these bytes. Bolt checks it too, but only after the body has been parsed."""
    signature = request.headers.get("x-slack-signature", "")
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={digest}".encode(), signature.encode())


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it's too large, whatever its headers say."""
    if int(request.headers.get("content-length", "0")) > MAX_BODY_SIZE:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_SIZE:
            return None
    return bytes(body)


def _parsed(request: Request, body: bytes) -> AsyncBoltRequest | None:
    """Return the request for Bolt; None if the body isn't text, or isn't JSON although it should be."""
    try:
        parsed = to_async_bolt_request(request, body)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return parsed if isinstance(parsed.body, dict) else None
