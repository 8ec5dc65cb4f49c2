"""A fake Discord on loopback: REST API v10 and gateway, including errors, rate limits and expiring sessions.

`Discord.listening` runs it.
"""

from tests.platforms.discord.fake.interactions import Interaction
from tests.platforms.discord.fake.members import Person
from tests.platforms.discord.fake.model import Channel, Guild, Message
from tests.platforms.discord.fake.server import Discord, in_place_of_discord, met

__all__ = ["Channel", "Discord", "Guild", "Interaction", "Message", "Person", "in_place_of_discord", "met"]
