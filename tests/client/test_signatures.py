"""The clients are the service at a distance: same methods, same arguments."""

import inspect

import pytest

from hashsvc.client import AsyncClient, Client
from hashsvc.service import Service

SHARED = (
    "create_bank",
    "list_labels",
    "get_bank",
    "list_banks",
    "update_bank",
    "confirm",
    "confirm_media",
    "get_entry",
    "list_entries",
    "approve",
    "dispute",
    "withdraw",
    "reinstate",
    "set_exclusions",
    "update_entry",
    "match",
    "match_media",
    "create_token",
    "list_tokens",
    "revoke_token",
    "hunt",
    "get_hunt",
    "list_hits",
    "dry_run",
    "watch",
    "add_webhook",
    "list_webhooks",
    "update_webhook",
    "remove_webhook",
    "list_breakers",
    "get_breaker",
    "reset_breaker",
    "get_decision",
    "list_decisions",
    "verify_decisions",
    "replay",
    "open_appeal",
    "get_appeal",
    "list_appeals",
    "decide_appeal",
    "reinstate_content",
    "report",
    "open_incident",
    "get_incident",
    "list_incidents",
    "add_to_incident",
    "remove_from_incident",
    "extend_incident",
    "reopen_incident",
    "close_incident",
    "debrief_incident",
    "verify",
    "export",
)


def shape(method: object) -> list[tuple[str, object, object, object]]:
    """Names, kinds, defaults and types of a method's parameters; over gRPC the server knows the actor by the token."""
    parameters = inspect.signature(method).parameters.values()  # type: ignore[arg-type]
    return [
        (one.name, one.kind, one.default, one.annotation) for one in parameters if one.name not in ("progress", "actor")
    ]


@pytest.mark.parametrize("name", SHARED)
def test_same_arguments(name: str) -> None:
    """A caller can put a client where a service was."""
    wanted = getattr(Service, name)
    for kind in (Client, AsyncClient):
        assert shape(getattr(kind, name)) == shape(wanted)
    assert inspect.signature(getattr(Client, name)).return_annotation == inspect.signature(wanted).return_annotation


def test_both_clients_have_the_same_methods() -> None:
    """Whatever one can the other can."""
    sync = {name for name in vars(Client) if not name.startswith("_")}
    assert sync == {name for name in vars(AsyncClient) if not name.startswith("_")}
    assert sync == {*SHARED, "close", "status", "match_file", "confirm_file", "dry_run_file"}
    for name in sync - set(SHARED) - {"close"}:
        assert shape(getattr(Client, name)) == shape(getattr(AsyncClient, name))
