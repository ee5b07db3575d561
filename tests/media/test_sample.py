"""The plan that is made of what was probed."""

from pathlib import Path

import numpy as np
import pytest

from hashsvc.config import Limits
from hashsvc.errors import LimitExceededError
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.media.probe import MediaInfo, probe
from hashsvc.media.sample import Effort, SparseRule, plan, sparse_step, thinned
from tests.media.footage import LIMITS, clock, coded, taken

RULE = SparseRule(step=0.5, long_step=1.0, long_after=60.0, min_frames=12, max_frames=1200, max_keyframe_gap=2.0)


def info(duration: float, keyframes: list[float], *, rate: float = 25.0, timed: bool = True) -> MediaInfo:
    """A video of that duration."""
    return MediaInfo(
        width=640,
        height=360,
        aspect=16 / 9,
        codec="h264",
        packets=round(duration * rate),
        origin=0.0,
        duration=duration,
        keyframes=np.array(keyframes, np.float64),
        rate=rate,
        timed=timed,
    )


def every(step: float, duration: float) -> list[float]:
    """Times of keyframes `step` seconds apart."""
    return np.arange(0, duration, step).tolist()


def test_keyframes_alone_when_they_are_close() -> None:
    """A minute with a keyframe each second needs nothing else decoded."""
    made = plan(info(60, every(1.0, 60)), RULE, LIMITS)
    assert made.effort is Effort.KEYFRAMES
    assert made.keyframes.tolist() == every(1.0, 60)


def test_keyframes_every_sixty_frames_suffice_at_29_97_a_second() -> None:
    """2.002 s are two seconds, as encoders are set."""
    assert plan(info(60, every(60 * 1001 / 30000, 60)), RULE, LIMITS).effort is Effort.KEYFRAMES
    assert plan(info(60, every(2.2, 60)), RULE, LIMITS).effort is not Effort.KEYFRAMES


@pytest.mark.parametrize(
    "keyframes",
    [
        [],
        [0.0],
        every(10, 60),
        [time for time in every(1, 60) if not 20 < time < 24],
        every(1, 50),
        [*every(1, 60)][5:],
    ],
    ids=["none", "one", "far apart", "a hole", "an end without", "a beginning without"],
)
def test_keyframes_with_a_gap_do_not_suffice(keyframes: list[float]) -> None:
    """One gap, even at the beginning or the end, and frames between keyframes are decoded too."""
    made = plan(info(60, keyframes), RULE, LIMITS)
    assert made.effort is not Effort.KEYFRAMES
    assert made.step <= RULE.max_keyframe_gap


def test_too_few_keyframes_do_not_suffice() -> None:
    """A short clip takes more than its few keyframes, however close they are."""
    made = plan(info(5, every(1.0, 5)), RULE, LIMITS)
    assert made.effort is not Effort.KEYFRAMES
    assert 5 / made.step >= RULE.min_frames


def test_intra_only_video_is_not_decoded_whole() -> None:
    """Of keyframes all along, one a step is taken, and still without a gap."""
    made = plan(info(30, every(0.04, 30)), RULE, LIMITS)
    assert made.effort is Effort.KEYFRAMES
    assert 55 <= len(made.keyframes) <= 61
    assert np.diff(made.keyframes).max() <= 2 * RULE.step


def test_thinned_keeps_the_first_of_each_step() -> None:
    """0.1 and 0.2 lie in one step of half a second, 0.6 in the next."""
    assert thinned(np.array([0.1, 0.2, 0.6, 1.7, 1.9]), 0.5).tolist() == [0.1, 0.6, 1.7]
    assert thinned(np.zeros(0), 0.5).tolist() == []


def test_frames_are_left_out_only_where_there_are_enough() -> None:
    """At a low frame rate, or without timestamps, every frame is decoded."""
    assert plan(info(60, [0.0]), RULE, LIMITS).effort is Effort.REFERENCES
    assert plan(info(60, [0.0], rate=6), RULE, LIMITS).effort is Effort.ALL
    assert plan(info(60, [0.0], timed=False), RULE, LIMITS).effort is Effort.ALL
    assert plan(info(60, every(1, 60), timed=False), RULE, LIMITS).effort is Effort.ALL
    assert plan(info(1, [0.0]), RULE, LIMITS).effort is Effort.ALL


@pytest.mark.parametrize("duration", [0.5, 2.0, 6.0, 20.0, 60.0, 61.0, 600.0, 7200.0, 14400.0])
def test_steps(duration: float) -> None:
    """Never fewer than a dozen samples, never more than the most, and no step beyond what a long upload has."""
    step = sparse_step(duration, RULE)
    assert RULE.min_frames <= duration / step <= RULE.max_frames * 1.001
    assert step <= max(RULE.long_step, duration / RULE.max_frames)


def test_a_reference_is_sampled_at_the_rules_rate() -> None:
    """Dense means every frame decoded, at the rate asked for."""
    made = plan(info(60, every(1, 60)), DEFAULT.dense, LIMITS)
    assert (made.effort, made.step) == (Effort.ALL, 1 / DEFAULT.dense.rate)
    assert DEFAULT.hash_rate >= 4


def test_a_reference_with_too_many_frames() -> None:
    """What would hold more frames than a fingerprint may is refused before it is decoded."""
    with pytest.raises(LimitExceededError) as caught:
        plan(info(60, [0.0]), DEFAULT.dense, Limits(max_hashed_frames=100))
    assert caught.value.reason == "LIMIT_FRAMES"


def test_a_real_intra_only_file(tmp_path: Path) -> None:
    """Ten seconds of keyframes alone: about two samples a second, and all of it covered."""
    path = coded(tmp_path / "v.mp4", clock(250), g=1)
    assert len(probe(path, LIMITS).keyframes) == 250
    times = [sample.time for sample in taken(path, DEFAULT.sparse)]
    assert 18 <= len(times) <= 22
    assert max(np.diff([*times, 10.0])) <= 1.0
