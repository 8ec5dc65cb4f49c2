"""The commands for teams, and for direct messages."""

from __future__ import annotations

from bot.commands import converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.study.members import direct_messages, teams

TEAM = Parameter("name", "the team's name", converters.text, required=True, greedy=True, max_length=40)

COMMANDS = (
    Command(
        "team create",
        "Start a team and join it",
        teams.create,
        (TEAM,),
        opens_form=True,
        submit="Create",
        example="team create Blue",
    ),
    Command("team join", "Join a team", teams.join, (TEAM,), opens_form=True, submit="Join", example="team join Blue"),
    Command("team leave", "Leave my team", teams.leave),
    Command("team list", "List the teams here", teams.show),
    Command("server", "Make this the server that my direct messages are about", direct_messages.choose, hidden=True),
)
