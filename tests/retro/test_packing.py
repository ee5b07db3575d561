"""A recent upload comes out of the ring as it went in, as far as matching looks."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import seeds
from hashsvc.retro.packing import Recent, pack, seeding, seeding_hashes, unpack
from hashsvc_index import Item, StoreCorruptError
from tests.match.synthetic import a_reference, an_upload
from tests.retro.earlier import of_version_1

GATE = DEFAULT.quality_gate
UPLOAD = an_upload([(None, 0.0, 30.0, 1.0)])


def kept(recent: Recent) -> Recent:
    """Packed and unpacked."""
    return unpack(pack(recent))


def test_all_that_matching_takes() -> None:
    """Id, time, views, times, quality, activity; hashes under the gate are zeros; digests are not kept."""
    random = np.random.default_rng(5)
    many = dataclasses.replace(
        a_reference(3, 20.0),
        quality=random.integers(0, 100, (80, 59)).astype(np.uint8),
        activity=random.random((2, 160), np.float32),
    )
    back = kept(Recent(content_id="post 1", seen_at=12.5, fingerprint=many))
    found = back.fingerprint
    assert (back.content_id, back.seen_at, found.views, found.duration) == ("post 1", 12.5, many.views, many.duration)
    passed = many.quality >= GATE
    assert np.array_equal(found.hashes[passed], many.hashes[passed])
    assert not found.hashes[~passed].any()
    assert np.array_equal(found.quality, many.quality)
    assert np.allclose(found.starts, many.starts, atol=1e-3)
    assert np.allclose(found.ends, many.ends, atol=1e-3)
    assert np.allclose(found.activity, many.activity, rtol=1e-3)
    assert not found.digests


def in_order(hashes: npt.NDArray[np.uint8]) -> list[bytes]:
    """Rows (n, 32) in an order of their own."""
    return sorted(map(bytes, hashes))


def test_seeding_hashes_are_what_a_match_would_search() -> None:
    """A hunt looks where the forward match looks."""
    many = dataclasses.replace(
        a_reference(3, 300.0), quality=np.random.default_rng(5).integers(0, 100, (1200, 59), np.uint8)
    )
    thin = many.thinned(DEFAULT.sparse.max_frames)
    picked, item = seeds.pick(thin, GATE), pack(Recent(content_id="a", seen_at=0, fingerprint=many))
    found = seeding(item)
    assert in_order(found.hashes) == in_order(seeding_hashes(item)) == in_order(picked.hashes)
    of = {
        row.tobytes(): (frame, view)
        for row, frame, view in zip(picked.hashes, picked.frames, picked.views, strict=True)
    }
    frames, views = np.array([of[row.tobytes()] for row in found.hashes]).T
    assert np.array_equal(found.views, views)
    assert np.allclose(found.times, thin.starts[frames], atol=1e-3)
    assert np.array_equal(found.frames, np.searchsorted(np.unique(picked.frames), frames))
    assert found.of == len(many.views)


@pytest.mark.parametrize(("frames", "scouts"), [(2, 2), (8, 4), (16, 4), (150, 38)])
def test_one_in_four_is_a_scout(frames: int, scouts: int) -> None:
    """As long as at least four are left of each view; and neighbouring views have different ones."""
    random = np.random.default_rng(0)
    upload = dataclasses.replace(
        UPLOAD,
        duration=frames * 2.0,
        views=("full", "framed"),
        starts=np.arange(frames, dtype=np.float64) * 2,
        ends=np.arange(1, frames + 1, dtype=np.float64) * 2,
        hashes=random.integers(0, 256, (frames, 2, 32), np.uint8),
        quality=np.full((frames, 2), 100, np.uint8),
    )
    rows = set(map(bytes, pack(Recent(content_id="a", seen_at=0, fingerprint=upload)).rows))
    shown = [[row.tobytes() in rows for row in upload.hashes[:, view]] for view in (0, 1)]
    assert sum(shown[0]) == scouts
    assert sum(shown[1]) in (scouts, scouts - 1)
    assert shown[0] != shown[1] or frames < 8


def test_what_an_earlier_version_kept_is_read() -> None:
    """There the hashes of all seeding frames were scouts."""
    item = pack(Recent(content_id="a", seen_at=1.5, fingerprint=UPLOAD))
    earlier = of_version_1(item)
    assert len(earlier.rows) > len(item.rows)
    back = unpack(earlier)
    assert (back.content_id, back.seen_at) == ("a", 1.5)
    assert np.array_equal(back.fingerprint.hashes, UPLOAD.hashes)
    assert in_order(seeding(earlier).hashes) == in_order(seeding(item).hashes)


def test_nothing_passes_the_gate() -> None:
    """Black frames have no rows, and come back."""
    black = dataclasses.replace(UPLOAD, quality=np.zeros_like(UPLOAD.quality))
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=black))
    assert (len(item.rows), unpack(item).fingerprint.frames) == (0, UPLOAD.frames)


def test_it_is_small() -> None:
    """Little more than the hashes themselves."""
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=UPLOAD))
    assert item.rows.nbytes + len(item.body) < UPLOAD.hashes.nbytes * 1.5 + 300


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xc1", b"\x81\xa7version\x02", b"\x81\xa7version\x03"])
def test_what_is_none_is_told(body: bytes) -> None:
    """Other bytes, and those of a later version, are STORE_CORRUPT."""
    item = Item(rows=np.zeros((0, 32), np.uint8), body=body)
    for read in (unpack, seeding, seeding_hashes):
        with pytest.raises(StoreCorruptError):
            read(item)


def test_rows_that_are_not_its_own_are_told() -> None:
    """One hash too few."""
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=UPLOAD))
    for read in (unpack, seeding):
        with pytest.raises(StoreCorruptError):
            read(Item(rows=item.rows[1:], body=item.body))
