"""Edits of a clip."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hashsvc.demo import edits, films, video
from hashsvc.demo.place import Picture
from hashsvc.demo.video import Clip

PICTURES = tuple(video.make(1, seconds=2.0, size=(160, 90), rate=Fraction(20)).frames)


def numbered(count: int = 40, rate: int = 20) -> Clip:
    """Pictures whose grey level is their number."""
    return Clip(frames=(np.full((2, 2, 3), number, np.uint8) for number in range(count)), rate=Fraction(rate))


def numbers(clip: Clip) -> list[int]:
    """Which pictures are shown."""
    return [int(picture[0, 0, 0]) for picture in clip.frames]


def edited(edit: edits.Edit) -> Picture:
    """The first picture after an edit."""
    return next(iter(edit(Clip(frames=PICTURES, rate=Fraction(20))).frames))


def test_speed_drops_and_repeats() -> None:
    """Twice as fast shows every other picture, half as fast each twice; 0.8 times takes 1/0.8 as long."""
    assert numbers(edits.speed(2.0)(numbered(10))) == [0, 2, 4, 6, 8]
    assert numbers(edits.speed(0.5)(numbered(3))) == [0, 0, 1, 1, 2, 2]
    assert len(numbers(edits.speed(0.8)(numbered(40)))) == 50
    assert abs(len(numbers(edits.speed(1.5)(numbered(60)))) - 40) <= 1


def test_resample_keeps_the_duration() -> None:
    """Ten frames a second of a clip at twenty are half as many, at the new rate."""
    clip = edits.resample(Fraction(10))(numbered(40))
    assert clip.rate == 10
    assert numbers(clip) == list(range(0, 40, 2))


def test_cut_takes_an_interval() -> None:
    """Half a second from one second on is pictures 20 to 29."""
    assert numbers(edits.cut(1.0, 0.5)(numbered())) == list(range(20, 30))


def test_mirror_swaps_sides() -> None:
    """The left column becomes the right one."""
    assert np.array_equal(edited(edits.mirror)[:, 0], PICTURES[0][:, -1])


def test_letterbox_has_black_bars() -> None:
    """A fifth of the height is black, half above and half below."""
    picture = edited(edits.letterbox(0.2))
    assert picture.shape == PICTURES[0].shape
    assert not picture[:9].any()
    assert not picture[-9:].any()
    assert picture[9:-9].any(axis=(1, 2)).all()


def test_crop_keeps_size_and_middle() -> None:
    """The middle pixel stays, the border goes."""
    picture = edited(edits.crop(0.5))
    assert picture.shape == PICTURES[0].shape
    middle = PICTURES[0][23:68, 40:120].mean(axis=(0, 1))
    assert np.abs(picture.mean(axis=(0, 1)) - middle).max() < 3


def test_noise_and_palette_do_what_they_say() -> None:
    """Noise has the deviation asked for and differs between pictures; a palette has no more colours than asked for."""
    grey = Clip(frames=[np.full((90, 160, 3), 128, np.uint8)] * 2, rate=Fraction(20))
    first, second = edits.noise(10)(grey).frames
    assert abs(first.std() - 10) < 1
    assert not np.array_equal(first, second)
    assert len(np.unique(edited(edits.palette(256)).reshape(-1, 3), axis=0)) <= 256


def test_blur_takes_detail_away() -> None:
    """Neighbouring pixels differ less than before."""
    before = np.abs(np.diff(PICTURES[0].astype(int), axis=1)).mean()
    assert np.abs(np.diff(edited(edits.blur(2.5)).astype(int), axis=1)).mean() < 0.7 * before


@pytest.mark.parametrize("recipe", edits.RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_changes_the_file(recipe: edits.Recipe, tmp_path: Path) -> None:
    """Each recipe writes a video that can be read, other bytes than the original, and bigger than one frame."""
    original = tmp_path / "o.mp4"
    video.write(original, video.make(2, seconds=15.0, size=(64, 36), rate=Fraction(5)))
    copy = tmp_path / "c.mp4"
    video.write(copy, recipe.edit(video.read(original)), recipe.encoding)
    assert copy.read_bytes() != original.read_bytes()
    assert len(list(video.read(copy).frames)) > 5


def test_the_demo_has_a_dozen_of_each(tmp_path: Path) -> None:
    """Twelve copies and twelve unrelated videos, each file of its own name."""
    planned = films.planned(tmp_path)
    assert len(planned.copies) == len(planned.unrelated) == 12
    assert len({film.path for film in planned.all()}) == 25
