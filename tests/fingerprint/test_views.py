"""A view of a picture hashes as the picture so turned, inverted or cut out would."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashsvc.demo import video
from hashsvc.fingerprint import pdq
from hashsvc.fingerprint.pdq import hamming, hash_lumas
from hashsvc.fingerprint.profiles import DEFAULT, PROFILES, Profile
from hashsvc.fingerprint.views import Turn, View, centre, hash_views

SIDE = 256
Lumas = npt.NDArray[np.uint8]

TURNS = {
    Turn.NONE: lambda picture: picture,
    Turn.MIRROR: lambda picture: picture[:, ::-1],
    Turn.FLIP: lambda picture: picture[::-1],
    Turn.HALF: lambda picture: np.rot90(picture, 2),
    Turn.LEFT: lambda picture: np.rot90(picture, 1),
    Turn.RIGHT: lambda picture: np.rot90(picture, -1),
}


@pytest.fixture(scope="module")
def lumas() -> Lumas:
    """Eight different pictures, uint8 (8, 256, 256)."""
    frames = [next(iter(video.make(seed, seconds=1.0, size=(256, 144)).frames)) for seed in range(8)]
    return np.stack([np.asarray(Image.fromarray(frame).convert("L").resize((SIDE, SIDE))) for frame in frames])


def distances(left: Lumas, right: Lumas) -> npt.NDArray[np.int32]:
    """Between hashes of the same picture."""
    return hamming(left.reshape(-1, 32), right.reshape(-1, 32))


@pytest.mark.parametrize("inverted", [False, True], ids=["", "inverted"])
@pytest.mark.parametrize("turn", Turn, ids=lambda turn: turn.name)
def test_turns(turn: Turn, inverted: bool, lumas: Lumas) -> None:
    """The view of the copy that was turned is the full view of the turned picture."""
    copies = np.stack([np.ascontiguousarray(TURNS[turn](luma)) for luma in lumas])
    copies = 255 - copies if inverted else copies
    seen, quality = hash_views(lumas, [View("turned", turn=turn, inverted=inverted)])
    hashed, copied_quality = hash_lumas(copies)
    assert distances(seen, hashed).max() <= 4
    assert np.abs(quality[:, 0].astype(int) - copied_quality).max() <= 1
    if turn is not Turn.NONE or inverted:
        assert distances(hash_lumas(lumas)[0], hashed).min() > 60


@pytest.mark.parametrize("name", [view.name for view in DEFAULT.reference_views if view.rect != pdq.FULL])
def test_rectangles(name: str, lumas: Lumas) -> None:
    """The view of a rectangle is the full view of what a crop to it leaves."""
    [view] = [view for view in DEFAULT.reference_views if view.name == name]
    x0, y0, x1, y1 = (side * SIDE for side in view.rect)
    copies = np.stack(
        [
            np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(x0, y0, x1, y1)))
            for one in lumas
        ]
    )
    turned = np.stack([np.ascontiguousarray(TURNS[view.turn](copy)) for copy in copies])
    seen, _ = hash_views(lumas, [view])
    found = distances(seen, hash_lumas(turned)[0])
    assert found.mean() <= 12
    assert found.max() <= 31


@pytest.mark.parametrize("name", [view.name for view in DEFAULT.reference_views if view.tilt])
def test_tilts(name: str, lumas: Lumas) -> None:
    """The tilted view is the full view of a copy turned clockwise by so many degrees in its own frame."""
    [view] = [view for view in DEFAULT.reference_views if view.name == name]
    wide = [Image.fromarray(luma).resize((512, 288), Image.Resampling.BICUBIC) for luma in lumas]
    copies = [image.rotate(-view.tilt, Image.Resampling.BICUBIC) for image in wide]
    squares = np.stack([np.asarray(copy.resize((SIDE, SIDE), Image.Resampling.BOX)) for copy in copies])
    seen, _ = hash_views(lumas, [view], aspect=512 / 288)
    found = distances(seen, hash_lumas(squares)[0])
    assert found.mean() <= 20
    assert distances(hash_lumas(lumas)[0], hash_lumas(squares)[0]).mean() > 3 * found.mean()


def test_views_do_not_depend_on_each_other(lumas: Lumas) -> None:
    """Whatever work views share, each has the hash that it has alone, at its own place."""
    lumas = lumas[:2]
    together, grades = hash_views(lumas, DEFAULT.reference_views, 1.6)
    for place, view in enumerate(DEFAULT.reference_views):
        alone, grade = hash_views(lumas, [view], 1.6)
        assert np.array_equal(together[:, place], alone[:, 0]), view.name
        assert np.array_equal(grades[:, place], grade[:, 0]), view.name
    backwards, _ = hash_views(lumas, DEFAULT.reference_views[::-1], 1.6)
    assert np.array_equal(backwards[:, ::-1], together)


def test_a_picture_does_not_depend_on_its_neighbours(lumas: Lumas) -> None:
    """A frame hashes alike alone and among others, to within rounding."""
    together, _ = hash_views(lumas, DEFAULT.reference_views)
    for place in (0, 5, len(lumas) - 1):
        alone, _ = hash_views(lumas[place : place + 1], DEFAULT.reference_views)
        assert distances(alone, together[place : place + 1]).max() <= 2


def test_different_pictures_are_far_apart(lumas: Lumas) -> None:
    """Pictures of different places share about half of their bits."""
    hashes, quality = hash_lumas(lumas)
    apart = hamming(hashes[:, None], hashes[None])[np.triu_indices(len(lumas), 1)]
    assert 110 < apart.mean() < 140
    assert apart.min() > 70
    assert quality.min() >= 50


def test_half_the_bits_are_set(lumas: Lumas) -> None:
    """A bit says which side of the median a coefficient is on, so half of them are set."""
    counts = np.bitwise_count(hash_lumas(lumas)[0]).sum(axis=1)
    assert counts.min() >= 120 and counts.max() <= 128


FLAT = {
    "black": np.zeros((SIDE, SIDE), np.uint8),
    "white": np.full((SIDE, SIDE), 255, np.uint8),
    "grey": np.full((SIDE, SIDE), 119, np.uint8),
    "near black": np.random.default_rng(1).integers(0, 4, (SIDE, SIDE), dtype=np.uint8),
    "slow ramp": np.tile(np.linspace(100, 130, SIDE).astype(np.uint8), (SIDE, 1)),
}


@pytest.mark.parametrize("kind", FLAT)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_flat_pictures_are_no_evidence(kind: str, profile: Profile) -> None:
    """A picture without content has a quality under the gate in every view, and hashing it does not fail."""
    _, quality = hash_views(FLAT[kind][None], (*profile.reference_views, *profile.query_views))
    assert quality.max() < profile.quality_gate


def test_hamming() -> None:
    """Distances broadcast, and count bits."""
    zero, ones = np.zeros((3, 1, 32), np.uint8), np.full((1, 2, 32), 255, np.uint8)
    assert hamming(zero, ones).tolist() == [[256, 256]] * 3
    assert hamming(zero, zero).max() == 0
    one_bit = zero.copy()
    one_bit[..., 31] = 1
    assert hamming(one_bit, zero).tolist() == [[1]] * 3


def test_centre() -> None:
    """The middle eight tenths leave a tenth on each side."""
    assert centre(0.8) == pytest.approx((0.1, 0.1, 0.9, 0.9))
