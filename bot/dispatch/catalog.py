"""Every command and every kind of delivery. Help, the docs, Discord's commands and Slack's manifest come from here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bot.commands.registry import Registry
from bot.delivery.kinds import DeliveryType
from bot.delivery.notes import NOTE
from bot.dispatch import help_command
from bot.store.models import DeliveryKind
from bot.study.about import commands as about
from bot.study.account import commands as account
from bot.study.account.reminders import REMINDER
from bot.study.daily import commands as daily
from bot.study.daily.counts import COUNT
from bot.study.daily.deliveries import QUESTION, REVEAL
from bot.study.lookup import commands as lookup
from bot.study.members import commands as members
from bot.study.practice import commands as practice
from bot.study.progress import commands as progress
from bot.study.workspaces import commands as workspaces

FEATURES = (lookup, practice, daily, progress, members, account, workspaces, about)
"""The order is that of the docs."""


@cache
def registry() -> Registry:
    """Return all commands."""
    commands = [command for feature in FEATURES for command in feature.COMMANDS]
    return Registry((*commands, help_command.command(registry)))


def delivery_types() -> Mapping[DeliveryKind, DeliveryType]:
    """Return how each kind of delivery is sent."""
    return {
        DeliveryKind.DAILY: QUESTION,
        DeliveryKind.REVEAL: REVEAL,
        DeliveryKind.COUNT: COUNT,
        DeliveryKind.REMINDER: REMINDER,
        DeliveryKind.NOTE: NOTE,
    }
