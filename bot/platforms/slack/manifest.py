"""The app's manifest, made from the commands: what Slack needs to know about the app, and the scopes it asks for."""

from __future__ import annotations

from typing import Any

from bot.commands.registry import Registry

WHY = {
    "commands": "the `/study` command and the shortcuts",
    "chat:write": "answers, questions and reveals",
    "files:write": "pictures of formulas and charts, and exports",
    "app_mentions:read": "follow-ups by mentioning the app",
    "im:history": "direct messages to the app",
    "im:write": "direct messages with pictures and exports",
    "users:read": "names and time zones, and who is an admin",
    "channels:read": "whether the app or a member is in a public channel, and whether it's archived",
    "channels:join": "joining the public channel where a question is set up",
    "channels:history": "finding its own post in a channel before trying again",
    "groups:read": "the same as `channels:read` in private channels",
    "groups:history": "the same as `channels:history` in private channels",
}
"""Each scope, and what it's for."""
SCOPES = tuple(WHY)
SLASH_COMMAND = "/study"
EVENTS_PATH, REDIRECT_PATH = "/slack/events", "/slack/oauth_redirect"
EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked")


def manifest(registry: Registry, url: str = "", *, many: bool = False) -> dict[str, Any]:
    """Return a manifest for requests over HTTP at the public address `url`; for Socket Mode if that's empty.

    With `many`, workspaces install the app from its own pages, and their tokens are renewed. Nothing renews the token
    that a single workspace puts in the settings, so there it must not expire.
    """
    base = url.rstrip("/")
    events = {"request_url": f"{base}{EVENTS_PATH}"} if base else {}
    options = {"message_menu_options_url": f"{base}{EVENTS_PATH}"} if base else {}
    oauth = {"redirect_urls": [f"{base}{REDIRECT_PATH}"]} if many else {}
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "Studyhall",
            "description": "A question a day on generative AI, graded in private",
            "long_description": LONG_DESCRIPTION,
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
                    for command in registry
                    if command.shortcut and command.shortcut.on == "message"
                ),
            ],
            "slash_commands": [
                {
                    "command": SLASH_COMMAND,
                    "description": "Study for generative-AI interviews",
                    "usage_hint": _usage_hint(registry),
                    "should_escape": True,
                    **({"url": f"{base}{EVENTS_PATH}"} if base else {}),
                }
            ],
        },
        "oauth_config": {**oauth, "scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**events, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **events, **options},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not base,
            "token_rotation_enabled": many,
        },
    }


def _usage_hint(registry: Registry) -> str:
    names = dict.fromkeys(command.name.partition(" ")[0] for command in registry if not command.hidden)
    return f"[{' | '.join(list(names)[:7])} | help]"


LONG_DESCRIPTION = (
    "Studyhall helps a team prepare for interviews on generative AI. It posts an interview question in a channel every "
    "day, grades answers in private with reasons and sources, reveals the answer in the evening, keeps streaks that "
    "forgive a weekend, and shows a leaderboard by member or by team. Look things up with /study ask, practice with "
    "/study question, and ask the app about anything it has explained."
)
