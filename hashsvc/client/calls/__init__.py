"""Every call that a client makes, described once for the sync and the asyncio client.

A module a service; here are all of them.
"""

from hashsvc.client.calls.access import create_token, list_tokens, revoke_token
from hashsvc.client.calls.appeal import decide_appeal, get_appeal, list_appeals, open_appeal, reinstate_content
from hashsvc.client.calls.bank import (
    approve,
    confirm,
    confirm_media,
    create_bank,
    dispute,
    get_bank,
    get_entry,
    list_banks,
    list_entries,
    list_labels,
    reinstate,
    set_exclusions,
    update_bank,
    update_entry,
    withdraw,
)
from hashsvc.client.calls.breaker import get_breaker, list_breakers, reset_breaker
from hashsvc.client.calls.call import Call, Place
from hashsvc.client.calls.decision import get_decision, list_decisions, replay, verify_decisions
from hashsvc.client.calls.event import add_webhook, list_webhooks, remove_webhook, update_webhook, watch
from hashsvc.client.calls.exchange import export
from hashsvc.client.calls.incident import (
    add_to_incident,
    close_incident,
    debrief_incident,
    extend_incident,
    get_incident,
    list_incidents,
    open_incident,
    remove_from_incident,
    reopen_incident,
)
from hashsvc.client.calls.index import status, verify
from hashsvc.client.calls.match import match, match_media
from hashsvc.client.calls.report import report
from hashsvc.client.calls.retro import dry_run, get_hunt, hunt, list_hits

__all__ = [
    "Call",
    "Place",
    "add_to_incident",
    "add_webhook",
    "approve",
    "close_incident",
    "confirm",
    "confirm_media",
    "create_bank",
    "create_token",
    "debrief_incident",
    "decide_appeal",
    "dispute",
    "dry_run",
    "export",
    "extend_incident",
    "get_appeal",
    "get_bank",
    "get_breaker",
    "get_decision",
    "get_entry",
    "get_hunt",
    "get_incident",
    "hunt",
    "list_appeals",
    "list_banks",
    "list_breakers",
    "list_decisions",
    "list_entries",
    "list_hits",
    "list_incidents",
    "list_labels",
    "list_tokens",
    "list_webhooks",
    "match",
    "match_media",
    "open_appeal",
    "open_incident",
    "reinstate",
    "reinstate_content",
    "remove_from_incident",
    "remove_webhook",
    "reopen_incident",
    "replay",
    "report",
    "reset_breaker",
    "revoke_token",
    "set_exclusions",
    "status",
    "update_bank",
    "update_entry",
    "update_webhook",
    "verify",
    "verify_decisions",
    "watch",
    "withdraw",
]
