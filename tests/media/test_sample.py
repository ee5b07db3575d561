"""The plan that is made of what was probed."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.config import Limits
from hashsvc.errors import LimitExceededError
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.media.probe import MediaInfo, probe
from hashsvc.media.sample import Plan, SparseRule, Work, evenly, plan, sparse_step
from tests.media.footage import LIMITS, clock, coded, taken

ENOUGH = 18
RULE = SparseRule(step=0.5, long_step=1.0, long_after=60.0, min_frames=12, max_frames=1200, max_keyframe_gap=2.0)


def info(duration: float, keyframes: list[float], *, rate: float = 25.0, timed: bool = True) -> MediaInfo:
    """A video of that duration, whose keyframes are the frames nearest to those times."""
    times = np.arange(round(duration * rate)) / rate
    keys = np.zeros(len(times), bool)
    keys[np.round(np.array(keyframes) * rate).astype(int)] = True
    return of_packets(times, keys, duration, timed=timed)


def of_packets(times: npt.ArrayLike, keys: npt.ArrayLike, duration: float, *, timed: bool = True) -> MediaInfo:
    """A video of those packets, in the order of decoding."""
    stamps = np.array(times, np.float64)
    return MediaInfo(
        width=640,
        height=360,
        aspect=16 / 9,
        codec="h264",
        packets=len(stamps),
        origin=0.0,
        duration=duration,
        times=stamps,
        keys=np.array(keys, bool),
        shown=stamps >= 0,
        rate=len(stamps) / duration,
        timed=timed,
    )


def every(step: float, duration: float) -> list[float]:
    """Times of keyframes `step` seconds apart."""
    return np.arange(0, duration, step).tolist()


def times(of: MediaInfo, made: Plan, *work: Work) -> list[float]:
    """When the packets of such work are shown."""
    assert made.work is not None
    found: list[float] = np.sort(of.times[np.isin(made.work, work)]).tolist()
    return found


def test_keyframes_alone_when_they_are_close() -> None:
    """A minute with a keyframe each second needs nothing else decoded."""
    video = info(60, every(1.0, 60))
    made = plan(video, RULE, LIMITS)
    assert times(video, made, Work.TAKE) == every(1.0, 60)
    assert times(video, made, Work.SUPPORT) == []


def test_keyframes_every_sixty_frames_suffice_at_29_97_a_second() -> None:
    """2.002 s are two seconds, as encoders are set."""
    rate = 30000 / 1001
    for apart, alone in ((60 / rate, True), (66 / rate, False)):
        video = info(60, every(apart, 59), rate=rate)
        assert (times(video, plan(video, RULE, LIMITS), Work.SUPPORT) == []) == alone


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
def test_what_keyframes_leave_out_is_sampled_too(keyframes: list[float]) -> None:
    """Wherever two keyframes are farther apart frames between them are taken, at least one in two seconds on average."""
    video = info(60, keyframes)
    made = plan(video, RULE, LIMITS)
    taken = np.array([0.0, *times(video, made, Work.TAKE), 60.0])
    assert times(video, made, Work.SUPPORT)
    assert len(taken) - 2 >= 60 / 2.1
    assert np.diff(taken).max() <= 8.1
    assert set(np.array(keyframes)[np.diff([*keyframes, 60.0]) >= RULE.step]) <= set(taken.tolist())


def test_a_rest_is_not_decoded() -> None:
    """Between the last sample before a keyframe and that keyframe no packet has work, and every other that is needed has."""
    video = info(60, every(10, 60), rate=20)
    made = plan(video, RULE, LIMITS)
    assert times(video, made, Work.TAKE)[:6] == [0.0, 0.5, 1.0, 1.5, 2.0, 10.0]
    busy = times(video, made, Work.TAKE, Work.SUPPORT)
    assert busy == [time for time in video.times.tolist() if time % 10 <= 2.0]


def test_a_short_clip_has_no_rests() -> None:
    """A short clip takes more than its few keyframes, however close they are."""
    video = info(5, every(1.0, 5))
    taken = times(video, plan(video, RULE, LIMITS), Work.TAKE)
    assert len(taken) >= RULE.min_frames
    assert np.diff(taken).max() <= 5 / RULE.min_frames + 0.04


@pytest.mark.parametrize("duration", [10.0, 20.0, 40.0])
def test_rests_leave_enough_frames(duration: float) -> None:
    """However few keyframes there are, a reading with rests is one of a dozen frames and more."""
    video = info(duration, every(5, duration))
    made = plan(video, RULE, LIMITS)
    assert len(times(video, made, Work.TAKE)) >= ENOUGH
    assert len(times(video, made, Work.SUPPORT, Work.TAKE)) < len(video.times)


def test_intra_only_video_is_not_decoded_whole() -> None:
    """Of keyframes all along, one a step is taken, and still without a gap."""
    video = info(30, every(0.04, 30))
    made = plan(video, RULE, LIMITS)
    taken = times(video, made, Work.TAKE)
    assert times(video, made, Work.SUPPORT) == []
    assert 55 <= len(taken) <= 61
    assert np.diff(taken).max() <= 2 * RULE.step


def test_a_very_long_upload_takes_keyframes() -> None:
    """Where samples are farther apart than keyframes, the keyframe after each is due is taken, not what comes before it."""
    video = info(14400, every(5, 14400), rate=5)
    made = plan(video, RULE, LIMITS)
    taken = times(video, made, Work.TAKE)
    assert times(video, made, Work.SUPPORT) == []
    assert 900 <= len(taken) <= RULE.max_frames


def test_without_timestamps_everything_is_decoded() -> None:
    """A stream without timestamps is timed by counting its frames."""
    for keyframes in ([0.0], every(1, 60)):
        assert plan(info(60, keyframes, timed=False), RULE, LIMITS).work is None
        assert evenly(info(60, keyframes, timed=False), 0.5).work is None


def test_evenly() -> None:
    """The first frame of each step, whatever keyframes there are; what none of them needs is passed over."""
    video = info(60, every(10, 60))
    made = evenly(video, 4.0)
    assert times(video, made, Work.TAKE) == every(4.0, 60)
    needed = [(0, 8), (10, 16), (20, 28), (30, 36), (40, 48), (50, 56)]
    assert times(video, made, Work.TAKE, Work.SUPPORT) == [
        time for time in video.times.tolist() if any(first <= time <= last for first, last in needed)
    ]


def test_a_frame_that_is_shown_before_its_keyframe_needs_the_one_before() -> None:
    """Decoded after the keyframe at 1.0, the frame at 0.75 may refer to what came before it."""
    video = of_packets([0.0, 0.5, 0.25, 1.0, 0.75, 1.5, 1.25], [1, 0, 0, 1, 0, 0, 0], 1.75)
    made = evenly(video, 0.75)
    assert times(video, made, Work.TAKE) == [0.0, 0.75, 1.5]
    assert made.work is not None and (made.work[:6] > 0).all() and made.work[6] == Work.NONE


def test_what_an_edit_list_hides_is_decoded_and_not_taken() -> None:
    """Frames before the beginning are needed by those after it."""
    video = of_packets([-0.5, -0.25, 0.0, 0.25, 0.5], [1, 0, 0, 0, 0], 0.75)
    made = evenly(video, 0.5)
    assert made.work is not None
    assert made.work.tolist() == [Work.SUPPORT, Work.SUPPORT, Work.TAKE, Work.SUPPORT, Work.TAKE]


def test_stamps_that_are_missing_or_equal() -> None:
    """A packet without a stamp is never waited for, and of equal stamps one frame is."""
    video = of_packets([0.0, np.nan, 0.5, 0.5, 1.0, np.nan], [1, 0, 0, 0, 0, 0], 1.5)
    made = evenly(video, 0.5)
    assert times(video, made, Work.TAKE) == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("duration", [0.5, 2.0, 6.0, 20.0, 60.0, 61.0, 600.0, 7200.0, 14400.0])
def test_steps(duration: float) -> None:
    """Never fewer than a dozen samples, never more than the most, and no step beyond what a long upload has."""
    step = sparse_step(duration, RULE)
    assert RULE.min_frames <= duration / step <= RULE.max_frames * 1.001
    assert step <= max(RULE.long_step, duration / RULE.max_frames)


def test_a_reference_is_sampled_at_the_rules_rate() -> None:
    """Dense means every frame decoded, at the rate asked for."""
    made = plan(info(60, every(1, 60)), DEFAULT.dense, LIMITS)
    assert made.work is None and made.step == 1 / DEFAULT.dense.rate
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
