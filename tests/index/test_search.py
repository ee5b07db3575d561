"""Search against brute force."""

import functools
import threading

import numpy as np
import pytest

from hashsvc_index import Hits
from hashsvc_index.merge import FAN_IN, merge, plan
from hashsvc_index.records import Vectors
from hashsvc_index.searchers import Searchers
from hashsvc_index.slabs import BLOCK_ROWS, FlatSlab, SlabBuilder
from hashsvc_index.snapshot import Snapshot

from .conftest import Add, OpenIndex, Random

Found = set[tuple[int, int, int, int]]


def brute_force(queries: Vectors, entries: dict[int, Vectors], radius: int) -> Found:
    """Every (query, entry, position, distance) within the radius, by comparing each with each."""
    found: Found = set()
    for number, vectors in entries.items():
        distances = np.bitwise_count(queries[:, None, :] ^ vectors[None, :, :]).sum(axis=2, dtype=np.int64)
        for query, position in zip(*np.nonzero(distances <= radius), strict=True):
            found.add((int(query), number, int(position), int(distances[query, position])))
    return found


def rows(hits: Hits) -> list[tuple[int, int, int, int]]:
    """The hits one by one."""
    columns = (hits.query, hits.entry, hits.position, hits.distance)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def near(vectors: Vectors, flips: int) -> Vectors:
    """Copies of the vectors with the first so many bits flipped."""
    mask = np.packbits(np.arange(256) < flips)
    return np.asarray(vectors ^ mask)


def build(entries: dict[int, Vectors]) -> FlatSlab:
    """A slab of the entries."""
    builder = SlabBuilder()
    for number, vectors in entries.items():
        builder.add(number, vectors)
    slab = builder.finish()
    assert slab is not None
    return slab


class TestAgainstBruteForce:
    """What a search returns is what comparing everything with everything returns."""

    @pytest.mark.parametrize("radius", [0, 31, 100, 110, 256])
    def test_all_within_the_radius(self, random: Random, radius: int) -> None:
        """Many entries in many slabs, across blocks: the same hits, with entry, position and distance."""
        entries = {number: random(count) for number, count in enumerate((1, 700, 3, 40, 1, 90), 1)}
        slabs = tuple(build({number: entries[number] for number in part}) for part in ((1, 2), (3,), (4, 5, 6)))
        snapshot = Snapshot(slabs=slabs, revision=9, hashes=835)
        queries = np.concatenate([random(5), near(entries[2][300:303], 31), near(entries[5], 100)])
        hits = snapshot.search(queries, radius=radius, limit=10_000)
        assert set(rows(hits)) == brute_force(queries, entries, radius)
        assert len(rows(hits)) == len(set(rows(hits)))
        assert hits.revision == 9

    def test_across_blocks(self, random: Random) -> None:
        """An entry larger than a block is found at the right position before, on and after the block's end."""
        vectors = random(2 * BLOCK_ROWS + 10)
        slab = build({1: random(5), 7: vectors})
        places = np.array([0, BLOCK_ROWS - 6, BLOCK_ROWS - 5, BLOCK_ROWS, 2 * BLOCK_ROWS + 9])
        hits = Snapshot(slabs=(slab,), hashes=slab.rows).search(near(vectors[places], 9), radius=9, limit=1)
        assert rows(hits) == [(query, 7, int(place), 9) for query, place in enumerate(places)]
        assert np.array_equal(slab.read(5 + 100, 5 + BLOCK_ROWS + 100), vectors[100 : BLOCK_ROWS + 100])

    def test_border_of_the_radius(self, random: Random) -> None:
        """A vector exactly on the radius is found, one bit farther is not."""
        vectors = random(1)
        snapshot = Snapshot(slabs=(build({1: vectors}),), hashes=1)
        for radius in (0, 1, 31, 255):
            assert rows(snapshot.search(near(vectors, radius), radius=radius, limit=5)) == [(0, 1, 0, radius)]
            assert len(snapshot.search(near(vectors, radius + 1), radius=radius, limit=5)) == 0

    def test_limit_keeps_the_nearest(self, random: Random) -> None:
        """With more within the radius than the limit, the nearest are kept, for each query by itself."""
        base = random(2)
        entries = {number: near(base[number % 2 : number % 2 + 1], number) for number in range(1, 21)}
        snapshot = Snapshot(slabs=tuple(build({n: v}) for n, v in entries.items()), hashes=20)
        found = rows(snapshot.search(base, radius=20, limit=3))
        assert found == [(0, 2, 0, 2), (0, 4, 0, 4), (0, 6, 0, 6), (1, 1, 0, 1), (1, 3, 0, 3), (1, 5, 0, 5)]

    def test_limit_when_nearly_everything_is_near(self, random: Random) -> None:
        """The distances are the smallest even when hits have to be dropped on the way for want of memory."""
        vectors, queries = random(3 * BLOCK_ROWS), random(40)
        snapshot = Snapshot(slabs=(build({1: vectors}),), hashes=len(vectors))
        hits = snapshot.search(queries, radius=200, limit=7)
        for query in range(40):
            distances = np.sort(np.bitwise_count(vectors ^ queries[query]).sum(axis=1, dtype=np.int64))
            assert hits.distance[hits.query == query].tolist() == distances[:7].tolist()

    def test_withdrawn_do_not_crowd_out(self, random: Random) -> None:
        """Any number of withdrawn entries nearer than a live one leave the live one found."""
        base = random(1)
        snapshot = Snapshot(slabs=(build({n: near(base, n - 1) for n in range(1, 52)}),), hashes=51)
        snapshot = snapshot.advanced(1, None, dict.fromkeys(range(1, 51), False))
        assert snapshot.hashes == 1
        assert rows(snapshot.search(base, radius=60, limit=1)) == [(0, 51, 0, 50)]

    def test_unwanted_do_not_crowd_out(self, random: Random) -> None:
        """Entries that the caller does not want leave those that it wants found, however near they are."""
        base = random(1)
        snapshot = Snapshot(slabs=(build({n: near(base, n - 1) for n in range(1, 52)}),), hashes=51)
        hits = snapshot.search(base, radius=60, limit=2, keep=lambda numbers: numbers % 20 == 0)
        assert rows(hits) == [(0, 20, 0, 19), (0, 40, 0, 39)]

    def test_shared_among_threads(self, random: Random) -> None:
        """Shared out to helpers, and by many callers at once, a search gives the same as on one thread."""
        vectors = random(60_000)
        snapshot = Snapshot(slabs=(build({1: vectors[:10], 2: vectors[10:]}),), hashes=60_000)
        queries = np.concatenate([near(vectors[::200], 20), random(3)])
        expected = rows(snapshot.search(queries, radius=40, limit=5))
        assert len(expected) >= 300
        searchers, reach = Searchers(3), np.zeros(len(queries), np.uint8)
        find = functools.partial(snapshot.search, radius=40, limit=5)
        answers: list[list[tuple[int, int, int, int]]] = []

        def ask() -> None:
            answers.append(rows(searchers.search(find, queries, reach, snapshot.hashes, snapshot.revision)))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        searchers.close()
        ask()
        assert answers == [expected] * 7


class TestIndex:
    """Searching through the index."""

    def test_one_hash(self, add: Add, open_index: OpenIndex, random: Random) -> None:
        """A bank of exactly one hash matches it."""
        vectors = random(1)
        added = add("e", vectors)
        hits = open_index().search(near(vectors, 31), radius=31, limit=10)
        assert rows(hits) == [(0, added.number, 0, 31)]

    def test_nothing(self, add: Add, open_index: OpenIndex, random: Random) -> None:
        """No entries, no queries, and entries without vectors find nothing and break nothing."""
        index = open_index()
        assert len(index.search(random(3), radius=256, limit=1)) == 0
        assert index.wait_for(add("e", 0).revision, 5)
        hits = index.search(random(3), radius=256, limit=1)
        assert (len(hits), hits.revision, index.hashes) == (0, 2, 0)
        assert len(index.search(random(0), radius=256, limit=1)) == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"queries": np.zeros((1, 31), np.uint8)}, {"queries": np.zeros((1, 32), np.int64)}, {"radius": -1},
            {"limit": 0},
        ],
        ids=str,
    )  # fmt: skip
    def test_wrong_arguments(self, open_index: OpenIndex, wrong: dict[str, object]) -> None:
        """Arguments of a wrong shape are a ValueError."""
        right = {"queries": np.zeros((1, 32), np.uint8), "radius": 3, "limit": 1}
        with pytest.raises(ValueError, match=r"queries|radius"):
            open_index().search(**{**right, **wrong})  # type: ignore[arg-type]


class TestMerging:
    """Slabs become few, and lose what was withdrawn."""

    def test_few_slabs(self, random: Random) -> None:
        """However many entries are added one by one, the slabs stay few and the answers right."""
        entries = {number: random(number * 7 % 50 + 1) for number in range(1, 300)}
        snapshot = Snapshot()
        most = 0
        for number, vectors in entries.items():
            snapshot = snapshot.advanced(number, build({number: vectors}), {})
            while chosen := plan(snapshot):
                snapshot = snapshot.replaced(chosen, merge(chosen, snapshot)) or snapshot
            most = max(most, len(snapshot.slabs))
        assert most <= 2 * FAN_IN
        assert snapshot.hashes == sum(map(len, entries.values()))
        queries = near(np.concatenate([vectors[-1:] for vectors in entries.values()]), 5)
        hits = snapshot.search(queries, radius=5, limit=9)
        assert hits.entry.tolist() == list(entries)
        assert hits.position.tolist() == [len(vectors) - 1 for vectors in entries.values()]

    def test_drops_withdrawn(self, random: Random) -> None:
        """A slab of which much is withdrawn is written anew without it; one that is all withdrawn goes."""
        entries = {number: random(BLOCK_ROWS // 8) for number in range(1, 20)}
        snapshot = Snapshot(slabs=(build(entries),), hashes=19 * BLOCK_ROWS // 8)
        snapshot = snapshot.advanced(1, None, dict.fromkeys(range(2, 10), False))
        chosen = plan(snapshot)
        merged = snapshot.replaced(chosen, merge(chosen, snapshot))
        assert merged is not None
        assert (merged.withdrawn.tolist(), merged.hashes) == ([], snapshot.hashes)
        assert merged.slabs[0].numbers.tolist() == [1, *range(10, 20)]
        assert rows(merged.search(entries[10][-1:], radius=0, limit=1)) == [(0, 10, BLOCK_ROWS // 8 - 1, 0)]
        merged = merged.advanced(2, None, dict.fromkeys([1, *range(10, 20)], False))
        nothing = merged.replaced(plan(merged), merge(plan(merged), merged))
        assert nothing is not None
        assert (nothing.slabs, nothing.hashes, nothing.withdrawn.tolist()) == ((), 0, [])

    def test_overtaken(self, random: Random) -> None:
        """A merge that left out an entry which is live again, or of slabs that are gone, is thrown away."""
        before = Snapshot(slabs=(build({1: random(5), 2: random(5)}),), hashes=10).advanced(1, None, {1: False})
        merged = merge(before.slabs, before)
        assert before.advanced(2, None, {1: True}).replaced(before.slabs, merged) is None
        assert Snapshot().replaced(before.slabs, merged) is None
        assert before.replaced(before.slabs, merged) is not None
