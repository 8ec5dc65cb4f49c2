"""The routes: whether the program runs and can serve, and what platforms are told over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.app import App


def web_app(app: App, routes: Sequence[Route] = ()) -> Starlette:
    """`/healthz` says that the program runs. `/readyz` says whether it can serve members, and what is still prepared.

    It answers 200 while search goes by words alone: everything is served then. It answers 503, with the reason, where
    the database cannot be used.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if problem := await app.readiness_problem():
            return PlainTextResponse(f"{problem}\n", 503)
        lacking = app.search_status
        return PlainTextResponse(f"ok, but for search by meaning: {lacking}\n" if lacking else "ok\n")

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), *routes])
