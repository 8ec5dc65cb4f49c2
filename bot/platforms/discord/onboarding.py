"""What happens when the bot joins or leaves a server."""

from __future__ import annotations

import discord
import structlog

from bot.app import App
from bot.context.identity import Location
from bot.context.outbox import PostError
from bot.platforms.discord.identity import on_other_shard
from bot.platforms.discord.outbox import DiscordOutbox

log = structlog.get_logger()


async def greet(app: App, outbox: DiscordOutbox, guild: discord.Guild) -> None:
    """Say hello once per server: in its system channel, or else to whoever invited the bot."""
    location = Location("discord", str(guild.id), "", guild.name)
    greeting = await app.workspace_joined(location)
    if greeting is None:
        return
    key = f"hello-{guild.id}"
    channel = guild.system_channel
    if channel is not None and _may_write(channel):
        channel_location = Location("discord", str(guild.id), str(channel.id), guild.name, channel.name)
        try:
            await outbox.post(channel_location, greeting.in_channel, key)
        except PostError as problem:
            log.info("not greeted in the channel", guild=guild.id, reason=str(problem))
        else:
            return
    inviter = await _inviter(guild)
    if inviter is None:
        log.info("nobody to greet", guild=guild.id)
        return
    try:
        await outbox.send_direct(location, inviter, greeting.direct, key)
    except PostError as problem:
        log.info("not greeted", guild=guild.id, reason=str(problem))


async def catch_up(app: App, outbox: DiscordOutbox, client: discord.Client) -> None:
    """Record the servers that removed the bot while it was offline, then greet the ones that added it.

    Servers on other processes' shards are left to them. An unavailable server still has the bot, but can't be greeted.
    """
    known = {int(guild_id) for guild_id in await app.active_workspaces("discord") if guild_id.isdecimal()}
    present = {guild.id: guild for guild in client.guilds}
    for guild_id in sorted(known - present.keys()):
        if not on_other_shard(client, guild_id):
            await app.workspace_left(Location("discord", str(guild_id), ""))
    for guild_id in sorted(present.keys() - known):
        if not present[guild_id].unavailable:
            await greet(app, outbox, present[guild_id])


def _may_write(channel: discord.TextChannel) -> bool:
    permissions = channel.permissions_for(channel.guild.me)
    return permissions.view_channel and permissions.send_messages


async def _inviter(guild: discord.Guild) -> str | None:
    """Return who invited the bot, if the audit log may be read; else the owner."""
    if guild.me.guild_permissions.view_audit_log:
        try:
            async for entry in guild.audit_logs(action=discord.AuditLogAction.bot_add, limit=10):
                if entry.target is not None and entry.target.id == guild.me.id and entry.user_id:
                    return str(entry.user_id)
        except discord.HTTPException as problem:
            log.info("audit log not read", guild=guild.id, code=problem.code)
    return str(guild.owner_id) if guild.owner_id else None
