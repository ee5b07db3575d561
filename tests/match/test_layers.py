"""Which views of a reference are searched for which views of an upload."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from hashsvc.bank.model import Verdict
from hashsvc.config import IndexSettings, Settings
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match.layers import layers_from, layers_of_views, reach_of_views
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index.cold import ColdSlab
from hashsvc_index.errors import StoreCorruptError
from hashsvc_index.layers import LAYERS
from tests.match.synthetic import a_reference, an_upload

SETTINGS = dataclasses.replace(Settings(), index=IndexSettings(hot_hashes=1000))


def test_views_of_the_profile() -> None:
    """A third of what every reference has is in the first two layers, and nothing is beyond the last."""
    layers = layers_of_views(DEFAULT.reference_names)
    assert np.bincount(layers, minlength=LAYERS).tolist() == [10, 9, 40]
    assert layers[DEFAULT.reference_names.index("full")] == 0


def test_views_that_no_profile_has() -> None:
    """What vaccination added to an entry is always searched, and what no quick reading has searches everywhere."""
    assert layers_of_views(["seen-1", "full"]).tolist() == [0, 0]
    assert reach_of_views(["left-half", "full"]).tolist() == [2, 2]
    assert reach_of_views(["top-72", "inside-3", "area", "framed", "moving", "busy"]).tolist() == [0, 1, 1, 1, 1, 1]


def test_a_strip_is_searched_among_strips() -> None:
    """Whatever view of an upload reaches, the same view of the reference is within."""
    for name in ("full", "top-72", "bottom-72"):
        assert layers_of_views([name]) <= reach_of_views([name])


def test_layers_of_an_entry(tmp_path: Path) -> None:
    """One for each vector that is stored: hashes under the gate are not; of what is not there, none."""
    reference = a_reference(1, 10.0)
    poor = np.random.default_rng(2).random(reference.quality.shape) < 0.3
    reference = dataclasses.replace(reference, quality=np.where(poor, 0, 100).astype(np.uint8))
    with Service.open(tmp_path / "data") as service:
        service.confirm(DEFAULT_BANK, reference)
        [(number, count)] = service._store.live_entries()
        layers = layers_from(service._store)(number)
        assert len(layers_from(service._store)(number + 1)) == 0
    assert len(layers) == count
    assert layers.dtype == np.uint8
    views = np.broadcast_to(np.arange(len(reference.views)), poor.shape)[~poor]
    assert layers.tolist() == layers_of_views(reference.views)[views].tolist()


@pytest.mark.parametrize("blob", [b"", b"garbled", None])
def test_of_what_cannot_be_read(tmp_path: Path, blob: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of its layers, and the index still finds it; None: the store finds it damaged."""

    def read(_number: int, _name: str) -> bytes:
        if blob is None:
            raise StoreCorruptError("damaged", path=tmp_path)
        return blob

    reference = a_reference(1, 10.0)
    with Service.open(tmp_path / "data") as service:
        monkeypatch.setattr(service._store, "blob", read)
        entry = service.confirm(DEFAULT_BANK, reference)
        assert service._index.wait_for(entry.revision, 10)
        assert len(service._index.search(reference.hashes[:1, 40], radius=0, limit=1)) == 1
        assert len(layers_from(service._store)(1)) == 0


@pytest.mark.parametrize("view", ["full", "mirror", "bottom-right-70", "tilt+8", "middle-third"])
def test_found_when_it_is_cold(tmp_path: Path, view: str) -> None:
    """A copy that shows as a whole what any part of the reference shows, among others, all of them cold."""
    references = [a_reference(seed, 40.0) for seed in range(1, 5)]
    with Service.open(tmp_path / "data", SETTINGS) as service:
        for place, reference in enumerate(references):
            entry = service.confirm(DEFAULT_BANK, reference, external_id=str(place))
        service.match(references[0].digests, min_revision=entry.revision)
        deadline = time.monotonic() + 60
        while not all(isinstance(slab, ColdSlab) for slab in service._index.snapshot.slabs):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        slabs = [slab for slab in service._index.snapshot.slabs if isinstance(slab, ColdSlab)]
        assert any((slab._ends[:, 0] < slab._ends[:, -1]).any() for slab in slabs)
        result = service.match(an_upload([(references[2], 5, 20, 1)], view=view))
    assert [match.external_id for match in result.matches] == ["2"]
    assert result.verdict is Verdict.BLOCK
