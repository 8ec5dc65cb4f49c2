"""The app's manifest, made from the table of commands: what Slack has to know of it, and what it asks for and why."""

from __future__ import annotations

from typing import Any

from bot.commands.registry import Registry

WHY = {
    "commands": "the `/study` command and the shortcuts",
    "chat:write": "answers, questions and reveals",
    "files:write": "pictures of formulas and charts, and exports",
    "app_mentions:read": "follow-ups by mentioning the app",
    "im:history": "direct messages to the app",
    "im:write": "the direct messages into which pictures and exports go",
    "users:read": "names and time zones, and who is an admin",
    "channels:read": "whether the app or a member is in a public channel, and whether that is archived",
    "channels:join": "joining the public channel that a question is set up for",
    "channels:history": "finding its own post in a channel again before sending it once more",
    "groups:read": "the same as `channels:read` in private channels",
    "groups:history": "the same as `channels:history` in private channels",
}
"""Each scope, and what it is for."""
SCOPES = tuple(WHY)
EVENTS_PATH, REDIRECT = "/slack/events", "/slack/oauth_redirect"
EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked")


def manifest(table: Registry, url: str = "", *, many: bool = False) -> dict[str, Any]:
    """For requests over HTTP at `url`, the address that the world sees; for Socket Mode where there is none.

    `many` workspaces install the app by its own pages and renew their tokens. The token that one workspace puts into
    the environment is renewed by nobody, so there it must not expire.
    """
    base = url.rstrip("/")
    events = {"request_url": f"{base}{EVENTS_PATH}"} if base else {}
    offers = {"message_menu_options_url": f"{base}{EVENTS_PATH}"} if base else {}
    oauth = {"redirect_urls": [f"{base}{REDIRECT}"]} if many else {}
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "Studyhall",
            "description": "A question a day on generative AI, graded in private",
            "long_description": LONG,
            "background_color": "#4a154b",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Studyhall", "always_online": True},
            "shortcuts": [
                {
                    "name": "Practice",
                    "type": "global",
                    "callback_id": "practice",
                    "description": "A practice question now",
                },
                *(
                    {
                        "name": command.shortcut.label,
                        "type": "message",
                        "callback_id": command.name,
                        "description": command.description,
                    }
                    for command in table
                    if command.shortcut and command.shortcut.on == "message"
                ),
            ],
            "slash_commands": [
                {
                    "command": "/study",
                    "description": "Study for generative-AI interviews",
                    "usage_hint": _hint(table),
                    "should_escape": True,
                    **({"url": f"{base}{EVENTS_PATH}"} if base else {}),
                }
            ],
        },
        "oauth_config": {**oauth, "scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**events, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **events, **offers},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not base,
            "token_rotation_enabled": many,
        },
    }


def _hint(table: Registry) -> str:
    names = dict.fromkeys(command.name.partition(" ")[0] for command in table if not command.hidden)
    return f"[{' | '.join(list(names)[:7])} | help]"


LONG = (
    "Studyhall helps a team prepare for interviews on generative AI. It posts an interview question in a channel every "
    "day, grades answers in private with reasons and sources, reveals the answer in the evening, keeps streaks that "
    "forgive a weekend, and shows a leaderboard by member or by team. Look things up with /study ask, practise with "
    "/study question, and ask the app about anything it has explained."
)
