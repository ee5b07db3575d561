"""Whether the frames of uploads that come near a reference lie on a line in time."""

from collections.abc import Sequence

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.retro.lines import Lines
from hashsvc.retro.packing import Recent, Seeding, pack, seeding
from tests.match.synthetic import a_reference, an_upload

GATE = 15
VIDEO = a_reference(1)
LINES = Lines(VIDEO, GATE)


def of(upload: Fingerprint) -> Seeding:
    """What a look is given of an upload."""
    return seeding(pack(Recent(content_id="a", seen_at=0, fingerprint=upload)))


def evidence(uploads: Sequence[Fingerprint]) -> list[float]:
    """Looking at all of their hashes."""
    given = [of(one) for one in uploads]
    found: list[float] = LINES.find(given, [np.ones(len(one.hashes), bool) for one in given]).evidence.tolist()
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


def test_what_is_looked_at_names_the_views() -> None:
    """A mask of hashes for each upload; where none is looked at there is no evidence."""
    given = of(an_upload([(VIDEO, 2.0, 15.0, 1.0)]))
    none, half = np.zeros(len(given.hashes), bool), np.arange(len(given.hashes)) % 2 == 0
    found = LINES.find([given] * 3, [none, half, ~none]).evidence
    assert found[0] == 0.0
    assert found[1] == found[2] < -20
    assert LINES.find([], []).evidence.tolist() == []


def test_how_near_the_pictures_are() -> None:
    """The median distance along the line, which says whether they are the very same."""
    uploads = [of(an_upload([(VIDEO, 2.0, 15.0, 1.0)], bits=bits)) for bits in (8, 60)]
    near, far = LINES.find(uploads, [np.ones(len(one.hashes), bool) for one in uploads]).distances
    assert near <= 12
    assert 50 < far < 84


def test_a_reference_without_evidence() -> None:
    """Nothing lies on a line with what has no hash."""
    black = Lines(a_black(VIDEO), GATE)
    given = of(an_upload([(VIDEO, 2.0, 15.0, 1.0)]))
    assert black.find([given], [np.ones(len(given.hashes), bool)]).evidence.tolist() == [0.0]


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
