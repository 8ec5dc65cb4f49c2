"""What the fake knows about its methods: enough to check calls without Slack's description."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """`args` are kinds by name; a token needs one of `scopes`; tier 0 is a special rate, or none."""

    args: dict[str, str]
    required: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tier: int = 0


def _rule(required: str = "", optional: str = "", scopes: str = "", tier: int = 0) -> Rule:
    """Arguments are texts unless the name says otherwise, as in `length:integer`."""
    args = dict([*word.split(":"), "string"][:2] for word in f"{required} {optional}".split())
    return Rule(args, tuple(word.split(":")[0] for word in required.split()), tuple(scopes.split()), tier)


READ = "channels:read groups:read im:read mpim:read"
HISTORY = "channels:history groups:history im:history mpim:history"
POST = "text:any blocks:any attachments:any metadata:any thread_ts:any markdown_text username:any icon_emoji:any"
PAGE = "cursor limit:number"
SPAN = f"latest oldest inclusive:boolean include_all_metadata:boolean {PAGE}"
TRIGGER = "trigger_id:any interactivity_pointer:any"

RULES = {
    "apps.connections.open": _rule(tier=3),
    "auth.test": _rule(),
    "chat.postEphemeral": _rule("channel user:any", f"{POST} parse:any link_names:boolean", "chat:write", 4),
    "chat.postMessage": _rule(
        "channel",
        f"{POST} parse:any link_names:boolean mrkdwn:boolean reply_broadcast:boolean unfurl_links:boolean"
        " unfurl_media:boolean",
        "chat:write",
    ),
    "chat.update": _rule(
        "channel ts",
        "text:any blocks:any attachments:any metadata:any markdown_text parse:any link_names:any file_ids:array"
        " reply_broadcast:boolean",
        "chat:write",
        3,
    ),
    "conversations.history": _rule("channel", SPAN, HISTORY, 3),
    "conversations.info": _rule("channel", "include_locale:boolean include_num_members:boolean", READ, 3),
    "conversations.join": _rule("channel", "", "channels:join", 3),
    "conversations.open": _rule(
        "",
        "users channel:any return_im:boolean prevent_creation:boolean",
        "im:write mpim:write groups:write channels:manage",
        3,
    ),
    "conversations.replies": _rule("channel ts", SPAN, HISTORY, 3),
    "files.completeUploadExternal": _rule(
        "files:array", "channel_id:any channels initial_comment thread_ts blocks:any", "files:write", 4
    ),
    "files.getUploadURLExternal": _rule("filename length:integer", "alt_txt snippet_type", "files:write", 4),
    "oauth.v2.access": _rule("", "client_id client_secret code grant_type refresh_token redirect_uri code_verifier"),
    "users.conversations": _rule(
        "", f"types user exclude_archived:boolean exclude_muted:boolean team_id {PAGE}", READ, 3
    ),
    "users.info": _rule("user", "include_locale:boolean", "users:read", 4),
    "views.open": _rule("view:any", TRIGGER, "", 4),
    "views.publish": _rule("user_id view:any", "hash interactivity_pointer", "", 4),
}

MENDED = {"files.completeUploadExternal": ("files",)}
"""What's really required where the description is wrong."""
