"""What Discord's interactions and refusals count."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from tests.platforms.discord.scene import said
from tests.readings import Moved

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)


@pytest.mark.parametrize(
    ("command", "values"),
    [("streak", {}), ("explain", {"text": "how does LoRA work"}), ("team create", {})],
    ids=["answered at once", "deferred", "a form"],
)
async def test_the_first_response_is_timed_once(
    channel: ChannelHandle, bob: MemberActor, command: str, values: dict[str, str]
) -> None:
    moved = Moved()

    result = await bob.slash(channel, command, **values)

    assert result.modal or said(result)
    assert moved("acknowledgment_seconds_count", platform="discord") == 1
