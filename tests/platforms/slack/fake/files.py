"""files.*: get an upload address, upload, and complete the upload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from tests.platforms.slack.fake import chat
from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.model import File, Message
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    yield "files.getUploadURLExternal", slack.uploads.begin
    yield "files.completeUploadExternal", slack.uploads.complete


class Uploads:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def begin(self, call: Call) -> Payload:
        file_id, name = self._slack.clock.id("F"), call.text("filename")
        file = File(file_id, call.team.id, name, name, call.number("length", 0), call.text("alt_txt"))
        if not file.length:
            raise RefusalError("missing_argument")
        call.team.files[file_id] = file
        return {"upload_url": f"{self._slack.address}/upload/{call.team.id}/{file_id}", "file_id": file_id}

    async def receive(self, request: web.Request) -> web.Response:
        team = self._slack.teams.get(request.match_info["team"])
        file = team.files.get(request.match_info["file"]) if team else None
        if team is None or file is None or file.content is not None:
            return web.Response(status=404, text="file_not_found")
        content = await request.read()
        if request.content_type.startswith("multipart"):
            form = await request.post()
            content = b"".join(part.file.read() for part in form.values() if isinstance(part, web.FileField))
        if len(content) != file.length:
            self._slack.violate("upload", "upload", f"{len(content)} bytes came of {file.length} that were announced")
            return web.Response(status=400, text="length_mismatch")
        team.files[file.id] = replace(file, content=content)
        return web.Response(text=f"OK - {len(content)}")

    def complete(self, call: Call) -> Payload:
        """Complete uploads, and share them with a channel if the call names one."""
        where = call.text("channel_id") or call.text("channels")
        channel = chat.writable(call, where) if where else None
        entries = call.loaded("files") or []
        uploads = [call.team.files.get(str(entry.get("id"))) for entry in entries]
        files = [
            replace(file, title=entry.get("title") or file.name, channel=where)
            for entry, file in zip(entries, uploads, strict=True)
            if file is not None and file.content is not None
        ]
        if not files or len(files) < len(entries):
            raise RefusalError("file_not_found")
        text, shown = call.text("initial_comment"), call.loaded("blocks", "invalid_blocks_format")
        if text or shown:
            chat.hold(self._slack, call.team.id, call.method, shown, text or "…")
        for file in files:
            call.team.files[file.id] = file
            self._slack.files.put_nowait(file)
        if channel is not None:
            message = Message(
                call.team.id,
                channel.id,
                text,
                chat.named(self._slack, shown) or [],
                self._slack.clock.ts(),
                call.team.me.id,
                call.team.app,
                thread_ts=chat.thread(call, channel),
                files=tuple(files),
            )
            self._slack.show(channel, message)
        return {"files": [file.payload for file in files]}
