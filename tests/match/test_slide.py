"""Lines are found where no frame is near enough to be a seed."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.pdq import hamming
from hashsvc.match import slide
from hashsvc.match.comparison import Comparison, Line, compare
from hashsvc.match.pairs import Pair
from hashsvc.match.slide import counterparts, slid
from tests.match.synthetic import a_reference, an_upload

REFERENCE = a_reference(1)


def lines(upload: Fingerprint, reference: Fingerprint = REFERENCE) -> list[Line]:
    def compared(pair: Pair, rows: npt.NDArray[np.intp]) -> Comparison:
        distances = hamming(upload.hashes[rows, None, pair[0]], reference.hashes[None, :, pair[1]])
        return compare(distances, reference.starts, reference.duration, upload.starts[rows])

    return slid(upload, reference, compared)


@pytest.mark.parametrize("view", ["full", "mirror", "centre-84-mirror", "middle-third"])
@pytest.mark.parametrize("speed", [1.0, 1.25, 0.5, -1.0])
def test_the_line_of_a_copy_whose_frames_all_lie_beyond_any_seed(view: str, speed: float) -> None:
    start = 35.0 if speed < 0 else 10.0
    found = lines(an_upload([(REFERENCE, start, 16.0, speed)], bits=98, view=view))
    # Halfway through the upload the line is where the copy was.
    assert any(
        abs(line.speed - speed) < 0.01 and abs(line.speed * 8 + line.offset - (start + 8 * speed)) < 0.4
        for line in found[:2]
    )


def test_each_line_once_and_not_many() -> None:
    found = lines(an_upload([(REFERENCE, 10.0, 16.0, 1.0)], bits=20))
    assert 1 <= len(found) <= slide._MOST_LINES
    assert len({(round(line.speed, 2), round(line.offset, 1)) for line in found}) == len(found)


def test_frames_that_gain_nothing_make_no_line() -> None:
    upload = an_upload([(REFERENCE, 10.0, 16.0, 1.0)])
    upload.hashes[:] = ~REFERENCE.hashes[:1, :1]
    still = dataclasses.replace(REFERENCE, hashes=np.broadcast_to(REFERENCE.hashes[0, 0], REFERENCE.hashes.shape))
    assert lines(upload, still) == []


def test_a_long_upload_is_thinned_and_a_long_reference_tried_at_one_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slide, "_MOST_SLOTS", 100)
    found = lines(an_upload([(REFERENCE, 2.0, 36.0, 1.0)], bits=90, step=0.25))
    assert found and all(line.speed == 1.0 for line in found)
    assert abs(found[0].offset - 2.0) < 0.3


def test_counterparts_are_what_shows_the_same() -> None:
    upload = an_upload([(REFERENCE, 10.0, 4.0, 1.0)])
    assert all(upload.views[left] == "full" for left, _ in counterparts(upload, REFERENCE))
    found = dataclasses.replace(
        upload,
        views=("full", "inside-1", "top-72", "left-half"),
        hashes=np.repeat(upload.hashes, 4, axis=1),
        quality=np.repeat(upload.quality, 4, axis=1),
    )
    named = {(found.views[left], REFERENCE.views[right]) for left, right in counterparts(found, REFERENCE)}
    assert {("inside-1", "full"), ("top-72", "top-72"), ("full", "mirror")} <= named
    assert not any(left == "left-half" for left, _ in named)
