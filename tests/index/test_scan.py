"""The compiled scan: what FAISS finds, hit for hit and in the same order."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index.centroids import Centroids, train
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.cold import ColdSlab
from hashsvc_index.compilation import NEAREST, SCAN
from hashsvc_index.layers import LAYERS, Layers
from hashsvc_index.queries import Queries
from hashsvc_index.records import Vectors
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.slabs import BLOCK_ROWS, FlatSlab, Slab, SlabBuilder
from hashsvc_index.snapshot import Snapshot

from .conftest import Random
from .footage import copy, video

VIDEOS = {number: video(number, 240) for number in range(1, 21)}
RADII = (-1, 0, 40, 84, 110, 254, 255, 256)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """FAISS keeps to this thread; what is compiled here is not used by other tests."""
    keep_to_this_thread()
    yield
    SCAN.module = NEAREST.module = None


def layers_of(number: int) -> Layers:
    """A third of the vectors in each layer, in turns; all in the first of an entry of which nothing is known."""
    return np.arange(0 if number == 4 else 200 + number, dtype=np.uint8) % LAYERS


@pytest.fixture
def flat() -> FlatSlab:
    """Footage, by layer, in two tiles."""
    builder = SlabBuilder(layers_of)
    for number, vectors in VIDEOS.items():
        builder.add(number, vectors[: 200 + number])
    slab = builder.finish()
    assert slab is not None and slab.rows > 4096
    return slab


@pytest.fixture
def cold(tmp_path: Path, flat: FlatSlab) -> ColdSlab:
    """The same in lists of all sizes, some of them empty; six are searched."""
    trained = train(np.concatenate([VIDEOS[1], VIDEOS[7]]), 60, 1, 6, lambda: None).vectors
    centroids = Centroids("b" * 32, np.concatenate([trained, trained[:1]]), 1, 6)
    directory = CheckpointDirectory(tmp_path / "index", layers_of=layers_of)
    assert directory.lock()
    made = directory.make_cold("a" * 32, centroids, [flat], np.zeros(0, np.int64), lambda: None)
    assert made is not None
    sizes = np.bincount(centroids.assigned(np.concatenate([part.vectors for part in flat.pieces()])), minlength=61)
    assert 0 in sizes and len({*(sizes % 4).tolist()}) == 4
    return made


@pytest.fixture
def queries(random: Random) -> Vectors:
    """Still footage, moving footage, the very rows, and rows of nothing."""
    still = np.repeat(VIDEOS[3][:2], 20, axis=0) ^ np.packbits(
        np.random.default_rng(4).random((40, 256)) < 0.02, axis=1
    )
    return np.concatenate([still, copy(VIDEOS[5][:60], 0.1), VIDEOS[7][:30], random(9)])


def both(slab: Slab, queries: Vectors, radius: int) -> list[list[np.ndarray]]:
    """Query, row and distance as FAISS finds them, and as the compiled scan does."""
    found = []
    for load in (False, True):
        if load:
            SCAN.load()
        reach = np.arange(len(queries), dtype=np.uint8) % 5 % 4  # more than there are layers is all of them
        pieces = list(slab.near(Queries(queries, reach), radius))
        found.append([np.concatenate(column) for column in zip(*pieces, strict=True)])
        SCAN.module = None
    return found


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("tier", ["cold", "flat"])
def test_as_faiss(tier: str, queries: Vectors, radius: int, request: pytest.FixtureRequest) -> None:
    """Lists of any length, or rows by layer across tiles; queries that are compared together and alone, and more hits than
    there is room for at first."""
    faiss, ours = both(request.getfixturevalue(tier), queries, radius)
    assert len(faiss) == len(ours) == (3 if radius >= 0 else 0)
    for one, other in zip(faiss, ours, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    if radius > 200:
        assert len(ours[0]) > 6_000


@pytest.mark.parametrize("tier", ["cold", "flat"])
@pytest.mark.parametrize("compiled", [False, True])
def test_no_deeper_than_reached(tier: str, compiled: bool, queries: Vectors, request: pytest.FixtureRequest) -> None:
    """What a query finds is what it finds without layers, less the rows of deeper ones; those of entry 4 all count."""
    positions = np.concatenate([np.arange(200 + number) for number in VIDEOS])
    layer = np.where(np.repeat([*VIDEOS], [200 + number for number in VIDEOS]) == 4, 0, positions % LAYERS)
    everything = np.full(len(queries), LAYERS - 1, np.uint8)
    slab: Slab = request.getfixturevalue(tier)
    if compiled:
        SCAN.load()
    [(query, row, _)] = slab.near(Queries(queries, everything), 110)
    for reach in range(LAYERS):
        [(reached, found, _)] = slab.near(Queries(queries, np.full_like(everything, reach)), 110)
        within = layer[row] <= reach
        assert (reached.tolist(), found.tolist()) == (query[within].tolist(), row[within].tolist())
        assert reach == LAYERS - 1 or not within.all()


@pytest.mark.parametrize(("count", "wanted"), [(1, 1), (7, 7), (63, 5), (128, 9), (129, 129), (700, 19)])
def test_nearest_as_faiss(random: Random, count: int, wanted: int) -> None:
    """The same centroids in the same order, of equally near ones the first; many are equally near."""
    rows = np.concatenate([random(-(-count // 3))] * 3)[:count]
    queries = np.concatenate([random(40), rows[:9], ~rows[:1]])
    centroids = Centroids("b" * 32, rows, 1, wanted)
    plain = centroids.probed(queries)
    NEAREST.load()
    compiled = centroids.probed(queries)
    assert (plain[0].dtype, plain[1].dtype) == (compiled[0].dtype, compiled[1].dtype)
    # What differs in every bit is not told from what differs in all but one.
    told = (plain[1] <= 254).all(axis=1)
    assert told.sum() >= 40 and np.array_equal(plain[0][told], compiled[0][told])
    assert np.array_equal(np.minimum(plain[1], 255), compiled[1])
    assert np.array_equal(centroids.assigned(queries), compiled[0][:, 0])


def test_alike_queries_go_through_the_same_lists(cold: ColdSlab, random: Random) -> None:
    """Those of the first that they are like, not of one that follows itself; whichever way that is found out."""
    base = random(1)
    steps = np.concatenate([base ^ np.packbits(np.arange(256) < bits) for bits in (0, 24, 25, 30, 50, 49)])
    for load in (False, True):
        if load:
            NEAREST.load()
        queries = Queries(steps, np.zeros(len(steps), np.uint8))
        leading = Queries(steps[[0, 2, 4]], np.zeros(3, np.uint8)).probed(cold.centroids)
        assert np.array_equal(queries.probed(cold.centroids)[0], leading[0][[0, 0, 1, 1, 2, 1]])
        assert np.array_equal(queries.probed(cold.centroids)[1], leading[1][[0, 0, 1, 1, 2, 1]])


def test_assigned_gives_way(random: Random) -> None:
    """Every thousand vectors."""
    called = 0

    def give_way() -> None:
        nonlocal called
        called += 1

    assert len(Centroids("b" * 32, random(5), 1, 1).assigned(random(10_000), give_way)) == 10_000
    assert called == 10


@pytest.mark.parametrize("radius", RADII)
def test_without_layers_as_faiss(random: Random, queries: Vectors, radius: int) -> None:
    """Across tiles and blocks of the exact tier, of which every query meets every row."""
    builder = SlabBuilder()
    builder.add(1, np.concatenate([random(BLOCK_ROWS - 50), VIDEOS[3][:120], VIDEOS[5]]))
    slab = builder.finish()
    assert isinstance(slab, FlatSlab)
    faiss, ours = both(slab, queries[::7], radius)
    for one, other in zip(faiss, ours, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert len(ours) == 0 or len(ours[0]) > 0


def test_search_is_the_same(cold: ColdSlab, queries: Vectors) -> None:
    """Hits of a snapshot, ties and all, whichever way it is searched."""
    snapshot = Snapshot(slabs=(cold,), withdrawn=np.array([5]), revision=1, hashes=cold.rows)
    reach = np.arange(len(queries), dtype=np.uint8) % LAYERS
    plain = snapshot.search(queries, reach, radius=84, limit=3)
    SCAN.load()
    NEAREST.load()
    compiled = snapshot.search(queries, reach, radius=84, limit=3)
    assert len(plain) > 100
    for column in ("query", "entry", "position", "distance"):
        assert np.array_equal(getattr(plain, column), getattr(compiled, column))


def test_where_nothing_may_be_kept(tmp_path: Path) -> None:
    """Neither beside the source nor in a home directory: it compiles all the same."""
    program = (
        "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n"
        "from hashsvc_index import kernels; from numba import types\n"
        "print(kernels.compiled(types.int64)(lambda n: n + 1)(41))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "42\n"


def test_where_digits_are_not_looked_up(tmp_path: Path) -> None:
    """On a processor of which nothing is known, the same comes of it."""
    program = (
        "import numpy as np; from hashsvc_index import nearest, planes; assert not planes._HAS_TABLES\n"
        "random = np.random.default_rng(1); rows, queries = (random.integers(0, 1 << 63, (n, 4), np.uint64) for n in (300, 20))\n"
        "places, found = nearest.nearest(nearest.tiles(rows), 300, queries, 7)\n"
        "distances = np.bitwise_count(queries[:, None] ^ rows).sum(axis=2)\n"
        "assert np.array_equal(places, np.argsort(distances, axis=1, kind='stable')[:, :7])\n"
        "assert np.array_equal(found, np.sort(distances, axis=1)[:, :7])"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_loaded_when_asked_only() -> None:
    """Opening and searching an index imports no numba: one question is answered sooner without."""
    program = "import sys, hashsvc.service; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
