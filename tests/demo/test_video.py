"""Stand-in videos."""

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hashsvc.demo import video
from hashsvc.demo.place import Picture


def pictures(seed: int, seconds: float = 6.0, rate: int = 10) -> list[Picture]:
    """A small video."""
    return list(video.make(seed, seconds=seconds, size=(160, 90), rate=Fraction(rate)).frames)


def test_a_seed_makes_the_same_pictures() -> None:
    """Tests and benchmarks that name a seed mean one video."""
    first, second = pictures(3), pictures(3)
    assert len(first) == 60
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_another_seed_makes_other_pictures() -> None:
    """Two seeds have no picture in common, not even nearly."""
    for one, other in itertools.product(pictures(3)[::10], pictures(4)[::10]):
        assert np.abs(one.astype(int) - other).mean() > 15


def test_there_is_detail_motion_and_a_cut() -> None:
    """No picture is flat, no two neighbours are equal, and somewhere the picture changes at once."""
    made = pictures(5, rate=25)
    assert min(picture.std() for picture in made) > 10
    changes = [np.abs(one.astype(int) - other).mean() for one, other in itertools.pairwise(made)]
    assert min(changes) > 0.3
    assert max(changes) > 4 * float(np.median(changes))


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    """Written and read, the pictures and the rate come back; the file has the keyframes asked for."""
    made = pictures(6)
    path = tmp_path / "v.mp4"
    encoding = video.Encoding(crf=10, keyframes=1000, cut_keyframes=False)
    video.write(path, video.Clip(frames=made, rate=Fraction(10)), encoding)
    clip = video.read(path)
    read = list(clip.frames)
    assert clip.rate == 10
    assert len(read) == len(made)
    assert np.mean([np.abs(one.astype(int) - other).mean() for one, other in zip(made, read, strict=True)]) < 6
    with av.open(str(path)) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]


def test_no_frames_cannot_be_written(tmp_path: Path) -> None:
    """An empty clip is an error, and no file is left under the name."""
    with pytest.raises(ValueError, match="no frames"):
        video.write(tmp_path / "v.mp4", video.Clip(frames=[], rate=Fraction(10)))
    assert not (tmp_path / "v.mp4").exists()
