"""A server that counts an incident and is killed: what was there a second before is there afterwards."""

import time
from pathlib import Path

from hashsvc.bank.model import Verdict
from hashsvc.client import Client
from tests.crash.serving import serving
from tests.crash.test_kill_server import verified, wait_until_serving
from tests.incidents.test_incidents import VIDEO, upload

KILLS, UPLOADS = 3, 20
WRITTEN_SECONDS = 1.0
"""The README promises that a kill costs the counts of no more than the last second."""


def test_kill_loses_no_more_than_the_last_second(tmp_path: Path) -> None:
    """Over several kills, each in the middle of matches: what is a second old is counted, nothing twice, and it is open."""
    data, uploads = tmp_path / "data", tmp_path / "uploads"
    sure = sent = 0
    for turn in range(KILLS):
        with serving(data, uploads) as server, Client(server.target) as client:
            wait_until_serving(client)
            if turn == 0:
                entry = client.confirm("default", VIDEO)
                client.open_incident("square", entries=[("default", entry.entry)])
            for _ in range(UPLOADS):
                blocked = client.match(upload(sent), content_id=f"post-{sent}", min_revision=entry.revision)
                assert blocked.verdict is Verdict.BLOCK
                sent += 1
            time.sleep(WRITTEN_SECONDS)
            sure += UPLOADS
            for _ in range(5):  # of these some may be lost
                client.match(upload(sent), content_id=f"post-{sent}")
                sent += 1
            server.kill()
            server.end()
    with serving(data, uploads) as server, Client(server.target) as client:
        wait_until_serving(client)
        incident, counts = client.get_incident("square")
        assert incident.closed_at is None
        assert sure <= counts.blocked <= sent and counts.blocked == counts.variants
        assert client.match(upload(sent), content_id=f"post-{sent}").verdict is Verdict.BLOCK
        assert client.get_incident("square")[1].blocked == counts.blocked + 1
        server.terminate()
        assert server.end() == 0
    assert verified(data) == {"clean": True, "faults": []}
