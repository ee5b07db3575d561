"""A folder of videos, with and without a manifest."""

from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import corpus


def make_video(path: Path, seconds: int) -> None:
    """A grey one, 5 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_without_a_manifest_every_video_is_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Durations are read; names stay distinct; other files are passed over."""
    make_video(tmp_path / "a.mp4", 2)
    make_video(tmp_path / "b.mp4", 3)
    make_video(tmp_path / "b.mkv", 3)
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "broken.mp4").write_text("none")
    videos = corpus.read(tmp_path)
    assert [video.name for video in videos] == ["a", "b.mkv", "b.mp4"]
    assert [round(video.duration) for video in videos] == [2, 3, 3]
    assert all(video.alone and not video.scene for video in videos)
    assert "broken.mp4" in capsys.readouterr().err


def test_a_manifest_says_what_shares_footage(tmp_path: Path) -> None:
    """Files are beside it or in `videos`; nothing is opened."""
    (tmp_path / "manifest.csv").write_text(
        "file,duration_s,near_duplicate_group,scene_group\nb.mp4,9.5,twins,table\nc.mp4,8,twins,\na.mp4,10,,table\n"
    )
    (tmp_path / "videos").mkdir()
    a, b, c = corpus.read(tmp_path)
    assert (a.path, a.duration, a.alone, a.scene) == (tmp_path / "videos" / "a.mp4", 10.0, True, "table")
    assert (b.group, b.alone, c.scene) == ("twins", False, "")
    assert corpus.references([a, b, c]) == [a, b]
