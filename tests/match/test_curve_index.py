"""Entries nominated by how they move, following the store."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc.match.curve_index import CurveIndex
from hashsvc_index import Store
from tests.match.test_curves import Curve, a_curve, played


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new one with a bank."""
    with Store.open(tmp_path / "data") as opened:
        opened.put_bank("bank", b"", create=True)
        yield opened


def add(store: Store, name: str, curve: Curve) -> int:
    """An entry with a curve; its number."""
    vectors = np.zeros((0, 32), np.uint8)
    blobs = {"curve": curve.tobytes()}
    return store.add_entry("bank", name, b"", vectors=vectors, blobs=blobs, digests=[], unless=lambda _: False).number


def test_nominates_what_moves_alike_and_follows(store: Store) -> None:
    """The entry that a copy was cut from leads; a later one is found at once, and a withdrawn one is not mended in."""
    index = CurveIndex(store, lambda number: np.frombuffer(store.blob(number, "curve"), np.float32))
    curves = {name: a_curve(seed, 40.0) for seed, name in enumerate(("one", "two", "three"))}
    assert index.nominate(played(curves["one"], 5.0, 15.0, 1.0)[None], 4) == []
    numbers = {name: add(store, name, curve) for name, curve in curves.items()}
    for name, curve in curves.items():
        copy = played(curve, 10.0, 15.0, 1.0, noise=0.5)
        assert index.nominate(copy[None], 4)[0] == numbers[name]
    fast = played(curves["two"], 0.0, 18.0, 2.0)
    assert index.nominate(np.stack([a_curve(50, 18.0), fast]), 4)[0] == numbers["two"]
    backwards = played(curves["three"], 35.0, 20.0, -1.0)
    assert index.nominate(backwards[None], 4)[0] == numbers["three"]
    for name in ("one", "two"):
        record = store.get_entry("bank", name)
        store.update_entry("bank", name, b"", live=False, expected_revision=record.revision)
    assert numbers["two"] not in index.nominate(fast[None], 4)
    late = add(store, "late", curves["one"])
    assert index.nominate(played(curves["one"], 10.0, 15.0, 1.0)[None], 4)[0] == late


@pytest.mark.parametrize(
    "rows", [np.zeros((0, 0), np.float32), np.ones((1, 10), np.float32), np.zeros((2, 200), np.float32)]
)
def test_nothing_to_go_by(store: Store, rows: Curve) -> None:
    """No curve, a short one, and a still one nominate nobody; nor does an entry without a curve get in the way."""
    add(store, "still", np.zeros(0, np.float32))
    add(store, "moving", a_curve(1))
    index = CurveIndex(store, lambda number: np.frombuffer(store.blob(number, "curve"), np.float32))
    assert index.nominate(rows, 4) == []
