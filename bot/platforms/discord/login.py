"""Logging in, and what may come of it, in words."""

from __future__ import annotations

import aiohttp
import discord

from bot.errors import SetupError

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What asking Discord may end in."""

# Voice is not what it is for: no warning that its libraries are missing.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


async def log_in(client: discord.Client, token: str) -> None:
    """Over REST alone; events come once it connects. Raises SetupError."""
    try:
        await client.login(token)
    except discord.LoginFailure:
        raise SetupError("Discord refuses DISCORD_TOKEN. Copy it anew from the bot's page, without `Bot `.") from None
    except UNREACHED as problem:
        raise SetupError(f"Discord cannot be reached ({type(problem).__name__}). Is this computer online?") from None
