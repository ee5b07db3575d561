"""Hunts over gRPC."""

import dataclasses

import pytest

from hashsvc.bank.model import Interval
from hashsvc.client import Client
from hashsvc.errors import InvalidInputError, NotFoundError, PreconditionError
from hashsvc.retro.model import Hunt, HuntState
from tests.server.background import excerpt, reference

VIDEO = reference(41)


def test_a_hunt(client: Client) -> None:
    """How far it is comes while it runs; hits and hunt stay on record."""
    for first in (0, 20):
        client.match(excerpt(VIDEO, first, first + 40), content_id=f"post-{first}")
    assert client.dry_run("default", VIDEO).total == 2
    assert client.dry_run("default", VIDEO, exclusions=[Interval(0.0, 20.0)]).hits == ()
    entry = client.confirm("default", VIDEO, external_id="attack")
    assert client.get_hunt("default", entry.entry).state is HuntState.NONE
    told: list[Hunt] = []
    hunt = client.hunt("default", entry.entry, progress=told.append)
    assert (hunt.state, hunt.searched, hunt.hits, told[-1]) == (HuntState.DONE, 2, 2, hunt)
    assert client.get_hunt("default", entry.entry) == hunt
    page = client.list_hits("default", entry.entry, page_size=1)
    rest = client.list_hits("default", entry.entry, page_token=page.next_page_token)
    hits = {hit.content_id: hit for hit in (*page.items, *rest.items)}
    assert hits.keys() == {"post-0", "post-20"}
    (forward,) = client.match(dataclasses.replace(excerpt(VIDEO, 0, 40))).matches
    assert hits["post-0"].match == forward
    assert all(hit.seen_at.tzinfo for hit in hits.values())


def test_faults(client: Client) -> None:
    """As the service has them."""
    entry = client.confirm("default", VIDEO)
    client.withdraw("default", entry.entry)
    with pytest.raises(PreconditionError) as withdrawn:
        client.hunt("default", entry.entry)
    assert withdrawn.value.reason == "ENTRY_WITHDRAWN"
    with pytest.raises(NotFoundError):
        client.hunt("default", "nothing")
    with pytest.raises(NotFoundError):
        client.get_hunt("default", "nothing")
    with pytest.raises(InvalidInputError) as token:
        client.list_hits("default", entry.entry, page_token="x")
    assert token.value.reason == "PAGE_TOKEN_INVALID"
