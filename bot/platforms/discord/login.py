"""Log in, and say in plain words what went wrong if that fails."""

from __future__ import annotations

import aiohttp
import discord

from bot.errors import SetupError

REQUEST_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What a request to Discord may raise."""

# The bot never joins voice channels: don't warn that the libraries for it are missing.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


async def log_in(client: discord.Client, token: str) -> None:
    """Log in over REST alone; events come once the client connects. Raises SetupError."""
    try:
        await client.login(token)
    except discord.LoginFailure:
        raise SetupError("Discord rejects DISCORD_TOKEN. Copy it again from the bot's page, without `Bot `.") from None
    except REQUEST_ERRORS as problem:
        raise SetupError(f"Can't reach Discord ({type(problem).__name__}). Is this computer online?") from None
