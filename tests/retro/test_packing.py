"""A recent upload comes out of the ring as it went in, as far as matching looks."""

import dataclasses

import numpy as np
import pytest

from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import seeds
from hashsvc.retro.packing import Recent, pack, unpack
from hashsvc_index import Item, StoreCorruptError
from tests.match.synthetic import a_reference, an_upload

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


def test_the_rows_are_what_a_match_would_search() -> None:
    """A hunt looks where the forward match looks."""
    long = an_upload([(None, 0.0, 300.0, 1.0)])
    assert np.array_equal(pack(Recent(content_id="a", seen_at=0, fingerprint=long)).rows, seeds.pick(long, GATE).hashes)


def test_nothing_passes_the_gate() -> None:
    """Black frames have no rows, and come back."""
    black = dataclasses.replace(UPLOAD, quality=np.zeros_like(UPLOAD.quality))
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=black))
    assert (len(item.rows), unpack(item).fingerprint.frames) == (0, UPLOAD.frames)


def test_it_is_small() -> None:
    """Little more than the hashes themselves."""
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=UPLOAD))
    assert item.rows.nbytes + len(item.body) < UPLOAD.hashes.nbytes * 1.5 + 300


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xc1", b"\x81\xa7version\x02"])
def test_what_is_none_is_told(body: bytes) -> None:
    """Other bytes, and those of a later version, are STORE_CORRUPT."""
    with pytest.raises(StoreCorruptError):
        unpack(Item(rows=np.zeros((0, 32), np.uint8), body=body))


def test_rows_that_are_not_its_own_are_told() -> None:
    """One hash too few."""
    item = pack(Recent(content_id="a", seen_at=0, fingerprint=UPLOAD))
    with pytest.raises(StoreCorruptError):
        unpack(Item(rows=item.rows[1:], body=item.body))
