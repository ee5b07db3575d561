"""Counting what entries match, in memory."""

import dataclasses
import datetime
import itertools
from collections.abc import Callable

import pytest

from hashsvc.bank.model import Verdict
from hashsvc.config import BreakerSettings
from hashsvc.match.model import Match, MatchResult
from hashsvc.traffic import tally as module
from hashsvc.traffic.tally import Known, News, Place, Tally

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SETTINGS = BreakerSettings(hits=40, burst_hits=20)
ENTRY = ("default", "e1")
UNKNOWN = Known()


def result(verdict: Verdict = Verdict.BLOCK, *, entry: str = "e1", digest: str = "") -> MatchResult:
    """One match."""
    match = Match(
        bank="default",
        entry=entry,
        external_id="card",
        evidence=-20.0,
        query_coverage=0.75,
        reference_coverage=0.25,
        mean_distance=1.0,
        verdict=verdict,
        segments=(),
        digest=digest,
    )
    return MatchResult(verdict=verdict, revision=1, matches=(match,))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time on by seconds."""
    now = [START]
    monkeypatch.setattr("hashsvc.bank.records.now", lambda: now[0])

    def on(seconds: float) -> None:
        now[0] += datetime.timedelta(seconds=seconds)

    return on


def made(settings: BreakerSettings = SETTINGS, *, known: Known = UNKNOWN) -> Tally:
    """A tally of entries of which `known` is on disk."""
    return Tally(settings, lambda place: known)


def run(tally: Tally, uploads: range, given: MatchResult | None = None) -> tuple[list[Verdict], News]:
    """Verdicts of so many different uploads, and all that they brought to light."""
    everything, verdicts = News(), []
    for number in uploads:
        judged, news = tally.judge(f"u{number}", given or result())
        assert judged.verdict is judged.matches[0].verdict
        verdicts.append(judged.verdict)
        everything.first += news.first
        everything.bursts += news.bursts
        everything.trips += news.trips
    return verdicts, everything


def test_no_more_are_blocked_than_the_limit(clock: Callable[[float], None]) -> None:
    """Forty different uploads are blocked, and every one after them goes to review; it trips once."""
    verdicts, news = run(made(), range(60))
    assert verdicts == [Verdict.BLOCK] * 40 + [Verdict.REVIEW] * 20
    (trip,) = news.trips
    assert (trip.place, trip.blocked, trip.limit, trip.tripped) == (ENTRY, 40, 40, True)
    assert (trip.query_coverage, trip.reference_coverage) == (0.75, 0.25)
    assert [one.upload for one in trip.affected] == [f"u{number}" for number in range(40)]


def test_the_same_upload_counts_once(clock: Callable[[float], None]) -> None:
    """Retries, and two readings of one upload, are no flood."""
    tally = made()
    for _ in range(200):
        judged, news = tally.judge("same", result())
        assert judged.verdict is Verdict.BLOCK and not news.trips
    assert not run(tally, range(39))[1].trips


def test_what_is_no_flood(clock: Callable[[float], None]) -> None:
    """Matches for review, equal bytes, other entries, and blocks that are far apart."""
    for given in (result(Verdict.REVIEW), result(digest="sha256")):
        verdicts, news = run(made(), range(100), given)
        assert set(verdicts) == {given.verdict} and not news.trips
    tally = made()
    for entry in map(str, range(10)):
        assert not run(tally, range(40), result(entry=entry))[1].trips
    for number in range(200):
        clock(16.0)
        assert tally.judge(f"u{number}", result())[0].verdict is Verdict.BLOCK
    run(tally, range(1000, 1010))
    assert tally.judge("last", result())[0].verdict is Verdict.REVIEW


def test_an_entry_that_usually_has_many(clock: Callable[[float], None]) -> None:
    """Ten times its usual rate is a flood, and less is not, also after a restart."""
    tally = made()
    for number in range(3000):
        clock(17.0)
        assert tally.judge(f"u{number}", result())[0].verdict is Verdict.BLOCK
    known = tally.rates()[ENTRY]
    for one in (tally, made(known=known)):
        verdicts, news = run(one, range(5000, 6000))
        assert 60 <= verdicts.count(Verdict.BLOCK) <= 360
        assert len(news.trips) == 1


def test_reset_counts_anew(clock: Callable[[float], None]) -> None:
    """After a reset it blocks again, up to the limit that was set; a trip that is not on disk yet is not reset."""
    tally = made()
    (trip,) = run(tally, range(50))[1].trips
    tally.follow([])
    assert tally.judge("v", result())[0].verdict is Verdict.REVIEW
    tally.written(ENTRY)
    tally.follow([dataclasses.replace(trip, tripped=False, allowed_hits=60)])
    verdicts, news = run(tally, range(100, 200))
    assert verdicts.count(Verdict.BLOCK) == 60 and len(news.trips) == 1


def test_tripped_elsewhere(clock: Callable[[float], None]) -> None:
    """What another process tripped is tripped here."""
    trip = run(made(), range(50))[1].trips[0]
    other = made()
    other.follow([trip])
    judged, news = other.judge("v", result())
    assert judged.verdict is Verdict.REVIEW and not news.trips
    assert [one.upload for one in other.taken()[ENTRY]] == ["v"]
    assert not other.taken()


def test_first_match_and_burst(clock: Callable[[float], None]) -> None:
    """The first is told once, a burst once a window, each with what was matched."""
    tally = made()
    news = run(tally, range(39))[1]
    assert [one.entry for one in news.first] == ["e1"]
    (burst,) = news.bursts
    assert burst.hits == 20 and burst.usual < 1
    clock(700.0)
    again = run(tally, range(100, 130))[1]
    assert not again.first and len(again.bursts) == 1
    assert not run(made(known=Known(matched=True)), range(5))[1].first


def test_switched_off(clock: Callable[[float], None]) -> None:
    """Everything is blocked as the bank says; bursts are still told."""
    verdicts, news = run(made(BreakerSettings(enabled=False)), range(100))
    assert set(verdicts) == {Verdict.BLOCK}
    assert not news.trips and news.bursts


def test_memory_is_bounded(clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries, and the uploads of each."""
    monkeypatch.setattr(module, "_MOST_ENTRIES", 10)
    monkeypatch.setattr(module, "MOST_HITS", 100)
    tally = made(BreakerSettings(hits=10**9))
    for entry, upload in itertools.product(range(30), range(3)):
        tally.judge(f"u{upload}", result(entry=str(entry)))
    places: list[Place] = list(tally.rates())
    assert len(places) == 10
    verdicts, _ = run(tally, range(500), result(entry="29"))
    assert verdicts.count(Verdict.BLOCK) < 100
