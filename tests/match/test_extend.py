"""One entry against one upload: lines, borders, views, evidence and coverage, on synthetic fingerprints."""

import dataclasses

import numpy as np
import pytest

from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.extend import Finding, find
from tests.match.synthetic import a_reference, an_upload, nominated

REFERENCE = a_reference(1)
GATE = DEFAULT.quality_gate


def found(
    upload: Fingerprint, *, reference: Fingerprint = REFERENCE, view: str = "full", indexed: int = 100_000
) -> Finding:
    """What they have in common; fails when that is nothing."""
    finding = find(upload, reference, nominated(reference, view), GATE, indexed)
    assert finding is not None
    return finding


@pytest.mark.parametrize("speed", [0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("start", [0.0, 7.3])
def test_speed_and_offset(speed: float, start: float) -> None:
    """A copy at any speed from a half to twice as fast, from anywhere, is one segment with the right ends."""
    seconds = 16.0
    finding = found(an_upload([(REFERENCE, start, seconds, speed)]))
    [segment] = finding.segments
    assert segment.speed == pytest.approx(speed, rel=0.04)
    assert segment.query_start == pytest.approx(0.0, abs=0.5)
    assert segment.query_end == pytest.approx(seconds, abs=0.5)
    assert segment.reference_start == pytest.approx(start, abs=0.6)
    assert segment.reference_end == pytest.approx(start + speed * seconds, abs=0.6)
    assert segment.view == "full/full"
    assert 25 <= segment.mean_distance <= 35
    assert finding.query_coverage > 0.93
    assert finding.reference_coverage == pytest.approx(speed * seconds / 40, abs=0.04)
    assert finding.evidence < -20


@pytest.mark.parametrize(("before", "after"), [(0.0, 20.0), (20.0, 0.0), (13.0, 17.0)])
def test_borders_of_an_excerpt(before: float, after: float) -> None:
    """Eight seconds within a longer upload are found where they are, to within a second."""
    finding = found(an_upload([(None, 0, before, 1), (REFERENCE, 11.0, 8.0, 1), (None, 0, after, 1)]))
    [segment] = finding.segments
    assert segment.query_start == pytest.approx(before, abs=0.8)
    assert segment.query_end == pytest.approx(before + 8, abs=0.8)
    assert segment.reference_start == pytest.approx(11.0, abs=0.8)
    assert segment.reference_end == pytest.approx(19.0, abs=0.8)
    assert finding.query_coverage == pytest.approx(8 / (before + 8 + after), abs=0.04)


def test_several_segments() -> None:
    """Three parts of the reference in another order, with other footage between, are three segments in the upload's order."""
    parts = [
        (REFERENCE, 25.0, 8.0, 1.0),
        (None, 0.0, 6.0, 1.0),
        (REFERENCE, 3.0, 8.0, 1.0),
        (REFERENCE, 20.0, 8.0, 1.5),
    ]
    finding = found(an_upload(parts))
    assert len(finding.segments) == 3
    for segment, (query, start, speed) in zip(
        finding.segments, ((0.0, 25.0, 1.0), (14.0, 3.0, 1.0), (22.0, 20.0, 1.5)), strict=True
    ):
        assert segment.query_start == pytest.approx(query, abs=0.8)
        assert segment.query_end == pytest.approx(query + 8, abs=0.8)
        assert segment.reference_start == pytest.approx(start, abs=1.0)
        assert segment.speed == pytest.approx(speed, rel=0.06)
    assert finding.query_coverage == pytest.approx(24 / 30, abs=0.05)


def test_a_repeated_part_is_covered_once() -> None:
    """The same ten seconds twice are two segments, and ten seconds of the reference."""
    finding = found(an_upload([(REFERENCE, 5.0, 10.0, 1.0), (REFERENCE, 5.0, 10.0, 1.0)]))
    assert len(finding.segments) == 2
    assert finding.reference_coverage == pytest.approx(10 / 40, abs=0.04)
    assert finding.query_coverage > 0.93


@pytest.mark.parametrize("view", DEFAULT.reference_names[1:8])
def test_the_view_that_was_nominated(view: str) -> None:
    """A copy that shows another view of the reference matches in that one, and the segment names it."""
    [segment] = found(an_upload([(REFERENCE, 4.0, 12.0, 1.0)], view=view), view=view).segments
    assert segment.view == f"full/{view}"
    assert segment.reference_start == pytest.approx(4.0, abs=0.6)


def test_unrelated_footage_is_no_evidence() -> None:
    """Of forty uploads that share nothing with the reference none comes near to evidence."""
    for seed in range(40):
        finding = find(an_upload([(None, 0, 20.0, 1)], seed=seed), REFERENCE, nominated(REFERENCE), GATE, 100_000)
        assert finding is None or finding.evidence > -2


def test_evidence_weakens_with_the_bank() -> None:
    """Among a thousand times as many hashes the same match is a thousand times likelier by chance."""
    upload = an_upload([(REFERENCE, 4.0, 6.0, 1.0)], bits=60)
    small, large = (found(upload, indexed=indexed).evidence for indexed in (10_000, 10_000_000))
    assert large - small == pytest.approx(3.0, abs=0.01)


def test_evidence_grows_with_length_and_closeness() -> None:
    """Longer and nearer copies are stronger; any is far beyond chance."""
    short = found(an_upload([(REFERENCE, 4.0, 5.0, 1.0)], bits=60)).evidence
    long = found(an_upload([(REFERENCE, 4.0, 15.0, 1.0)], bits=60)).evidence
    near = found(an_upload([(REFERENCE, 4.0, 15.0, 1.0)], bits=20)).evidence
    assert -6 > short > long > near


def test_a_static_pair_is_weak() -> None:
    """A minute of one and the same picture on both sides is no more evidence than a moment of it."""
    random = np.random.default_rng(3)
    still = dataclasses.replace(REFERENCE, hashes=np.repeat(REFERENCE.hashes[:1], REFERENCE.frames, axis=0))
    upload = an_upload([(still, 0.0, 30.0, 1.0)], bits=50, seed=int(random.integers(100)))
    finding = find(upload, still, nominated(still), GATE, 100_000)
    assert finding is None or finding.evidence > -6


def test_poor_frames_are_no_evidence() -> None:
    """Frames under the quality gate match nothing, however near they are."""
    upload = an_upload([(REFERENCE, 4.0, 12.0, 1.0)], bits=0)
    poor = dataclasses.replace(upload, quality=np.full_like(upload.quality, GATE - 1))
    finding = find(poor, REFERENCE, nominated(REFERENCE), GATE, 1000)
    assert finding is None


def test_folded_reference_frames_stand_for_their_span() -> None:
    """Where a reference keeps one frame for ten still seconds, a copy of those seconds is found in that span."""
    keep = np.concatenate([np.arange(41), np.arange(80, REFERENCE.frames)])  # frame 40 stands for 10 s to 20 s
    folded = dataclasses.replace(
        REFERENCE, starts=REFERENCE.starts[keep], ends=np.append(REFERENCE.starts[keep][1:], 40.0),
        hashes=REFERENCE.hashes[keep], quality=REFERENCE.quality[keep],
    )  # fmt: skip
    finding = found(an_upload([(folded, 4.0, 24.0, 1.0)]), reference=folded)
    assert finding.segments[0].reference_start == pytest.approx(4.0, abs=0.8)
    assert finding.segments[-1].reference_end == pytest.approx(28.0, abs=0.8)
    assert finding.query_coverage > 0.9


@pytest.mark.parametrize("count", [1, 2])
def test_uploads_of_hardly_any_frames(count: int) -> None:
    """Nothing to compare is no match and no error."""
    upload = an_upload([(REFERENCE, 4.0, 12.0, 1.0)])
    few = dataclasses.replace(
        upload, starts=upload.starts[:count], ends=upload.ends[:count], hashes=upload.hashes[:count],
        quality=upload.quality[:count],
    )  # fmt: skip
    finding = find(few, REFERENCE, nominated(REFERENCE), GATE, 1000)
    assert finding is None or finding.evidence > -6


def test_the_first_frame_is_not_lost_to_a_line_that_begins_a_little_early() -> None:
    """Half a slot before the reference begins it still shows its first frame."""
    upload = an_upload([(REFERENCE, 0.0, 10.0, 1.0)])
    late = dataclasses.replace(upload, starts=upload.starts + np.arange(len(upload.starts)) * 0.004)
    [segment] = found(late).segments
    assert segment.query_start == 0


def test_one_picture_is_never_enough_to_block() -> None:
    """A still that is the same to the bit, however long it lasts, is for a person to look at."""
    still = dataclasses.replace(REFERENCE, hashes=np.repeat(REFERENCE.hashes[:1], REFERENCE.frames, axis=0))
    finding = found(an_upload([(still, 2.0, 12.0, 1.0)], bits=0), reference=still, indexed=10)
    assert -6 < finding.evidence < -4
