"""A delivery that this process has claimed, with everything needed to post it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.context.identity import Location
from bot.context.outbox import PostExtras
from bot.store.models import Delivery, DeliveryKind, Round, Schedule


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery under our lease, the channel it goes to, the round of its day and the schedule it comes from."""

    delivery: Delivery
    location: Location
    question_round: Round
    schedule: Schedule

    @property
    def extras(self) -> PostExtras:
        """Return what the channel gets besides the post; nothing for a reveal."""
        return extras_of(self.schedule) if self.delivery.kind is DeliveryKind.DAILY else PostExtras()

    @property
    def has_steps_after_post(self) -> bool:
        return self.extras.thread or self.extras.pin


def extras_of(schedule: Schedule) -> PostExtras:
    return PostExtras(schedule.thread, schedule.pin, schedule.role or "")
