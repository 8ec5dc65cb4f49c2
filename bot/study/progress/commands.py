"""The commands that show progress."""

from __future__ import annotations

from bot.commands import converters
from bot.commands.command import Command, Shortcut
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import MEMBER_NAME
from bot.study.progress import leaderboard, overview, profile

PERIODS = ("week", "month", "all")
VIEWS = ("words", "picture")
MEMBER = Parameter("member", "a member's name", converters.text, kind="members")

COMMANDS = (
    Command(
        "streak",
        "Your streak and its calendar",
        overview.streak,
        (
            Parameter(
                "view",
                "why explains each day, picture draws the calendar",
                converters.one_of("why", "picture"),
                choices=("why", "picture"),
            ),
            MEMBER,
        ),
        replaces_message=True,
        example="streak why",
    ),
    Command(
        "leaderboard",
        "See the standings",
        leaderboard.leaderboard,
        (
            Parameter("period", "week, month or all", converters.one_of(*PERIODS), choices=PERIODS),
            Parameter("who", "members or teams", converters.one_of("members", "teams"), choices=("members", "teams")),
            Parameter(
                "where",
                "this channel or everywhere",
                converters.one_of("channel", "everywhere"),
                choices=("channel", "everywhere"),
            ),
            Parameter("view", "in words or as a picture", converters.one_of(*VIEWS), choices=VIEWS),
        ),
        private=False,
        replaces_message=True,
        example="leaderboard month teams",
    ),
    Command("topics", "All topics, and how well you know them", overview.topics),
    Command(
        "profile",
        "A member's points and streak",
        profile.profile,
        (MEMBER_NAME,),
        submit="Show",
        hidden=True,
        shortcut=Shortcut("Study profile", "member"),
        example="profile ada",
    ),
)
