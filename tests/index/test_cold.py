"""The cold tier by itself: what its slabs hold and find, against exact search over the same vectors."""

import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashsvc_index import Hits, tiers
from hashsvc_index.centroids import Centroids, train
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.cold import ColdSlab
from hashsvc_index.merge import merge
from hashsvc_index.records import Vectors
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.slabs import FlatSlab, SlabBuilder
from hashsvc_index.snapshot import Snapshot
from hashsvc_index.tiers import TierSettings

from .conftest import Random
from .footage import copy, video

RADIUS, LIMIT = 84, 64
NOBODY = np.zeros(0, np.int64)
FRAMES = 1000
VIDEOS = {number: video(number, FRAMES) for number in range(1, 101)}
Make = Callable[..., ColdSlab]


def nothing() -> None:
    """Give way to nobody."""


def flat(entries: dict[int, Vectors]) -> FlatSlab:
    """A flat slab of the entries."""
    builder = SlabBuilder()
    for number, vectors in entries.items():
        builder.add(number, vectors)
    slab = builder.finish()
    assert slab is not None
    return slab


def snapshot_of(*slabs: FlatSlab | ColdSlab) -> Snapshot:
    """A snapshot of the slabs."""
    return Snapshot(slabs=slabs, revision=1, hashes=sum(slab.rows for slab in slabs))


def rows(hits: Hits) -> set[tuple[int, int, int, int]]:
    """The hits one by one."""
    columns = (hits.query, hits.entry, hits.position, hits.distance)
    return set(zip(*(column.tolist() for column in columns), strict=True))


def search(snapshot: Snapshot, queries: Vectors, limit: int = LIMIT) -> Hits:
    """What the matcher asks."""
    return snapshot.search(queries, radius=RADIUS, limit=limit)


@pytest.fixture(autouse=True)
def alone() -> None:
    """FAISS's own threads stay off, as they are in an index: with more of them than free cores they wait for each other."""
    keep_to_this_thread()


@pytest.fixture
def directory(tmp_path: Path) -> CheckpointDirectory:
    """An index directory with the right to save."""
    made = CheckpointDirectory(tmp_path / "index")
    assert made.lock()
    return made


@pytest.fixture
def make(directory: CheckpointDirectory) -> Make:
    """Makes a cold slab of flat ones, all lists searched unless told otherwise."""
    names = iter(range(100))

    def maker(*slabs: FlatSlab | ColdSlab, lists: int = 50, probes: int = 10**6, centroids: Centroids | None = None,
              withdrawn: tuple[int, ...] = ()) -> ColdSlab:  # fmt: skip
        chosen = centroids or train(next(slabs[0].pieces()).vectors, lists, 1, probes, nothing)
        made = directory.make_cold(f"{next(names):032x}", chosen, slabs, np.array(withdrawn, np.int64), nothing)
        assert made is not None
        return made

    return maker


@pytest.fixture(scope="module")
def archive() -> FlatSlab:
    """100,000 vectors of footage."""
    return flat(VIDEOS)


class TestSlab:
    """Nothing is lost or mixed up on the way to a cold slab."""

    def test_all_lists_are_the_same_as_flat(self, make: Make, random: Random) -> None:
        """With every list searched the answer is that of exact search, whatever the sizes of entries and lists."""
        entries = {number * 7: random(count) for number, count in enumerate((1, 700, 3, 4, 1, 90, 2000), 1)}
        whole, cold = flat(entries), make(flat(entries))
        queries = np.concatenate([copy(entries[14], 0.2), copy(entries[49][:90], 0.1), random(5)])
        for limit in (1, 64, 10_000):
            exact = search(snapshot_of(whole), queries, limit)
            assert search(snapshot_of(cold), queries, limit).distance.tolist() == exact.distance.tolist()
        found = search(snapshot_of(cold), queries, 10_000)
        assert rows(found) == rows(exact)
        for column in ("query", "entry", "position", "distance"):
            assert getattr(found, column).dtype == getattr(exact, column).dtype

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_of_next_to_nothing(self, make: Make, random: Random, count: int) -> None:
        """One vector in one list is found, on the border of the radius too, and so are a few."""
        vectors = random(count)
        cold = make(flat({3: vectors}), probes=1, lists=1)
        flipped = vectors ^ np.packbits(np.arange(256) < RADIUS)
        assert rows(search(snapshot_of(cold), flipped)) == {(n, 3, n, RADIUS) for n in range(count)}
        assert len(search(snapshot_of(cold), flipped ^ np.packbits(np.arange(256) == RADIUS))) == 0

    def test_holds_what_it_was_made_of(self, make: Make, archive: FlatSlab, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every entry comes back whole, also when it takes several passes, and after being written again."""
        monkeypatch.setattr("hashsvc_index.cold._GATHERED", 30_000)
        cold = make(archive)
        again = make(cold, flat({200: VIDEOS[1]}), centroids=cold.centroids)
        for slab, more in ((cold, []), (again, [200])):
            contents = list(slab.contents())
            assert [number for number, _ in contents] == [*VIDEOS, *more]
            assert all(np.array_equal(vectors, VIDEOS.get(number, VIDEOS[1])) for number, vectors in contents)

    def test_made_without_the_withdrawn(self, make: Make, archive: FlatSlab, directory: CheckpointDirectory) -> None:
        """What is withdrawn is left out; of nothing else no slab is made, and no file."""
        cold = make(archive, withdrawn=(2, 50))
        assert cold.rows == 98 * FRAMES
        assert set(cold.numbers.tolist()) == set(VIDEOS) - {2, 50}
        assert len(search(snapshot_of(cold), VIDEOS[50], 1)) == 0
        assert rows(search(snapshot_of(cold), VIDEOS[51][:1], 1)) == {(0, 51, 0, 0)}
        files = sorted(directory.path.iterdir())
        assert directory.make_cold("f" * 32, cold.centroids, [flat({1: VIDEOS[1]})], np.array([1]), nothing) is None
        assert sorted(directory.path.iterdir()) == files

    def test_stopped(self, make: Make, archive: FlatSlab, directory: CheckpointDirectory) -> None:
        """Whenever it is stopped, nothing is left of the file."""
        centroids = make(archive).centroids
        files = sorted(directory.path.iterdir())
        for turns in (1, 5, 9):
            left = turns

            def give_way() -> None:
                nonlocal left
                left -= 1
                if not left:
                    raise InterruptedError

            with pytest.raises(InterruptedError):
                directory.make_cold("f" * 32, centroids, [archive], NOBODY, give_way)
            assert sorted(directory.path.iterdir()) == files

    def test_memory(self, make: Make, archive: FlatSlab) -> None:
        """All that a vector takes, in the file and beside it: 38 bytes, its own 32 among them."""
        cold = make(archive, lists=tiers.lists_for(archive.rows))
        taken = cold.content.nbytes + cold.numbers.nbytes + cold.starts.nbytes + cold.centroids.vectors.nbytes
        assert taken / cold.rows <= 38


class TestRecall:
    """How much of what exact search finds the cold tier finds."""

    @pytest.mark.parametrize(("flipped", "share"), [(0.0, 1.0), (0.05, 0.999), (0.15, 0.975), (0.25, 0.8)])
    def test_footage(self, make: Make, archive: FlatSlab, flipped: float, share: float) -> None:
        """Copies with few bits flipped are found as good as always, those near the radius mostly."""
        lists, settings = tiers.lists_for(archive.rows), TierSettings()
        sample = np.concatenate([vectors[::3] for vectors in VIDEOS.values()])
        probes = settings.probes_for(lists, archive.rows)
        cold = make(archive, centroids=train(sample, lists, archive.rows, probes, nothing))
        assert cold.met < archive.rows / 5
        queries = copy(np.concatenate([vectors[::50] for vectors in VIDEOS.values()]), flipped)
        exact = search(snapshot_of(archive), queries, 1).query
        found = search(snapshot_of(cold), queries, 1).query
        assert set(found.tolist()) <= set(exact.tolist())
        assert len(found) >= share * len(exact)


@pytest.mark.parametrize(
    ("lists", "rows", "probes"),
    [(5, 100, 5), (190, 26_000, 32), (2000, 1_000_000, 16), (4000, 4_000_000, 12), (30, 10**6, 12)],
)
def test_probes(lists: int, rows: int, probes: int) -> None:
    """All of very few, enough to meet so many rows, but no more of short lists and no less of long ones than is set."""
    assert TierSettings().probes_for(lists, rows) == probes


class TestPlan:
    """What moves when."""

    def test_nothing_to_move(self, random: Random) -> None:
        """As many as are to be searched exactly stay."""
        assert tiers.plan(Snapshot(), TierSettings(hot_hashes=10)) is None
        assert tiers.plan(snapshot_of(flat({1: random(10)})), TierSettings(hot_hashes=10)) is None

    def test_the_oldest_move(self, random: Random) -> None:
        """The entries added last stay, about half of what may be hot."""
        slabs = [flat({number: random(10)}) for number in (3, 1, 5, 2, 4)]
        move = tiers.plan(snapshot_of(*slabs), TierSettings(hot_hashes=40))
        assert move is not None
        assert [slab.numbers.tolist() for slab in move.slabs] == [[1], [2], [3]]
        assert move.centroids is None

    def test_few_slabs_and_fitting_centroids(self, directory: CheckpointDirectory, random: Random) -> None:
        """However much comes, the cold slabs are few, and there are about as many lists as there should be."""
        settings = TierSettings(hot_hashes=500)
        snapshot, trained = Snapshot(), set()
        for number in range(1, 200):
            snapshot = snapshot.advanced(number, flat({number: random(200)}), {})
            while move := tiers.plan(snapshot, settings):
                centroids = tiers.centroids_for(move, settings, nothing)
                made = directory.make_cold(f"{number:032x}", centroids, move.slabs, snapshot.withdrawn, nothing)
                snapshot = snapshot.replaced(move.slabs, made) or snapshot
            cold = [slab for slab in snapshot.slabs if isinstance(slab, ColdSlab)]
            rows = sum(slab.rows for slab in cold)
            assert len(cold) <= 1 + math.log2(max(rows, 1) / 200 + 1)
            assert snapshot.hashes - rows <= 500
            for slab in cold:
                trained.add(slab.centroids.name)
                assert tiers.lists_for(rows) <= 1.5 * len(slab.centroids) + 1
        assert len(trained) < 12
        assert sum(slab.rows for slab in snapshot.slabs) == 199 * 200

    def test_stale(self, make: Make) -> None:
        """A cold slab of which more than a quarter is withdrawn is made anew."""
        cold = make(flat({number: VIDEOS[number] for number in range(1, 9)}))
        snapshot = snapshot_of(cold).advanced(2, None, {1: False, 2: False})
        assert tiers.plan(snapshot, TierSettings()) is None
        move = tiers.plan(snapshot.advanced(3, None, {3: False}), TierSettings())
        assert move == tiers.Move(slabs=(cold,), centroids=cold.centroids)


class TestMasks:
    """What is withdrawn is not found from then on, in either tier, and crowds nothing out."""

    def test_in_both(self, make: Make) -> None:
        """One entry of each tier withdrawn, each with a live one that is farther from the query."""
        near, far = VIDEOS[1], copy(VIDEOS[1], 0.05)
        snapshot = snapshot_of(make(flat({1: near, 2: far})), flat({3: near, 4: far}))
        assert set(search(snapshot, near, 2).entry.tolist()) == {1, 3}
        masked = snapshot.advanced(2, None, {1: False, 3: False})
        hits = search(masked, near, 2)
        assert set(hits.entry.tolist()) == {2, 4}
        assert len(set(hits.query.tolist())) == FRAMES
        assert set(search(masked.advanced(3, None, {1: True}), near, 1).entry.tolist()) == {1}

    def test_merged(self, make: Make) -> None:
        """Of a cold and a flat slab a flat one can be made again."""
        cold = make(flat({1: VIDEOS[1], 2: VIDEOS[2]}))
        again = merge((cold, flat({3: VIDEOS[3]})), snapshot_of(cold).advanced(2, None, {1: False}))
        assert again is not None
        assert again.rows == 2 * FRAMES


class TestFiles:
    """The checkpoint with cold slabs in it."""

    def test_same_answer_from_disk(self, make: Make, archive: FlatSlab, directory: CheckpointDirectory) -> None:
        """Loaded again, hot and cold give the very hits they gave before, with 2,500 lists."""
        settings = TierSettings()
        centroids = train(
            copy(archive.read(0, 30_000), 0.02), 2500, archive.rows, settings.probes_for(2500, 10**5), nothing
        )
        snapshot = snapshot_of(make(archive, centroids=centroids), flat({200: VIDEOS[1] ^ np.uint8(1)}))
        snapshot = snapshot.advanced(2, None, {7: False})
        directory.save(snapshot, "0" * 32, "")
        loaded = directory.load(lambda _: None)
        queries = copy(np.concatenate([vectors[::50] for vectors in VIDEOS.values()]), 0.1)
        assert rows(search(loaded, queries)) == rows(search(snapshot, queries))
        assert (loaded.hashes, loaded.withdrawn.tolist()) == (snapshot.hashes, [7])
        [cold, _] = loaded.slabs
        assert isinstance(cold, ColdSlab)
        assert (cold.centroids.probes, cold.crc32) == (centroids.probes, snapshot.slabs[0].crc32)  # type: ignore[attr-defined]

    def test_writes_no_slab_twice(self, make: Make, archive: FlatSlab, directory: CheckpointDirectory) -> None:
        """Saving again touches no cold file; what no snapshot has any more goes; what somebody removed comes back."""
        cold = make(archive)
        directory.save(snapshot_of(cold), "0" * 32, "")
        [file] = directory.path.glob("*.cold")
        written = file.stat().st_mtime_ns
        directory.save(snapshot_of(cold, flat({200: VIDEOS[1]})), "0" * 32, "")
        assert file.stat().st_mtime_ns == written
        file.unlink()
        directory.save(snapshot_of(cold), "0" * 32, "")
        assert directory.load(lambda _: None).hashes == archive.rows
        directory.named()
        directory.save(snapshot_of(flat({200: VIDEOS[1]})), "0" * 32, "")
        assert not [path for path in directory.path.iterdir() if path.suffix in (".cold", ".centroids")]

    def test_leaves_alone_what_is_being_made(self, make: Make, directory: CheckpointDirectory) -> None:
        """A file that is whole, but in no snapshot yet, survives a save in between; rests of a killed process do not."""
        (directory.path / "e.cold.new").write_bytes(b"half")
        cold = make(flat({1: VIDEOS[1]}))
        directory.save(snapshot_of(flat({200: VIDEOS[1]})), "0" * 32, "")
        assert [path.name for path in directory.path.glob("*.cold*")] == [f"{cold.name}.cold"]

    def test_first_format(self, directory: CheckpointDirectory) -> None:
        """A manifest of before there were cold slabs is read."""
        slab = flat({1: VIDEOS[1], 2: VIDEOS[2]})
        directory.save(snapshot_of(slab), "0" * 32, "")
        path = directory.path / "MANIFEST"
        said = json.loads(path.read_bytes().partition(b"\n")[2])
        said["format"] = 1
        for file in said["slabs"]:
            del file["bytes"], file["centroids"]
        body = json.dumps(said).encode() + b"\n"
        path.write_bytes(b"%08x\n" % zlib.crc32(body) + body)
        loaded = directory.load(lambda _: None)
        assert loaded.hashes == 2 * FRAMES
        [file] = directory.path.glob("*.slab")
        written = file.stat().st_mtime_ns
        directory.save(loaded, "0" * 32, "")
        assert file.stat().st_mtime_ns == written
        assert json.loads(path.read_bytes().partition(b"\n")[2])["format"] == 2
