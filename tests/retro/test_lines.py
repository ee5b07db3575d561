"""Whether the frames of uploads that come near a reference lie on a line in time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.match.score import SURPRISE, log10_chance, novelty
from hashsvc.retro import lines
from hashsvc.retro.lines import Lines
from hashsvc.retro.packing import Recent, Seeding, pack, seeding
from tests.match.synthetic import a_reference, an_upload, flipped

GATE = 15
VIDEO = a_reference(1)
LINES = Lines(VIDEO, GATE)


def of(upload: Fingerprint) -> Seeding:
    """What a look is given of an upload."""
    return seeding(pack(Recent(content_id="a", seen_at=0, fingerprint=upload)))


def evidence(uploads: Sequence[Fingerprint]) -> list[float]:
    """Looking at all of their hashes."""
    given = [of(one) for one in uploads]
    found: list[float] = LINES.evidence(given, [np.ones(len(one.hashes), bool) for one in given]).tolist()
    return found


@pytest.mark.parametrize("speed", [1.0, 0.8, 1.5, 2.0, 1.05])
def test_a_copy_is_on_a_line(speed: float) -> None:
    """At any speed, and whatever is looked at together with it."""
    copy = an_upload([(VIDEO, 2.0, 15.0, speed)], bits=50, view="mirror")
    stranger = an_upload([(None, 0.0, 15.0, 1.0)])
    found = evidence([stranger, copy, stranger, copy])
    assert found[0] == found[2] == 0.0
    assert found[1] == found[3] < -20
    assert found[1] == pytest.approx(evidence([copy])[0])


def test_the_same_pictures_in_another_order_are_not() -> None:
    """Six seconds each from all over the video, which no line goes through."""
    order = np.random.default_rng(3).permutation(16) * 2.3
    mixed = an_upload([(VIDEO, float(start), 1.0, 1.0) for start in order], bits=50)
    straight = an_upload([(VIDEO, 0.0, 16.0, 1.0)], bits=50)
    (out, on) = evidence([mixed, straight])
    assert on < 3 * out


def test_a_still_picture_is_one_picture() -> None:
    """However many frames show it."""
    still = an_upload([(VIDEO, 5.0, 15.0, 0.0001)], bits=20)
    assert -6 < evidence([still])[0] < 0


def test_only_what_is_looked_at_counts() -> None:
    """A mask of hashes for each upload; none is no evidence."""
    given = of(an_upload([(VIDEO, 2.0, 15.0, 1.0)]))
    none, half = np.zeros(len(given.hashes), bool), np.arange(len(given.hashes)) % 2 == 0
    found = LINES.evidence([given] * 3, [none, half, ~none])
    assert 0.0 == found[0] > found[1] > found[2]
    assert LINES.evidence([], []).tolist() == []


def test_little_at_once_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by taking turns."""
    uploads = [an_upload([(VIDEO, start, 12.0, 1.0)], bits=60, seed=int(start)) for start in (0.0, 7.0, 20.0)]
    together = evidence(uploads)
    monkeypatch.setattr(lines, "_MOST_PAIRS", 1)
    monkeypatch.setattr(lines, "_MOST_CELLS", 1)
    assert evidence(uploads) == pytest.approx(together)


def test_a_reference_without_evidence() -> None:
    """Nothing lies on a line with what has no hash."""
    black = Lines(a_black(VIDEO), GATE)
    given = of(an_upload([(VIDEO, 2.0, 15.0, 1.0)]))
    assert black.evidence([given], [np.ones(len(given.hashes), bool)]).tolist() == [0.0]


def a_black(video: Fingerprint) -> Fingerprint:
    """The video with no frame that passes the gate."""
    return Fingerprint(
        profile=video.profile,
        duration=video.duration,
        views=video.views,
        starts=video.starts,
        ends=video.ends,
        hashes=video.hashes,
        quality=np.zeros_like(video.quality),
    )


def test_weights_are_those_of_the_matcher() -> None:
    """Frames of a line that come back to a picture, nearest first: `_novelties` and `novelty` agree."""
    random = np.random.default_rng(2)
    pictures = random.integers(0, 256, (4, 32), np.uint8)[random.integers(0, 4, 16)]
    sides = np.stack([flipped(pictures, 12, random), flipped(pictures, 12, random)])
    distances = np.sort(random.integers(20, 100, 16)).astype(np.int32)
    gains = SURPRISE[distances]
    fresh = np.clip(4.0 * distances + 16, 20, 110)
    expected: npt.NDArray[np.float64] = novelty(sides[0], sides[1], distances, gains)
    found = lines._novelties(sides[:, None], gains[None], fresh[None])[0]
    assert found == pytest.approx(expected)
    assert log10_chance(gains, found) < 0
