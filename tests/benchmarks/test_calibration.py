"""The arithmetic of the calibration: distances to a table, and how many chance matches a promise allows."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.calibration import chance, null
from benchmarks.calibration.chance import Trial
from benchmarks.calibration.footage import Clip, Upload, cuts
from benchmarks.calibration.null import CAP, Null
from tests.match.synthetic import a_reference, an_upload


def tail(slope: float, hashes: float, gentler: float = 0.0, below: int = 0) -> Null:
    """What `hashes` pairs show of -log10 P = slope x (128 - distance), which rises by `gentler` only `below` a distance."""
    distances = np.arange(257)
    rise = slope * np.clip(128 - np.maximum(distances, below), 0, None) + gentler * np.clip(below - distances, 0, None)
    seen = np.floor(hashes * 10.0**-rise).astype(np.int64)
    share = np.where(seen > 0, 10.0**-rise, 0.0)
    return Null(share=share, joint=share, seen=seen, videos=np.minimum(seen, 900))


def test_the_fit_is_what_was_measured_where_it_was_seen() -> None:
    """Down to the edge the knots are the measurement, rounded down."""
    measured = tail(0.1, 1e8)
    assert measured.edge == 68
    for distance, value in null.fit(measured, range(68, 257)):
        assert value <= null.surprise(measured.joint)[distance] + 1e-9
        assert value == pytest.approx(null.surprise(measured.joint)[distance], abs=0.011)


def test_the_fit_goes_on_in_a_straight_line() -> None:
    """Nearer than the edge the line keeps the tail's slope, and stops at the cap."""
    knots = dict(null.fit(tail(0.1, 1e8), range(257)))
    assert knots[58] == pytest.approx(7.0, abs=0.011)
    assert knots[48] == pytest.approx(8.0, abs=0.011)
    assert knots[0] == CAP
    assert (np.diff(list(knots.values())) <= 0).all()


def test_the_fit_is_as_gentle_as_the_tail_ends() -> None:
    """Where the tail grows heavier towards its end, what follows is as heavy; the steep part before is not drawn on."""
    measured = tail(0.1, 1e8, gentler=0.02, below=75)
    assert null.tail_slope(null.surprise(measured.joint), measured.edge) == pytest.approx(0.02)
    knots = dict(null.fit(measured, range(257)))
    assert knots[measured.edge - 30] == pytest.approx(null.surprise(measured.joint)[measured.edge] + 0.6, abs=0.011)


def test_one_odd_pair_of_videos_is_no_tail() -> None:
    """However many frames of them agree, a distance that few pairs of videos reach is drawn, not taken as seen."""
    measured = tail(0.1, 1e8)
    videos = np.where(np.arange(257) < 80, 4, 900)
    assert Null(share=measured.share, joint=measured.joint, seen=measured.seen, videos=videos).edge == 80


def a_clip(name: str, seed: int, scene: str = "") -> Clip:
    """Random hashes on both sides; ten seconds."""
    upload = Upload(variant="plain", start=0.0, fingerprint=an_upload([(None, 0.0, 10.0, 1.0)], seed=1000 + seed))
    return Clip(name=name, group=name, scene=scene, reference=a_reference(seed, 10.0), uploads=(upload,))


def test_measure_counts_unrelated_pairs_alike() -> None:
    """Each ordered pair of clips has the same weight; random hashes are 128 bits apart."""
    clips = [a_clip("a", 1), a_clip("b", 2), a_clip("c", 3)]
    measured = null.measure(clips, lambda one, other: not one.related(other), 100, 1, lambda: None)
    assert measured.videos[256] == 6
    assert measured.seen[256] == 6 * 20 * 200
    assert measured.share[128] == pytest.approx(0.525, abs=0.01)
    assert measured.share[256] == pytest.approx(1.0)


def test_pairs_that_agree_often_weigh_more_along_a_line() -> None:
    """Where one of two pairs of videos does all the agreeing, two frames of a pair agree oftener than chance squared."""
    one, other, third = a_clip("a", 1), a_clip("b", 2), a_clip("c", 3)
    shared = other.reference.hashes[:1, :1].repeat(20, axis=0)
    still = dataclasses.replace(one.uploads[0].fingerprint, hashes=shared)
    one = dataclasses.replace(one, uploads=(dataclasses.replace(one.uploads[0], fingerprint=still),))
    measured = null.measure([one, other, third], lambda left, right: left is one, 100, 1, lambda: None)
    assert measured.share[20] == pytest.approx(measured.seen[20] / measured.seen[256])
    assert measured.joint[20] == pytest.approx(measured.share[20] * math.sqrt(2))


def test_near_identical_hashes_are_one() -> None:
    """A picture that stays is drawn once."""
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (5, 32), np.uint8)
    assert len(null.distinct(np.repeat(pictures, 40, axis=0), 100, random)) == 5


def a_trial(evidence: float, upload: str = "a", start: float = 0.0) -> Trial:
    """One pair of clips at that evidence."""
    return Trial(
        upload=upload, variant="plain", start=start, reference="b", akin=False, nominated=True, raw=evidence,
        alone=evidence, among=evidence,
    )  # fmt: skip


def test_promises_are_counted() -> None:
    """Of 1000 pairs 10 may reach -2, and a few more by chance; 300 are too many."""
    good = [a_trial(-2.5, start=one) for one in range(10)] + [a_trial(0.0, start=one) for one in range(10, 1000)]
    rows = {row["evidence at most"]: row for row in chance.alone_rows(good)}
    assert rows[-2]["observed"] == 10 and rows[-2]["allowed"] == 21 and rows[-2]["right"]
    assert rows[0]["observed"] == 10 and rows[-3]["observed"] == 0
    bad = [a_trial(-2.5, start=one) for one in range(300)] + good
    assert not {row["evidence at most"]: row for row in chance.alone_rows(bad)}[-2]["right"]


def test_cuts_follow_one_another() -> None:
    """Twenty seconds each; a short rest is left out, and a short clip is one upload."""
    assert cuts(5.0) == [0.0]
    assert cuts(27.0) == [0.0]
    assert cuts(28.0) == [0.0, 20.0]
    assert cuts(60.0) == [0.0, 20.0, 40.0]
