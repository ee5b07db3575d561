"""Frames come out at the time and in the attitude in which a player shows them."""

import dataclasses
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashsvc.demo import video
from hashsvc.demo.place import Picture
from hashsvc.fingerprint.pdq import hamming, hash_lumas
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.media import decode
from hashsvc.media.decode import SIDE, Sample, decode_packet
from hashsvc.media.probe import probe
from hashsvc.media.sample import DenseRule, Plan, Work, evenly, plan
from tests.media.footage import LIMITS, VP9, clock, coded, ffmpeg, taken, told

COUNT = 75
RATE = 25
EVEN = [number / RATE for number in range(COUNT)]
Write = Callable[[Path], Path]


def uneven(seed: int) -> list[int]:
    """Milliseconds at which the frames of a variable rate are shown, from 0."""
    steps = random.Random(seed).choices((7, 20, 33, 40, 90, 150), k=COUNT - 1)
    return [sum(steps[:place]) for place in range(COUNT)]


def check_times(found: list[Sample], times: list[float], first: int = 0, tolerance: float = 1e-3) -> None:
    """Each sample shows the picture whose time it has, counted from the picture `first`."""
    assert [sample.time for sample in found] == sorted(sample.time for sample in found)
    numbers = [told(sample.luma) for sample in found]
    assert numbers[0] == first
    for sample, number in zip(found, numbers, strict=True):
        assert sample.time == pytest.approx(times[number] - times[first], abs=tolerance), number


CONTAINERS: dict[str, tuple[Write, float]] = {
    "mp4 with B-frames": (lambda folder: coded(folder / "v.mp4", clock(COUNT), bf=3, g=25), 1e-3),
    "mkv without loss": (lambda folder: coded(folder / "v.mkv", clock(COUNT), codec="ffv1"), 1e-3),
    "webm with hidden frames": (
        lambda folder: coded(folder / "v.webm", clock(COUNT), **VP9),
        1e-3,
    ),
    "transport stream that starts late": (lambda folder: coded(folder / "v.ts", clock(COUNT), bf=3, g=25), 1e-3),
    "flv with B-frames": (lambda folder: coded(folder / "v.flv", clock(COUNT), bf=3, g=25), 1e-3),
    "avi of mpeg4 with B-frames": (lambda folder: coded(folder / "v.avi", clock(COUNT), codec="mpeg4", bf=2), 1e-3),
    # These two hold decoding times only, so that what B-frames displace can be no surer than this.
    "avi of h264 with B-frames": (lambda folder: coded(folder / "v.avi", clock(COUNT), bf=3, g=25), 0.081),
    "program stream": (lambda folder: coded(folder / "v.mpg", clock(COUNT), codec="mpeg2video", bf=2), 0.081),
    "elementary stream of h264": (lambda folder: coded(folder / "v.h264", clock(COUNT), bf=3, g=25), 1e-3),
    "elementary stream of mpeg2": (lambda folder: coded(folder / "v.m2v", clock(COUNT), codec="mpeg2video", bf=2), 1e-3),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("rule", [DEFAULT.dense, DEFAULT.sparse], ids=["dense", "sparse"])
def test_constant_rate(kind: str, rule: DenseRule, tmp_path: Path) -> None:
    """Whatever the container says or leaves out of time, 3 s are 3 s and picture n is at n/25 s."""
    write, tolerance = CONTAINERS[kind]
    path = write(tmp_path)
    check_times(taken(path, rule), EVEN, tolerance=tolerance)
    assert probe(path, LIMITS).duration == pytest.approx(COUNT / RATE, abs=0.1)


def test_the_rate_of_an_elementary_stream(tmp_path: Path) -> None:
    """A stream without timestamps runs at the rate that the codec says, not at a default."""
    path = coded(tmp_path / "v.h264", clock(COUNT), rate=10, bf=2)
    assert not probe(path, LIMITS).timed
    check_times(taken(path), [number / 10 for number in range(COUNT)])


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("start", [0, 5000])
def test_variable_rate(suffix: str, start: int, tmp_path: Path) -> None:
    """Frames are timed by their stamps, not by counting; a start later than 0 is taken off; the stated rate is the true
    average."""
    stamps = uneven(1)
    path = coded(
        tmp_path / f"v.{suffix}", clock(COUNT), bf=2,
        stamps=[start + stamp for stamp in stamps], time_base=Fraction(1, 1000),
    )  # fmt: skip
    times = [stamp / 1000 for stamp in stamps]
    check_times(taken(path), times, tolerance=2e-3)
    check_times(taken(path, DEFAULT.sparse), times, tolerance=2e-3)
    assert probe(path, LIMITS).rate == pytest.approx((COUNT - 1) / times[-1], rel=0.01)


def test_an_edit_list_hides_the_beginning(tmp_path: Path) -> None:
    """A cut without re-encoding starts where the edit list says, though the frames before it are in the file."""
    ffmpeg("-ss", "1.3", "-i", coded(tmp_path / "whole.mp4", clock(COUNT), bf=2, g=1000), "-c", "copy",
           tmp_path / "cut.mp4")  # fmt: skip
    for rule in (DEFAULT.dense, DEFAULT.sparse):
        check_times(taken(tmp_path / "cut.mp4", rule), EVEN, first=33)
    assert probe(tmp_path / "cut.mp4", LIMITS).duration == pytest.approx(COUNT / RATE - 1.3, abs=0.05)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_metadata(degrees: int, still: list[Picture], tmp_path: Path) -> None:
    """A video that says it is to be turned is seen as ffmpeg shows it."""
    path = coded(tmp_path / "v.mp4", still, qp=4)
    ffmpeg("-display_rotation", degrees, "-i", path, "-c", "copy", tmp_path / "turned.mp4")
    ffmpeg("-i", tmp_path / "turned.mp4", "-qp", 4, tmp_path / "upright.mp4")
    seen, shown = taken(tmp_path / "turned.mp4")[0].luma, taken(tmp_path / "upright.mp4")[0].luma
    unturned = taken(path)[0].luma
    assert np.abs(seen.astype(int) - shown).mean() < 2
    assert np.abs(unturned.astype(int) - shown).mean() > 10


def test_sample_aspect_ratio(still: list[Picture], tmp_path: Path) -> None:
    """Squeezed pictures with oblong pixels hash as the pictures that a player shows."""
    squeezed = [picture[:, ::2] for picture in still]
    oblong = coded(tmp_path / "oblong.mp4", squeezed, aspect=Fraction(2), qp=4)
    square = coded(tmp_path / "square.mp4", still, qp=4)
    hashes = [hash_lumas(taken(path)[0].luma[None])[0] for path in (oblong, square)]
    assert int(hamming(hashes[0], hashes[1])[0]) <= 16


@pytest.mark.parametrize(("width", "height", "codec"), [(161, 91, "ffv1"), (97, 333, "mjpeg"), (2, 2, "ffv1")])
def test_odd_sizes(width: int, height: int, codec: str, tmp_path: Path) -> None:
    """A picture of any size becomes SIDE x SIDE without a row or column lost."""
    across = np.linspace(30, 220, width)[None, :].repeat(height, axis=0)
    picture = np.repeat(across[..., None], 3, axis=2).astype(np.uint8)
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = coded(tmp_path / "v.mkv", [picture] * 3, codec=codec, pixels=pixels)
    luma = taken(path)[0].luma
    assert luma.shape == (SIDE, SIDE)
    assert luma[:, 0].mean() == pytest.approx(30, abs=6)
    assert luma[:, -1].mean() == pytest.approx(220, abs=6)


def test_limited_and_full_range_agree(still: list[Picture], tmp_path: Path) -> None:
    """A video coded in 16-235 comes out with the levels of the same video coded in 0-255."""
    limited = coded(tmp_path / "limited.mkv", still, codec="ffv1")
    full = coded(tmp_path / "full.mkv", still, codec="mjpeg", pixels="yuvj420p", qmin=1, qmax=1)
    one, other = taken(limited)[0].luma, taken(full)[0].luma
    assert abs(float(one.mean()) - float(other.mean())) < 2
    assert abs(float(one.std()) - float(other.std())) < 2


def test_damage_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    """Where some packets are spoilt the frames of the others keep their times."""
    path = coded(tmp_path / "v.mkv", clock(COUNT), codec="mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    found = taken(path)
    whole = [sample for sample in found if sample.time < 1.0 or sample.time > 2.0]
    assert len(whole) >= 14
    for sample in whole:
        assert told(sample.luma) == round(sample.time * RATE)


def test_keyframes_at_awkward_times_are_all_found(tmp_path: Path, asked: list[Any]) -> None:
    """Times that fall between two roundings are found again: each wanted keyframe is decoded, and nothing else."""
    stamps = [number * 2406 for number in range(60)]
    path = coded(tmp_path / "v.mp4", clock(60), g=1, stamps=stamps, time_base=Fraction(1, 24000))
    info = probe(path, LIMITS)
    chosen = plan(info, DEFAULT.sparse, LIMITS)
    assert chosen.work is not None
    found = list(decode.samples(path, info, chosen, LIMITS))
    assert [sample.time for sample in found] == pytest.approx(info.times[chosen.work == Work.TAKE].tolist(), abs=1e-6)
    assert len([packet for packet in asked if packet is not None]) == len(found) < 30


OPEN: dict[str, Any] = {"x264-params": "open-gop=1"}
HEVC: dict[str, Any] = {
    "codec": "libx265",
    "x265-params": "keyint=125:min-keyint=125:scenecut=0:log-level=none",
}
LONG: dict[str, Write] = {
    "h264": lambda folder: coded(folder / "v.mp4", clock(500), bf=3, g=125, sc_threshold=0),
    "h264 with open groups": lambda folder: coded(
        folder / "v.mkv", clock(500), bf=3, g=125, sc_threshold=0, **OPEN
    ),
    "hevc": lambda folder: coded(folder / "v.mp4", clock(500), **HEVC),
    "mpeg4": lambda folder: coded(folder / "v.mp4", clock(500), codec="mpeg4", bf=2, g=125, sc_threshold=10**9),
    "mpeg2 in a transport stream": lambda folder: coded(
        folder / "v.ts", clock(500), codec="mpeg2video", bf=2, g=125, sc_threshold=10**9
    ),
    "vp9 with hidden frames": lambda folder: coded(folder / "v.webm", clock(500), g=125, **VP9),
}  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_frames_that_are_left_out_change_nothing(kind: str, tmp_path: Path) -> None:
    """Where only what is needed is decoded, the same pictures come at the same times as where all is."""
    path = LONG[kind](tmp_path)
    info = probe(path, LIMITS)
    found = list(decode.samples(path, info, evenly(info, 0.5), LIMITS))
    everything = list(decode.samples(path, info, Plan(step=0.5), LIMITS))
    assert len(found) == 40
    assert [sample.time for sample in found] == [sample.time for sample in everything]
    assert all(np.array_equal(one.luma, other.luma) for one, other in zip(found, everything, strict=True))


@pytest.mark.parametrize("kind", LONG)
def test_after_a_rest_the_picture_is_whole(kind: str, tmp_path: Path, asked: list[Any]) -> None:
    """Twenty seconds with a keyframe every five: much is passed over, and what is taken is right."""
    path = LONG[kind](tmp_path)
    info = probe(path, LIMITS)
    found = taken(path, DEFAULT.sparse)
    check_times(found, [number / RATE for number in range(500)], tolerance=1e-3)
    assert 18 <= len(found) <= 32
    assert len([packet for packet in asked if packet is not None]) < 0.6 * info.packets
    assert set(info.keyframes.tolist()) <= {sample.time for sample in found}


def test_what_is_wrongly_called_a_keyframe(tmp_path: Path) -> None:
    """Where decoding cannot begin at a packet that the container marks, what is left is decoded whole, and each frame comes
    once."""
    path = coded(tmp_path / "v.mp4", clock(500), bf=3, g=1000, sc_threshold=0)
    info = probe(path, LIMITS)
    keys = np.zeros_like(info.keys)
    keys[[0, *range(60, 500, 125)]] = True
    lying = dataclasses.replace(info, keys=keys)
    chosen = plan(lying, DEFAULT.sparse, LIMITS)
    assert chosen.work is not None and (chosen.work == Work.NONE).sum() > 100
    found = list(decode.samples(path, lying, chosen, LIMITS))
    times = [sample.time for sample in found]
    check_times(found, [number / RATE for number in range(500)])
    assert np.diff(times).max() < 1.0 and times[-1] > 19.0


def test_one_keyframe_in_twenty_seconds(tmp_path: Path) -> None:
    """A long take coded with a single keyframe is sampled like any other: evenly, with a rest before its end at most."""
    pictures = video.make(3, seconds=20.0, size=(64, 36), rate=Fraction(10)).frames
    path = coded(tmp_path / "v.mp4", list(pictures), rate=10, g=10_000, sc_threshold=0)
    info = probe(path, LIMITS)
    assert len(info.keyframes) == 1
    times = [sample.time for sample in taken(path, DEFAULT.sparse)]
    assert max(np.diff([0.0, *times])) <= 2 * DEFAULT.sparse.step
    assert len(times) >= 18 and info.duration - times[-1] <= 8.1


@pytest.mark.parametrize("seconds", [0.6, 1.0, 3.0, 5.0])
def test_short_clips_get_a_dozen_frames(seconds: float, tmp_path: Path) -> None:
    """However short, a clip that has 12 frames gives 12 samples."""
    path = coded(tmp_path / "v.mp4", clock(round(seconds * RATE)), bf=3, g=250)
    assert 12 <= len(taken(path, DEFAULT.sparse)) <= 16


def test_dense_samples_leave_no_gap(tmp_path: Path) -> None:
    """A reference has at least four samples in every second."""
    times = [sample.time for sample in taken(coded(tmp_path / "v.mp4", clock(COUNT), bf=3), DEFAULT.dense)]
    assert max(np.diff([*times, COUNT / RATE])) <= 0.25


@pytest.fixture(scope="module")
def still() -> list[Picture]:
    """One textured picture, 320 x 180, three times."""
    return [next(iter(video.make(11, seconds=1.0, size=(320, 180)).frames))] * 3


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the decoder is given, as it is given; None is the end of a run."""
    given: list[Any] = []

    def counted(stream: Any, packet: Any) -> Any:
        given.append(packet)
        return decode_packet(stream, packet)

    monkeypatch.setattr(decode, "decode_packet", counted)
    return given


def test_nothing_is_decoded_behind_the_last_sample(tmp_path: Path, asked: list[Any]) -> None:
    """Frames that come when no sample is due any more; the samples are those of before."""
    path = coded(tmp_path / "v.mp4", clock(COUNT), g=1000)
    info = probe(path, LIMITS)
    found = taken(path, DenseRule(rate=1))
    assert [sample.time for sample in found] == pytest.approx([0.0, 1.0, 2.0], abs=1e-3)
    assert 2 * RATE < len(asked) < info.packets - 10
