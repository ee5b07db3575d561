"""hashsvc retro, and what a confirm would find."""

import dataclasses

import pytest

from hashsvc.cli import retro
from hashsvc.retro.model import Hunt, HuntState
from tests.cli.conftest import FakeTarget, Invoke, objects

HIT_KEYS = {"content_id", "seen_at", "verdict", "bank", "entry", "external_id", "evidence", "query_coverage"}
HIT_KEYS |= {"reference_coverage", "state", "breaker", "segments", "reason", "observed"}


def test_it_hunts_and_prints(fake: FakeTarget, invoke: Invoke) -> None:
    """Every page of the hits, one object each, then the hunt."""
    *hits, hunt = objects(invoke("retro", "--data", "d", "--format", "json", "e1"))
    assert [hit["content_id"] for hit in hits] == ["post-1", "post-2", "post-3"]
    assert hits[0].keys() == HIT_KEYS
    assert (hunt["hunt"], hunt["searched"], hunt["of"], hunt["hits"]) == ("done", 9, 9, 1)


def test_status_hunts_for_nothing(fake: FakeTarget, invoke: Invoke) -> None:
    """The table and a sentence, whatever is on record."""
    result = invoke("retro", "--data", "d", "--status", "e1")
    assert "post-2" in result.stdout
    assert "nobody has hunted for it yet, 0 found" in result.stdout
    assert len(fake.hunts) == 1


def test_follow_waits(fake: FakeTarget, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the hunt that somebody else runs is over, well or not."""
    monkeypatch.setattr(retro, "_POLL_SECONDS", 0.0)
    running = Hunt(bank="default", entry="e1", state=HuntState.RUNNING)
    failed = dataclasses.replace(running, state=HuntState.FAILED, detail="the disk is gone")
    fake.hunts = [failed, running, running]
    assert "not ended: the disk is gone" in invoke("retro", "--data", "d", "--follow", "e1").stdout
    assert invoke("retro", "--data", "d", "--follow", "--status", "e1").exit_code == 2


def test_a_dry_run_confirms_nothing(fake: FakeTarget, invoke: Invoke, clips: dict[str, object]) -> None:
    """It says what would be found; a directory is not made for it."""
    result = invoke("confirm", "--data", "d", "--dry-run", "--format", "json", clips["copy"], clips["broken"])
    found, failed = objects(result)
    assert (found["searched"], found["total"], found["hits"][0]["content_id"]) == (9, 1, "post-1")
    assert (failed["error"]["reason"], result.exit_code) == ("MEDIA_UNREADABLE", 2)
    assert (fake.confirmed, fake.opened[-1][1]) == ([], False)
    assert (found["held_back"], found["known_good"][0]["external_id"]) == ("finds a film", "film")
    table = invoke("confirm", "--data", "d", "--dry-run", clips["copy"]).stdout
    assert all(words in table for words in ("would find 1 of 9", "known-good/k1 film", "finds a film"))
    assert invoke("confirm", "--data", "d", "--dry-run", "--vaccinate", clips["copy"]).exit_code == 2
