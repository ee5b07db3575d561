"""hashsvc report."""

import datetime
import json
from pathlib import Path

from hashsvc.service import Service
from tests.cli.conftest import FakeTarget, Invoke, objects
from tests.decisions.conftest import COPY, confirmed


def test_markdown_and_json(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """The period is passed on; both forms go to a file as well."""
    text = invoke("report", "--data", "d", "--since", "2026-01-01", "--until", "2026-02-01")
    assert text.stdout.startswith("# Transparency report\n")
    assert fake.asked == {
        "since": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "until": datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC),
    }
    [record] = objects(invoke("report", "--data", "d", "--since", "7d", "--format", "json"))
    assert record["appeals"]["median_seconds"] == 90.0
    assert record["verdicts"] == [{"verdict": "BLOCK", "decisions": 7, "uploads": 5, "exact": 2}]
    assert len(record["law"]) == 12
    assert fake.asked["until"] is None
    out = tmp_path / "report.json"
    written = invoke("report", "--data", "d", "--since", "7d", "--format", "json", "--output", out)
    assert (written.stdout, json.loads(out.read_text())) == ("", record)


def test_bad_usage(fake: FakeTarget, invoke: Invoke, tmp_path: Path) -> None:
    """No period, no format of that name, no such folder."""
    assert invoke("report", "--data", "d").exit_code == 2
    assert invoke("report", "--data", "d", "--since", "7d", "--format", "table").exit_code == 2
    assert invoke("report", "--data", "d", "--since", "7d", "--output", tmp_path / "no" / "file").exit_code == 2


def test_on_a_data_directory(invoke: Invoke, tmp_path: Path) -> None:
    """What a service has decided is counted."""
    with Service.open(tmp_path / "data") as service:
        confirmed(service, labels=["incident-7"])
        service.match(COPY)
    [record] = objects(invoke("report", "--data", tmp_path / "data", "--since", "1h", "--format", "json"))
    assert record["uploads"] == [{"label": "incident-7", "source": "own", "verdict": "BLOCK", "uploads": 1}]
    assert (record["decisions"], record["faults"], record["enforcement"]["entries"]) == (3, [], 1)
    wrong = invoke("report", "--data", tmp_path / "data", "--since", "2026-02-01", "--until", "2026-01-01")
    assert (wrong.exit_code, "FIELD_INVALID" in wrong.stderr) == (2, True)
