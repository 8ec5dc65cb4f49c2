"""Slack as an app meets it: its Web API, its pages, and its members, on loopback, with what they refuse and forget.

`Slack().listening()` opens it; `slack.team()` makes a workspace with the app in it, and `Person.joins` somebody there.
"""

from tests.platforms.slack.fake.delivery import Acknowledgement
from tests.platforms.slack.fake.members import Person
from tests.platforms.slack.fake.model import Channel, File, Message, Team, View
from tests.platforms.slack.fake.server import Slack, Violation

__all__ = ["Acknowledgement", "Channel", "File", "Message", "Person", "Slack", "Team", "View", "Violation"]
