"""Load is offered when it is due, and what comes of it is judged by what was asked."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks import load, match_load, replay_incident, synthetic, uploads, watch
from benchmarks.load import Load, Sent
from benchmarks.uploads import Footage, Upload
from hashsvc.bank.model import Verdict
from hashsvc.demo import process
from hashsvc.match.model import Match, MatchResult
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc.v1 import match_service_pb2 as pb
from hashsvc.wire.match import encode_result

KNOWN = synthetic.footage(1, 59 * 30)
COPY = Upload(source="known", fingerprint=synthetic.upload(KNOWN))
STRANGER = Upload(source="stranger", fingerprint=synthetic.upload(synthetic.footage(2, 59 * 30)))
FOOTAGE = Footage(references={"known": KNOWN}, hits=[COPY], misses=[STRANGER])


def answered(place: int, *found: str, due: float = 0.0, fault: str = "", verdict: Verdict = Verdict.BLOCK) -> Sent:
    """An answer that names some entries."""
    matches = tuple(
        Match(
            bank="default", entry=name, external_id=name, evidence=-9.0, query_coverage=1.0, reference_coverage=1.0,
            mean_distance=9.0, verdict=verdict, segments=(), digest="",
        )
        for name in found
    )  # fmt: skip
    result = MatchResult(verdict=verdict if found else Verdict.ALLOW, revision=1, matches=matches)
    answer = b"" if fault else pb.MatchResponse(result=encode_result(result)).SerializeToString()
    return Sent(request=place, due=due, seconds=0.01, answer=answer, fault=fault)


def seen(*sent: Sent) -> Load:
    return Load(sent=list(sent), began=100.0, seconds=2.0)


def test_arrivals_keep_the_rate() -> None:
    """As many as asked, about; in order, within the time, the same each time, and not evenly."""
    times = load.arrivals(50.0, 20.0)
    assert 900 < len(times) < 1100
    assert times == sorted(times) and times[-1] < 20.0
    assert times == load.arrivals(50.0, 20.0)
    assert np.diff(times).std() > 0.5 / 50


def test_a_served_bank_is_asked(tmp_path: Path) -> None:
    """Over gRPC, at times, flat out and one at a time: the copy is found, the stranger is not; times are from when they were due."""
    data = tmp_path / "data"
    with Service.open(data) as service:
        service.confirm(DEFAULT_BANK, KNOWN, external_id="known")
    asked = [COPY, STRANGER]
    requests = [load.request(one.fingerprint) for one in asked]
    with process.started(data, tmp_path / "server.log") as server, watch.watched(server.pid) as looks:
        timed = load.at_times(server.target, requests, [0.0, 0.0, 0.3, 0.6])
        quick = load.flat_out(server.target, requests, 0.6)
        pace = load.Pace()
        held = load.at_times(server.target, requests, [0.0] * 6, most=1, pace=pace)
    assert [one.request for one in timed.sent] == [0, 1, 0, 1]
    assert timed.seconds >= 0.6
    assert len(quick.sent) > 4 and quick.rate > 4
    assert pace.held > 0 and pace.left(1.0) < 1.0 + pace.held
    assert all(two.due > one.due + one.seconds / 2 for one, two in itertools.pairwise(held.sent))
    for one in (timed, quick, held):
        assert match_load.judged(one, asked, FOOTAGE) == (1.0, [])
    assert looks and all(0 < one.private < one.resident and one.descriptors > 3 for one in looks)


def test_a_server_that_is_not_there_is_a_fault() -> None:
    """Of each request, and named."""
    assert match_load.judged(seen(answered(0, fault="no answer")), [COPY], FOOTAGE) == (
        0.0,
        ["no answer", "Only 0.00 of the answers were right."],
    )


@pytest.mark.parametrize(
    ("sent", "right"),
    [(answered(0, "known"), True), (answered(1), True), (answered(0), False), (answered(1, "known"), False)],
)
def test_answers_are_judged(sent: Sent, right: bool) -> None:
    """By the upload that they are for."""
    share, faults = match_load.judged(seen(sent), [COPY, STRANGER], FOOTAGE)
    assert share == right
    assert bool(faults) is not right


def test_uploads_of_one_footage_differ() -> None:
    """In a few bits of most hashes and in their digests; the same seed gives the same."""
    first, again, other = (uploads.varied(KNOWN, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.hashes, again.hashes) and first.digests == again.digests
    assert first.digests != other.digests
    flipped = np.bitwise_count(first.hashes ^ KNOWN.hashes).sum(axis=-1)
    assert 2 < flipped.mean() < 6


def test_a_day_has_its_burst_and_its_copies() -> None:
    """So many uploads in a compressed day; ten times the mean at the burst; copies are few; originals are confirmed in turn."""
    day = replay_incident.planned(FOOTAGE, 20_000, 864.0)
    times = np.array(day.times)
    assert len(times) == len(day.uploads) == 20_000
    assert times.max() <= 100.0 and (np.diff(times) >= 0).all()
    counts = np.histogram(times, 240, (0, 100))[0]
    assert 6 < counts.max() / counts.mean() < 12
    assert 100 < sum(one.source == "known" for one in day.uploads) < 300
    assert 0 < day.confirms["known"] < 100


def test_copies_before_their_original_are_counted_apart() -> None:
    """What cannot be found is not missed; a stranger that is blocked is a false block, and an error an error."""
    day = replay_incident.Day(times=[0.0] * 4, uploads=[COPY, COPY, STRANGER, COPY], confirms={"known": 1.0})
    sent = [answered(0, due=0.5), answered(1, due=2.0), answered(2, "known", due=2.0), answered(3, fault="no answer")]
    tally = replay_incident._tallied(day, seen(*sent), {"known": 101.0})
    assert dataclasses.astuple(tally) == (1, 1, 1, 1, 1, 0, ["no answer"])


def test_growth_is_seen_after_warming_up() -> None:
    """What comes in the first fifth does not count."""
    assert watch.growth([1.0, 9.0, *[10.0] * 8]) == (10.0, 10.0)
    assert watch.growth([float(value) for value in range(10)]) == (2.5, 8.5)
