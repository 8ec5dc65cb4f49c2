"""Slack as an app sees it: its Web API, its pages and its members, on loopback, with everything they refuse.

`Slack().listening()` opens it; `slack.team()` creates a workspace with the app in it, and `Person.joins` a member.
"""

from tests.platforms.slack.fake.delivery import Acknowledgement
from tests.platforms.slack.fake.members import Person
from tests.platforms.slack.fake.model import Channel, File, Message, Team, View
from tests.platforms.slack.fake.server import Slack, Violation

__all__ = ["Acknowledgement", "Channel", "File", "Message", "Person", "Slack", "Team", "View", "Violation"]
