"""The transparency report over gRPC."""

import asyncio
import datetime

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.client import AsyncClient, Client
from hashsvc.errors import InvalidInputError
from tests.decisions.conftest import COPY, VIDEO
from tests.server.background import BackgroundServer

HOUR = datetime.timedelta(hours=1)


def test_counts_what_was_decided(running: BackgroundServer, client: Client) -> None:
    """Both clients get what the service counts."""
    entry = client.confirm("default", VIDEO, labels=["incident-7"])
    client.match(COPY, min_revision=entry.revision, content_id="post-1")
    since = entry.created_at - HOUR
    report = client.report(since)
    assert [(one.label, one.verdict, one.uploads) for one in report.uploads] == [("incident-7", Verdict.BLOCK, 1)]
    assert report.since == since
    assert report.faults == ()
    assert report.enforcement.entries == 1

    async def ask() -> None:
        async with AsyncClient(running.target) as other:
            assert (await other.report(since, report.until)) == report

    asyncio.run(ask())
    with pytest.raises(InvalidInputError):
        client.report(since, since - HOUR)
