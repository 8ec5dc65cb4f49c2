"""Rows of every table, by aggregate. A member belongs to one workspace; some day, a person may have several members.

Times are timezone-aware and in UTC. Days are local dates of the member or schedule, and are never changed.
An `id` is None until the row is stored. A platform's ids (`external_id`, `request_id`) are text, and only unique
together with their owner.
"""

from bot.store.models.explanations import StoredExplanation
from bot.store.models.members import Member, Person, RestDays, Team
from bot.store.models.platforms import OauthState, SlackInstallation, TerminalPost
from bot.store.models.requests import FormDraft, KeptRequest, ProcessedRequest
from bot.store.models.rounds import Answer, Round, RoundKind, ViewedAnswer
from bot.store.models.schedules import OPEN_DELIVERY, Delivery, DeliveryKind, DeliveryState, Schedule, ScheduleState
from bot.store.models.totals import EVERYWHERE, PointsBucket, Total, TotalKind
from bot.store.models.workspaces import Channel, CustomQuestion, Report, RetiredQuestion, Workspace

__all__ = [
    "EVERYWHERE",
    "OPEN_DELIVERY",
    "Answer",
    "Channel",
    "CustomQuestion",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "FormDraft",
    "KeptRequest",
    "Member",
    "OauthState",
    "Person",
    "PointsBucket",
    "ProcessedRequest",
    "Report",
    "RestDays",
    "RetiredQuestion",
    "Round",
    "RoundKind",
    "Schedule",
    "ScheduleState",
    "SlackInstallation",
    "StoredExplanation",
    "Team",
    "TerminalPost",
    "Total",
    "TotalKind",
    "ViewedAnswer",
    "Workspace",
]
