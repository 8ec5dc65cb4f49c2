"""The first minute in a server, and the last."""

from __future__ import annotations

import discord
import structlog

from bot.app import App
from bot.context.identity import Location
from bot.context.outbox import PostError
from bot.platforms.discord.identity import elsewhere
from bot.platforms.discord.outbox import DiscordOutbox

log = structlog.get_logger()


async def greet(app: App, outbox: DiscordOutbox, guild: discord.Guild) -> None:
    """Once in each server: in its system channel, else to whoever brought the bot there."""
    place = Location("discord", str(guild.id), "", guild.name)
    greeting = await app.workspace_joined(place)
    if greeting is None:
        return
    key = f"hello-{guild.id}"
    channel = guild.system_channel
    if channel is not None and _may_write(channel):
        here = Location("discord", str(guild.id), str(channel.id), guild.name, channel.name)
        try:
            await outbox.post(here, greeting.in_channel, key)
        except PostError as refusal:
            log.info("not greeted in the channel", guild=guild.id, reason=str(refusal))
        else:
            return
    host = await _host(guild)
    if host is None:
        log.info("nobody to greet", guild=guild.id)
        return
    try:
        await outbox.send_direct(place, host, greeting.direct, key)
    except PostError as refusal:
        log.info("not greeted", guild=guild.id, reason=str(refusal))


async def catch_up(app: App, outbox: DiscordOutbox, client: discord.Client) -> None:
    """Servers that put the bot out while this program was away, and then those that it came to.

    Servers of other processes' shards are theirs. One that is unavailable is there, and cannot be greeted.
    """
    known = {int(id) for id in await app.active_workspaces("discord") if id.isdecimal()}
    there = {guild.id: guild for guild in client.guilds}
    for server in sorted(known - there.keys()):
        if not elsewhere(client, server):
            await app.workspace_left(Location("discord", str(server), ""))
    for server in sorted(there.keys() - known):
        if not there[server].unavailable:
            await greet(app, outbox, there[server])


def _may_write(channel: discord.TextChannel) -> bool:
    mine = channel.permissions_for(channel.guild.me)
    return mine.view_channel and mine.send_messages


async def _host(guild: discord.Guild) -> str | None:
    """Who invited the bot, where the server lets it read that; else the owner."""
    if guild.me.guild_permissions.view_audit_log:
        try:
            async for entry in guild.audit_logs(action=discord.AuditLogAction.bot_add, limit=10):
                if entry.target is not None and entry.target.id == guild.me.id and entry.user_id:
                    return str(entry.user_id)
        except discord.HTTPException as problem:
            log.info("audit log not read", guild=guild.id, code=problem.code)
    return str(guild.owner_id) if guild.owner_id else None
