"""Discord as a bot meets it: its REST API v10 and its gateway, on loopback, with what they refuse and forget.

Used within the tests (`Discord.listening`), or by a process of its own: `python -m tests.platforms.discord.fake`.
"""

from tests.platforms.discord.fake.interactions import Interaction
from tests.platforms.discord.fake.members import Person
from tests.platforms.discord.fake.model import Channel, Guild, Message
from tests.platforms.discord.fake.server import Discord, in_place_of_discord, met

__all__ = ["Channel", "Discord", "Guild", "Interaction", "Message", "Person", "in_place_of_discord", "met"]
