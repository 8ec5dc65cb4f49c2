"""The tables as classes, for sessions."""

from bot.store.models.explanations import StoredExplanationTable as StoredExplanation
from bot.store.models.members import MemberTable as Member
from bot.store.models.members import PersonTable as Person
from bot.store.models.members import RestDaysTable as RestDays
from bot.store.models.members import TeamTable as Team
from bot.store.models.platforms import OauthStateTable as OauthState
from bot.store.models.platforms import SlackInstallationTable as SlackInstallation
from bot.store.models.platforms import TerminalPostTable as TerminalPost
from bot.store.models.requests import FormDraftTable as FormDraft
from bot.store.models.requests import ProcessedRequestTable as ProcessedRequest
from bot.store.models.rounds import AnswerTable as Answer
from bot.store.models.rounds import RoundTable as Round
from bot.store.models.rounds import ViewedAnswerTable as ViewedAnswer
from bot.store.models.schedules import DeliveryTable as Delivery
from bot.store.models.schedules import ScheduleTable as Schedule
from bot.store.models.totals import PointsBucketTable as PointsBucket
from bot.store.models.totals import TotalTable as Total
from bot.store.models.workspaces import ChannelTable as Channel
from bot.store.models.workspaces import CustomQuestionTable as CustomQuestion
from bot.store.models.workspaces import ReportTable as Report
from bot.store.models.workspaces import RetiredQuestionTable as RetiredQuestion
from bot.store.models.workspaces import WorkspaceTable as Workspace

__all__ = [
    "Answer",
    "Channel",
    "CustomQuestion",
    "Delivery",
    "FormDraft",
    "Member",
    "OauthState",
    "Person",
    "PointsBucket",
    "ProcessedRequest",
    "Report",
    "RestDays",
    "RetiredQuestion",
    "Round",
    "Schedule",
    "SlackInstallation",
    "StoredExplanation",
    "Team",
    "TerminalPost",
    "Total",
    "ViewedAnswer",
    "Workspace",
]
