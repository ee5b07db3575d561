"""From a file to a fingerprint, of a reference and of an upload."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashsvc.config import Limits
from hashsvc.demo import edits, video
from hashsvc.demo.place import Picture
from hashsvc.errors import LimitExceededError, MediaError
from hashsvc.fingerprint import hasher
from hashsvc.fingerprint.deep import EXTRA, WINDOWS
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.encoding import encode
from hashsvc.fingerprint.hasher import fingerprint_query, fingerprint_reference
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming, hash_lumas
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import curves
from hashsvc.match.comparison import Line
from tests.media.footage import LIMITS, coded, taken

Reference = Callable[[Path], Fingerprint]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Reference:
    """Hashes a reference with the default profile, without the slow signal for partners."""
    monkeypatch.setattr(hasher, "videohash_of", lambda path: "")
    return lambda path: fingerprint_reference(path, DEFAULT, LIMITS)


def stills(*seeds: int) -> list[Picture]:
    """A picture for each seed."""
    return [next(iter(video.make(seed, seconds=1.0, size=(160, 90)).frames)) for seed in seeds]


def test_a_reference(original: Path, reference: Reference) -> None:
    """All reference views, times in order up to the duration, activity, signals and digests."""
    made = reference(original)
    assert made.check() is made
    assert made.views == tuple(view.name for view in DEFAULT.reference_views)
    assert made.duration == pytest.approx(14.0, abs=0.05)
    assert made.frames >= 14 * DEFAULT.hash_rate * 0.8  # a moving camera: hardly anything is folded
    assert np.diff(made.starts).max() <= 0.5
    assert made.ends[-1] == pytest.approx(made.duration)
    assert np.array_equal(made.ends[:-1], made.starts[1:])
    assert made.activity.shape == (1, 14 * 8)
    assert made.signals.phash.shape == (made.frames, 8)
    data = original.read_bytes()
    assert made.digests.sha256 == hashlib.sha256(data).digest()
    assert made.digests.md5 == hashlib.md5(data, usedforsecurity=False).digest()


def test_hashing_is_repeatable(unrelated: Path, reference: Reference) -> None:
    """The same bytes have the same fingerprint, to the bit."""
    assert encode(reference(unrelated)) == encode(reference(unrelated))
    query = [encode(fingerprint_query(unrelated, DEFAULT, LIMITS)) for _ in range(2)]
    assert query[0] == query[1]


def test_still_stretches_are_folded(tmp_path: Path, reference: Reference) -> None:
    """Three pictures of 3, 1 and 2 s are three frames, each standing for its time."""
    first, second, third = stills(51, 52, 53)
    made = reference(coded(tmp_path / "v.mkv", [first] * 75 + [second] * 25 + [third] * 50, codec="ffv1"))
    assert made.starts == pytest.approx([0.0, 3.0, 4.0], abs=0.01)
    assert made.ends == pytest.approx([3.0, 4.0, 6.0], abs=0.01)
    assert made.hashes.shape[0] == made.quality.shape[0] == made.signals.phash.shape[0] == 3
    assert np.count_nonzero(made.activity) == 2


def test_a_picture_that_returns_is_kept_again(tmp_path: Path, reference: Reference) -> None:
    """Only neighbours are folded: A, B, A are three frames."""
    first, second = stills(51, 52)
    made = reference(coded(tmp_path / "v.mkv", [first] * 25 + [second] * 25 + [first] * 25, codec="ffv1"))
    assert made.frames == 3
    assert np.array_equal(made.hashes[0, 0], made.hashes[2, 0])


def test_a_kept_frame_is_near_all_that_it_stands_for(tmp_path: Path, reference: Reference) -> None:
    """However slowly a picture moves on, no instant is farther from its kept frame than the profile allows."""
    [picture] = stills(54)
    pan = [np.roll(picture, shift // 8, axis=1) for shift in range(250)]
    path = coded(tmp_path / "v.mkv", pan, codec="ffv1")
    made = reference(path)
    assert 5 < made.frames <= 41
    for sample in taken(path)[::2]:  # the samples that are hashed: half of the dense ones
        place = int(np.searchsorted(made.starts, sample.time + 1e-6, side="right")) - 1
        assert made.starts[place] <= sample.time + 1e-6 <= made.ends[place] + 1e-5
        full, _ = hash_lumas(sample.luma[None])
        assert int(hamming(full[0], made.hashes[place, 0])) <= DEFAULT.fold_distance


def test_a_black_video_has_no_evidence(tmp_path: Path, reference: Reference) -> None:
    """Every hash of black pictures is under the gate, as reference and as upload."""
    path = coded(tmp_path / "v.mp4", [np.zeros((90, 160, 3), np.uint8)] * 100)
    for made in (reference(path), fingerprint_query(path, DEFAULT, LIMITS)):
        assert made.quality.max() < DEFAULT.quality_gate
    assert reference(path).frames == 1


def test_an_upload(original: Path) -> None:
    """Sparse, with the query's views, and its spans without a gap."""
    made = fingerprint_query(original, DEFAULT, LIMITS)
    assert made.check() is made
    assert made.views[: len(DEFAULT.query_views)] == tuple(view.name for view in DEFAULT.query_views)
    assert 18 <= made.frames <= 14 / DEFAULT.sparse.step + 2
    assert np.array_equal(made.ends[:-1], made.starts[1:])
    assert made.ends[-1] == pytest.approx(made.duration)
    assert made.digests == digest_file(original, LIMITS.max_bytes)


def test_borders_of_an_upload_are_read_without(original: Path, tmp_path: Path) -> None:
    """A letterboxed upload has the view `area`, which is the original's picture; a plain one has none."""
    path = tmp_path / "v.mp4"
    video.write(path, edits.letterbox(0.25)(video.read(original)))
    boxed, plain = (fingerprint_query(one, DEFAULT, LIMITS) for one in (path, original))
    assert "area" not in plain.views
    area = boxed.views.index("area")
    assert boxed.frames == plain.frames
    good = (boxed.quality[:, area] >= 50) & (plain.quality[:, 0] >= 50)
    assert hamming(boxed.hashes[good, area], plain.hashes[good, 0]).mean() < 40
    assert hamming(boxed.hashes[good, 0], plain.hashes[good, 0]).mean() > 60


def test_a_mirrored_upload_is_the_references_mirror(unrelated: Path, tmp_path: Path, reference: Reference) -> None:
    """The view `mirror` of a reference is what an upload of its mirror image hashes to."""
    path = tmp_path / "v.mp4"
    video.write(path, edits.mirror(video.read(unrelated)))
    made, upload = reference(unrelated), fingerprint_query(path, DEFAULT, LIMITS)
    place = made.views.index("mirror")
    same = np.abs(made.starts[:, None] - upload.starts) < 0.01
    assert same.any(axis=0).sum() >= 12
    for kept, number in np.argwhere(same):
        assert hamming(made.hashes[kept, place], upload.hashes[number, 0]) <= 12


def test_progress(unrelated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares of the work done rise from 0 to nearly 1."""
    monkeypatch.setattr(hasher, "videohash_of", lambda path: "")
    shares: list[float] = []
    fingerprint_reference(unrelated, DEFAULT, LIMITS, shares.append)
    assert shares == sorted(shares)
    assert shares[0] == 0 and 0.9 < shares[-1] <= 1


def test_digests(tmp_path: Path) -> None:
    """Of the whole file, in any number of pieces; an empty, a missing and a too long file are refused."""
    path = tmp_path / "file"
    data = np.random.default_rng(1).bytes((2 << 20) + 17)
    path.write_bytes(data)
    assert digest_file(path, len(data)).sha256 == hashlib.sha256(data).digest()
    with pytest.raises(LimitExceededError):
        digest_file(path, len(data) - 1)
    path.write_bytes(b"")
    for broken, reason in (
        (path, "MEDIA_EMPTY"),
        (tmp_path / "none", "MEDIA_UNREADABLE"),
        (tmp_path, "MEDIA_UNREADABLE"),
    ):
        with pytest.raises(MediaError) as caught:
            digest_file(broken, 100)
        assert caught.value.reason == reason


def test_limits_reach_the_decoder(original: Path) -> None:
    """Both kinds of hashing keep to the limits that they are given."""
    for make in (fingerprint_reference, fingerprint_query):
        with pytest.raises(LimitExceededError) as caught:
            make(original, DEFAULT, Limits(max_duration=5.0))
        assert caught.value.reason == "LIMIT_DURATION"


def test_a_deep_reading(original: Path) -> None:
    """The frames of a quick one in more views, and a curve for each view of a part of its own."""
    quick = fingerprint_query(original, DEFAULT, LIMITS)
    deep = fingerprint_query(original, DEFAULT, LIMITS, deep=True)
    assert deep.check() is deep
    assert len(quick.activity) == 0
    assert deep.starts == pytest.approx(np.arange(28) / 2, abs=0.1)
    assert {view.name for view in (*DEFAULT.query_views, *WINDOWS, *EXTRA)} <= set(deep.views)
    assert deep.views[-len(EXTRA) :] == tuple(view.name for view in EXTRA)
    assert deep.activity.shape == (len(deep.views) - len(EXTRA), 14 * 8)
    assert (deep.activity[0] > 0).mean() > 0.9  # a moving camera
    mirror = deep.views.index("mirror")
    turned = np.fliplr(np.stack([sample.luma for sample in taken(original, DEFAULT.sparse)])[0])
    assert np.array_equal(deep.hashes[0, mirror], hash_lumas(np.ascontiguousarray(turned)[None])[0][0])


def test_a_copy_has_the_curve_of_its_original(original: Path, reference: Reference, tmp_path: Path) -> None:
    """Mirrored, bordered and toned: what happens when is the same."""
    edit = edits.chain(edits.mirror, edits.letterbox(0.25), edits.tone(gamma=1.4))
    video.write(tmp_path / "copy.mp4", edit(video.read(original)), video.Encoding(crf=30))
    copy = fingerprint_query(tmp_path / "copy.mp4", DEFAULT, LIMITS, deep=True)
    agreement = curves.agreements(copy.activity[:1], reference(original).activity[0], Line(1.0, 0.0), 0.0, 14.0)[0]
    assert agreement.correlation > 0.8


def test_a_long_upload_is_read_quickly(unrelated: Path) -> None:
    """A deep reading decodes every frame, which a bound on the duration keeps from going on for hours."""
    limits = dataclasses.replace(LIMITS, max_deep_duration=7.0)
    assert encode(fingerprint_query(unrelated, DEFAULT, limits, deep=True)) == encode(
        fingerprint_query(unrelated, DEFAULT, limits)
    )
