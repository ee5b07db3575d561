"""Verdicts in the log: which are written, what they say, and when an answer is given."""

import dataclasses
import datetime
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgpack
import numpy as np
import pytest
import structlog

from hashsvc.bank import records
from hashsvc.bank.model import Bank, Entry, Interval, Policy, Rule, Verdict
from hashsvc.config import DecisionSettings, Settings
from hashsvc.decisions import exhibit, verdicts
from hashsvc.decisions import log as decision_log
from hashsvc.decisions.log import DecisionLog
from hashsvc.decisions.model import Ground, VerdictRecord
from hashsvc.errors import UnavailableError
from hashsvc.fingerprint.model import Digests
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import words
from hashsvc.service import Service
from hashsvc.wire.decision import decode_decision, encode_decision
from hashsvc_index import Store, StoreError
from hashsvc_index.errors import StoreFullError
from tests.cli.conftest import NOW, a_match
from tests.decisions.conftest import COPY, EXCERPT, STRANGER, VIDEO, confirmed, refused, searched
from tests.decisions.conftest import verdicts as logged
from tests.match.synthetic import a_reference, an_upload


def test_says_who_what_and_why(service: Service, entry: Entry) -> None:
    """A BLOCK is logged with actor, content id, revision, policy, evidence, segments and the fingerprint."""
    result = service.match(COPY, content_id="post-1", actor="ingest")
    [decision] = logged(service)
    record = decision.verdict
    assert record is not None
    assert (decision.kind, decision.action, decision.actor) == ("verdict", "BLOCK", "ingest")
    assert (decision.content_id, record.content_id, record.verdict) == ("post-1", "post-1", Verdict.BLOCK)
    assert (record.judged_revision, record.profile, record.duration) == (result.revision, COPY.profile, 12.0)
    assert tuple(one.match for one in record.grounds) == result.matches
    assert record.grounds[0].entry_revision == entry.revision
    assert record.policies == (dataclasses.replace(service.get_bank("default"), description=""),)
    [reading] = record.readings
    kept = exhibit.unpack(service._store.exhibit(bytes.fromhex(reading)))
    assert np.array_equal(kept.hashes, COPY.hashes)
    assert (kept.starts.tolist(), kept.duration, kept.views) == (COPY.starts.tolist(), COPY.duration, COPY.views)
    assert decision.places == {("default", entry.entry)}


def test_which_are_logged(service: Service, entry: Entry) -> None:
    """BLOCK and REVIEW are, by fingerprint or digest; ALLOW is not, and neither are hunts, dry runs and what is excused."""
    assert service.match(STRANGER, content_id="other").verdict is Verdict.ALLOW
    assert service.match(EXCERPT, content_id="news").verdict is Verdict.REVIEW
    assert service.match(VIDEO.digests, content_id="bytes").verdict is Verdict.BLOCK
    service.hunt("default", entry.entry)
    service.dry_run("default", a_reference(9))
    service.set_exclusions("default", entry.entry, [Interval(0.0, 40.0)])
    searched(service)
    assert service.match(COPY).excused
    assert [(one.action, one.content_id) for one in logged(service)] == [("REVIEW", "news"), ("BLOCK", "bytes")]
    by_digest = logged(service)[1].verdict
    assert by_digest is not None
    assert (by_digest.digests, by_digest.readings, by_digest.profile) == (VIDEO.digests, (), "")
    assert service.verify() == []


def test_the_labels_of_the_entry_are_kept(service: Service) -> None:
    """As they were when the verdict was given."""
    confirmed(service, labels=["incident-7"])
    service.match(COPY)
    [decision] = logged(service)
    assert decision.verdict is not None
    assert decision.verdict.grounds[0].labels == ("incident-7",)


def test_what_a_breaker_held_back(service: Service, entry: Entry) -> None:
    """A REVIEW for a tripped breaker names it, in the answer and in the log alike, once; `reason` has only the threshold."""
    answers = [
        service.match(dataclasses.replace(COPY, digests=Digests(sha256=bytes([number + 1]) * 32)))
        for number in range(45)
    ]
    found = logged(service)
    assert [one.action for one in found].count("BLOCK") == 40
    for answer, one in zip(answers, found, strict=True):
        assert one.verdict is not None
        [ground] = one.verdict.grounds
        assert (ground.match,) == answer.matches
        assert ground.match.breaker == (f"default/{entry.entry}" if one.action == "REVIEW" else "")
        said = words.why(ground.match)
        assert said.count("breaker") == (one.action == "REVIEW") and "breaker" not in ground.match.reason
        assert decode_decision(encode_decision(one)) == one
    assert {one.matches[0].reason for one in answers} == {answers[0].matches[0].reason}
    counted = service.report(records.now() - datetime.timedelta(hours=1), None)
    assert (counted.held, [one.uploads for one in counted.verdicts]) == (5, [40, 5])


def test_a_rule_and_a_breaker_are_each_said_once(service: Service) -> None:
    """What a rule blocks and a breaker holds back has the rule as reason, and the words have both."""
    rule = Rule(verdict=Verdict.BLOCK, seconds=2.0, labels=("incident-7",))
    service.update_bank("default", policy=Policy(rules=(rule,)))
    confirmed(service, labels=["incident-7"])
    for number in range(41):
        last = service.match(dataclasses.replace(COPY, digests=Digests(sha256=bytes([number + 1]) * 32)))
    [match] = last.matches
    said = words.why(match)
    assert match.reason == f"rule 1: {rule}"
    assert (said.count(match.reason), said.count("its breaker has tripped")) == (1, 1)


def test_a_file_is_one_decision(service: Service, original: Path, tmp_path: Path) -> None:
    """However often a file is read, it is judged once; its exhibits are all the readings."""
    service.create_bank("deep", policy=Policy(depth="deep", block_evidence=-290.0))  # type: ignore[arg-type]
    made = service.confirm_media("deep", original)
    searched(service)
    service.match_media(original, content_id="same")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(original.read_bytes() + b"more")
    assert service.match_media(copy, content_id="copy", min_revision=made.revision).verdict is Verdict.REVIEW
    exact, similar = logged(service)
    assert exact.verdict is not None and similar.verdict is not None
    assert (exact.content_id, exact.verdict.readings) == ("same", ())
    assert (similar.content_id, len(similar.verdict.readings)) == ("copy", 2)


def test_the_same_fingerprint_is_kept_once(service: Service, entry: Entry) -> None:
    """Exhibits are kept by digest."""
    for number in range(5):
        service.match(COPY, content_id=str(number))
    assert len(logged(service)) == 5
    assert service._store.exhibit_counts().exhibits == 1


def test_fingerprints_may_not_be_kept(tmp_path: Path) -> None:
    """With the setting off, or one too large, the record stands without it."""
    for name, settings, readings in (
        ("off", DecisionSettings(keep_fingerprints=False), 0),
        ("small", DecisionSettings(max_fingerprint_bytes=100), 1),
    ):
        with Service.open(tmp_path / name, Settings(decisions=settings)) as service:
            confirmed(service)
            assert service.match(COPY).verdict is Verdict.BLOCK
            [decision] = logged(service)
            assert decision.verdict is not None and len(decision.verdict.readings) == readings
            assert service._store.exhibit_counts().exhibits == 0


def test_fingerprints_expire_and_the_log_stays(service: Service, tmp_path: Path, entry: Entry) -> None:
    """A server lets go of them in time, whether or not verdicts come; the chain is whole."""
    service.match(COPY)
    service.close()
    settings = Settings(decisions=DecisionSettings(ttl_days=0.0))
    with Service.open(tmp_path / "data", settings, hunt=True) as again:
        deadline = time.monotonic() + 10
        while again._store.exhibit_counts().exhibits:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        [decision] = logged(again)
        assert decision.verdict is not None and len(decision.verdict.readings) == 1
        assert again.verify() == []
        assert "expired" in refused(lambda: again.replay(decision.decision), "REPLAY_IMPOSSIBLE")


def test_an_answer_waits_for_its_record(service: Service, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is busy no answer is given, and what came meanwhile is written at once."""
    gate, appended = threading.Event(), []
    append = Store.append

    def slow(self: Store, **what: object) -> object:
        gate.wait(10)
        appended.append(len(what["decisions"]))  # type: ignore[arg-type]
        return append(self, **what)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "append", slow)
    judged = [service.judge(COPY, content_id=str(number)) for number in range(20)]
    assert not any(one.logged is None or one.logged.done() for one in judged)
    assert service.judge(STRANGER).logged is None
    gate.set()
    numbers = [one.logged.result(10) for one in judged if one.logged is not None]
    assert numbers == [one.decision for one in logged(service)]
    assert sum(appended) == 20
    assert len(appended) <= 2


def full(self: Store, **what: object) -> None:
    """Instead of `Store.append`."""
    raise StoreFullError("no room")


def test_a_store_that_cannot_be_written(service: Service, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts are given all the same, without waiting for more failures, and logged in order once that is possible."""
    monkeypatch.setattr(Store, "append", full)
    for number in range(30):
        assert service.match(COPY, content_id=str(number)).verdict is Verdict.BLOCK
    assert service.match(STRANGER).verdict is Verdict.ALLOW
    assert logged(service) == []
    monkeypatch.undo()
    deadline = time.monotonic() + 10
    while len(logged(service)) < 30:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert service.match(COPY, content_id="30").verdict is Verdict.BLOCK
    found = logged(service)
    assert [one.content_id for one in found] == [str(number) for number in range(31)]
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert service._store.exhibit_counts().exhibits == 1
    assert service.verify() == []


def test_what_is_owed_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More verdicts without a record than may wait are not given; what is owed at the end is said to be lost."""
    with structlog.testing.capture_logs() as logs:
        with Service.open(tmp_path / "data", Settings(decisions=DecisionSettings(queue=5))) as service:
            confirmed(service)
            monkeypatch.setattr(Store, "append", full)
            for number in range(5):
                assert service.match(COPY, content_id=str(number)).verdict is Verdict.BLOCK
            refused(lambda: service.match(COPY), "OVERLOADED")
            assert service.match(STRANGER).verdict is Verdict.ALLOW
        monkeypatch.undo()
    errors = [one for one in logs if one["log_level"] == "error"]
    assert [one["event"] for one in errors] == [
        "verdicts cannot be logged, and are given all the same", "verdicts were given and are in no log",
    ]  # fmt: skip
    assert errors[-1]["verdicts"] == 5


def test_a_defect_is_not_passed_over(service: Service, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no failure of the store is raised, and the log goes on."""

    def broken(self: Store, **what: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Store, "append", broken)
    with pytest.raises(RuntimeError):
        service.match(COPY)
    monkeypatch.undo()
    assert service.match(COPY).verdict is Verdict.BLOCK
    assert len(logged(service)) == 1


def test_the_queue_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than may wait are refused, and those that wait are written."""
    gate = threading.Event()
    append = Store.append
    with Service.open(tmp_path / "data", Settings(decisions=DecisionSettings(queue=3))) as service:
        confirmed(service)

        def slow(self: Store, **what: object) -> object:
            gate.wait(10)
            return append(self, **what)  # type: ignore[arg-type]

        monkeypatch.setattr(Store, "append", slow)
        with pytest.raises(UnavailableError) as caught:
            for number in range(30):
                service.judge(COPY, content_id=str(number))
        assert caught.value.reason == "OVERLOADED"
        gate.set()
        deadline = time.monotonic() + 10
        while service._decisions._waiting:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert service.match(COPY).verdict is Verdict.BLOCK
        assert 4 <= len(logged(service)) <= 6


class Clock:
    """Time that passes only where somebody sleeps or says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0
        self.then: Callable[[], None] = lambda: None
        """What comes of it when somebody has slept."""

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        self.then()


def test_a_flood_is_written_in_fewer_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where verdicts are two milliseconds apart several are written at once; where they are six apart none waits for another,
    and none does after a flood."""
    clock = Clock()
    monkeypatch.setattr(decision_log, "time", clock)
    log = DecisionLog(None, DecisionSettings())  # type: ignore[arg-type]

    def run(apart: float) -> tuple[float, float]:
        """Verdicts that a transaction of a millisecond writes, and seconds slept, of the last hundred."""
        due, written = clock.now, 0

        def come() -> None:
            nonlocal due
            while due <= clock.now:
                log._waiting.append(None)  # type: ignore[arg-type]
                due += apart

        clock.then = come
        for turn in range(200):
            if turn == 100:
                clock.slept, written = 0.0, 0
            log._waiting = []
            clock.now = max(clock.now + 0.001, due)
            come()
            log._gather()
            written += len(log._waiting)
        return written / 100, clock.slept

    assert run(0.006) == (1.0, 0.0)
    several, slept = run(0.002)
    assert several > 2 and slept > 0
    assert run(0.06) == (1.0, 0.0)


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    """What was judged before the end is in the log."""
    with Service.open(tmp_path / "data") as service:
        confirmed(service)
        judged = [service.judge(COPY, content_id=str(number)) for number in range(10)]
    assert all(one.logged is not None and one.logged.done() for one in judged)
    with Service.open(tmp_path / "data") as again:
        assert len(logged(again)) == 10


def test_a_huge_record_is_cut_and_says_so() -> None:
    """Matches without end, with long labels, fit into a decision; the weakest are counted."""
    grounds = tuple(
        Ground(match=a_match(entry=str(number)), labels=tuple(f"{place:02}" + "ä" * 126 for place in range(32)))
        for number in range(500)
    )
    bank = Bank(bank="default", created_at=NOW, updated_at=NOW, revision=3)
    record = VerdictRecord(verdict=Verdict.BLOCK, judged_revision=7, upload="ff", grounds=grounds, policies=(bank,))
    packed = verdicts.pack(record, "mia", NOW)
    assert len(packed) < 1 << 20
    back = verdicts.unpack(msgpack.unpackb(packed, timestamp=3))
    assert back.grounds == grounds[: len(back.grounds)]
    assert len(back.grounds) >= 30
    assert back.omitted == 500 - len(back.grounds)
    assert back.policies == (bank,)


def test_damaged_records_are_told(service: Service) -> None:
    """A record that says nothing is STORE_CORRUPT, not a crash."""
    service._store.append(decisions=[b"rubbish"])
    refused(lambda: service.list_decisions(), "STORE_CORRUPT")
    with pytest.raises(StoreError):
        service.get_decision(service._store.decision_head()[0])


def test_an_exhibit_is_what_matching_reads(service: Service, entry: Entry) -> None:
    """Of thousands of frames no more is kept than a match looks at."""
    long = an_upload([(VIDEO, 0.0, 30.0, 1.0)], step=0.002)
    service.match(long)
    [decision] = logged(service)
    assert decision.verdict is not None
    [reading] = decision.verdict.readings
    packed = service._store.exhibit(bytes.fromhex(reading))
    assert hashlib.sha256(packed).hexdigest() == reading
    assert exhibit.pack(exhibit.unpack(packed)) == packed
    assert exhibit.unpack(packed).frames <= profile_named(long.profile).sparse.max_frames < long.frames
