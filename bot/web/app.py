"""The web application's routes: health, readiness, and those of the platforms."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.app import App


def web_app(app: App, routes: Sequence[Route] = ()) -> Starlette:
    """Build the application. `/healthz` says that the program runs, `/readyz` whether it can serve members.

    `/readyz` answers 200 even while search matches words alone, since everything else works then. It answers 503, with
    the reason, if the database can't be used.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if problem := await app.readiness_problem():
            return PlainTextResponse(f"{problem}\n", 503)
        lacking = app.search_status
        return PlainTextResponse(f"ok, except search by meaning: {lacking}\n" if lacking else "ok\n")

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), *routes])
