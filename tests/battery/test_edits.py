"""Every edit of the battery does what it says, to a few pictures."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.battery import stills
from hashsvc.battery.bench import Bench
from hashsvc.battery.catalogue import BATTERY, BY_NAME
from hashsvc.battery.edits import MAKINGS
from hashsvc.battery.encode import encode
from hashsvc.errors import MediaError
from hashsvc.media.window import RATE, Frame

SIZE = (160, 90)
SECONDS = 8


@pytest.fixture(scope="module")
def footage() -> list[Frame]:
    """Some seconds of moving pictures."""
    return list(stills.footage(SIZE, SECONDS * int(RATE), seed=5))


@pytest.fixture(scope="module")
def other() -> list[Frame]:
    """Others."""
    return list(stills.footage(SIZE, SECONDS * int(RATE), seed=6))


def grey(frame: Frame) -> npt.NDArray[np.float32]:
    """Luma of a picture."""
    return frame.reformat(format="gray").to_ndarray().astype(np.float32)


def edited(name: str, footage: list[Frame], other: list[Frame]) -> list[Frame]:
    return list(Bench(SIZE, MAKINGS[name].edit, stills.picture).frames(footage, other))


def viewed(name: str, footage: list[Frame]) -> Iterator[Frame]:
    view = MAKINGS[name].view
    assert view is not None
    bench = Bench(SIZE, view, stills.picture)
    for place, frame in enumerate(footage):
        yield next(bench.step(frame, None, place))


def test_catalogue_and_makings_agree() -> None:
    """What is promised by name can be made, and is viewed where it says so."""
    assert {one.name: one.viewed for one in BATTERY} == {
        name: making.view is not None for name, making in MAKINGS.items()
    }
    assert len(BY_NAME) == len(BATTERY) >= 25


@pytest.mark.parametrize("name", BY_NAME)
def test_edit_lasts_as_long_as_it_should(name: str, footage: list[Frame], other: list[Frame]) -> None:
    """Pictures come out, of even sides, for the time that the edit leaves."""
    frames = edited(name, footage, other)
    seconds = {"slower": SECONDS / 0.8, "faster": SECONDS / 1.5, "faster-2": SECONDS / 2, "kit": SECONDS / 1.1}
    wanted = {**seconds, "clip-5": 5.0}.get(name, SECONDS)
    rate = 10 if name == "reencode" else RATE
    assert abs(len(frames) / float(rate) - wanted) <= 0.15
    assert frames[0].width % 2 == frames[0].height % 2 == 0


@pytest.mark.parametrize("name", [one.name for one in BATTERY if one.viewed])
def test_view_gives_a_picture_for_each(name: str, footage: list[Frame]) -> None:
    """A view reads pictures one by one, without waiting for the next."""
    assert len(list(viewed(name, footage[:6]))) == 6


@pytest.mark.parametrize(
    "name", ["letterbox", "crop-corner-30", "mirror", "turn-left", "tilt-12", "invert", "reframe", "refilmed"]
)
def test_view_shows_what_the_edit_shows(name: str, footage: list[Frame], other: list[Frame]) -> None:
    """The reading of the reference resembles the copy, and no other picture."""
    copies = edited(name, footage, other)
    views = list(viewed(name, footage))
    side = 64, 64
    near = np.abs(grey(copies[20].reformat(*side)) - grey(views[20].reformat(*side))).mean()
    far = np.abs(grey(copies[20].reformat(*side)) - grey(views[-1].reformat(*side))).mean()
    assert near < 14 and near < far / 1.5


def test_mirror_crop_and_invert_to_the_pixel(footage: list[Frame], other: list[Frame]) -> None:
    """Simple edits are exactly what they are called."""
    first = grey(footage[0])
    assert np.array_equal(grey(edited("mirror", footage, other)[0]), first[:, ::-1])
    assert np.array_equal(grey(edited("turn-half", footage, other)[0]), first[::-1, ::-1])
    assert np.array_equal(grey(edited("turn-left", footage, other)[0]), np.rot90(first))
    assert np.abs(grey(edited("invert", footage, other)[0]) - (255 - first)).max() <= 6
    corner = grey(edited("crop-corner-30", footage, other)[0])
    assert np.array_equal(corner, first[: corner.shape[0], : corner.shape[1]])
    assert 0.66 < corner.shape[1] / first.shape[1] < 0.71


def test_added_pictures_are_where_they_should_be(footage: list[Frame], other: list[Frame]) -> None:
    """A banner covers the lowest quarter and no more; other footage fills its half; an inset its corner."""
    first, alien = grey(footage[0]), grey(other[0])
    banner = np.abs(grey(edited("banner", footage, other)[0]) - first)
    assert banner[: int(90 * 0.72)].mean() < 4 and banner[int(90 * 0.78) :].mean() > 15
    beside = grey(edited("beside", footage, other)[0])
    assert np.abs(beside[:, 80:] - alien[:, 40:120]).mean() < 4
    assert np.abs(beside[:, :80] - first[:, 40:120]).mean() < 4
    inset = np.abs(grey(edited("inset-moving", footage, other)[0]) - alien)
    assert inset[:25].mean() < 4 and inset[40:70, 80:140].mean() > 10
    logos = np.abs(grey(edited("logos", footage, other)[0]) - first) > 25
    assert 0.08 < logos.mean() < 0.3


def test_refilmed_screen_lies_inside(footage: list[Frame], other: list[Frame]) -> None:
    """A screen filmed from the side leaves its surroundings dark."""
    frame = grey(edited("refilmed", footage, other)[0])
    assert frame[:3].mean() < 60 < frame[30:60, 50:110].mean()


def test_footage_moves_and_differs(footage: list[Frame], other: list[Frame]) -> None:
    """Made footage is no still, and another seed is other footage."""
    assert np.abs(grey(footage[0]) - grey(footage[20])).mean() > 8
    assert np.abs(grey(footage[0]) - grey(other[0])).mean() > 15
    again = next(stills.footage(SIZE, 1, seed=5))
    assert np.array_equal(grey(again), grey(footage[0]))


def test_encode(tmp_path: Path, footage: list[Frame]) -> None:
    """A file plays as long as its pictures last; no pictures is an error that says so."""
    encode(tmp_path / "v.mp4", Bench(SIZE, MAKINGS["mirror"].edit, stills.picture).frames(footage), crf=30)
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(footage)
        assert abs(float(container.duration or 0) / 1e6 - SECONDS) < 0.1
    with pytest.raises(MediaError) as caught:
        encode(tmp_path / "none.mp4", [], crf=30)
    assert caught.value.reason == "MEDIA_TOO_FEW_FRAMES"
