"""Ways to search, side by side on hashes of real videos: time a query, recall against exact search, bytes a hash."""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks import corpus
from benchmarks.report import Report
from benchmarks.robustness import copies, measure, plan
from benchmarks.robustness.recipes import PLAIN
from hashsvc.config import Settings
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match import seeds
from hashsvc.match.layers import layers_from, reach_of_views
from hashsvc.match.seeds import Seeds
from hashsvc.service import Service
from hashsvc_index import Store, compilation, tiers
from hashsvc_index.centroids import sample_size, train
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.layers import Layers, LayersOf
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.slabs import FlatSlab, SlabBuilder
from hashsvc_index.snapshot import Hits, Snapshot

MOST_LOST = 0.005
"""Share of the copies that may not be nominated, and are by exact search."""
_PROBES = (4, 8, 16, 32)
_UNRELATED = 1 << 62
"""Numbers of entries that are filling only."""

Hashes = npt.NDArray[np.uint8]
Search = Callable[[Hashes, Layers], Hits]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An edited copy."""

    recipe: str
    source: int
    """Number of the entry it was made of."""
    seeds: Seeds
    """What the matcher searches for."""
    reach: Layers
    """uint8 (m,)."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--hashes", type=int, default=1_000_000, help="hashes in the bank (default: %(default)s)")
    parser.add_argument("--recipes", default="all", help="plain, all, or names with commas (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=0, help="use about so many videos only; 0 is all")
    parser.add_argument(
        "--work", type=Path, help="keep copies and data here, as `robustness` does, and use what is there"
    )


def run(options: argparse.Namespace) -> Report:
    """Hash references and copies, fill the bank up with footage like theirs, search it in each way."""
    keep_to_this_thread()
    compilation.load_all()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        entries, made = real(work, options)
        bank, like = filled(entries, options.hashes)
        exact, rows = Snapshot(slabs=(bank,), hashes=bank.rows), []
        wanted, seconds = searched(_search_of(exact), made)
        rows.append(_row("exact, IndexBinaryFlat", 32.0, seconds, wanted, wanted, made))
        with Store.open(work / "data") as store:
            layers_of = layers_from(store)
            layers = {number: layers_of(number) for number in entries}
        for how, taken, search in ways(bank, lambda number: layers[like[number]], Path(scratch)):
            found, seconds = searched(search, made)
            rows.append(_row(how, taken, seconds, found, wanted, made))
    for row in rows:
        row["times as fast"] = rows[0]["us a query"] / row["us a query"]
    figures = {
        "hashes": bank.rows, "of real videos": sum(map(len, entries.values())), "copies": len(made),
        "hashes of a copy": sum(len(one.seeds.hashes) for one in made) / len(made),
    }  # fmt: skip
    default = next(row for row in rows if row["way"].startswith("cold, as set"))
    shortfalls = []
    if default["copies lost"] > MOST_LOST * len(made):
        shortfalls.append(f"{default['copies lost']} of {len(made)} copies are not nominated, and are by exact search.")
    return Report(name="search_tiers", figures=figures, tables={"Ways": rows}, shortfalls=shortfalls)


def real(work: Path, options: argparse.Namespace) -> tuple[dict[int, Hashes], list[Copy]]:
    """The hashes of each reference by entry number, and the copies that have any hash."""
    recipes = plan.chosen({"plain": PLAIN, "all": ()}.get(options.recipes, tuple(options.recipes.split(","))))
    scheme = plan.plan(corpus.read(), cuts=1, seed=1, limit=options.limit)
    made, failures = plan.make(work, list(scheme.orders(recipes, 10.0)), 2)
    with Service.open(work / "data") as service:
        failures += measure.confirm(service, scheme.references, 2, "references")
        for failure in failures:
            print(failure, file=sys.stderr)
        numbers = {}
        with Store.open(work / "data") as store:
            entries = {number: store.vectors(number) for number, count in store.live_entries() if count}
            for number in entries:
                record = store.get_entry_by_number(number)
                numbers[service.get_entry(record.bank, record.entry).external_id] = number
    sandbox = Sandbox(Settings())
    try:
        hashed = [_hashed(sandbox, copy, numbers) for copy in made if copy.source in numbers]
    finally:
        sandbox.close()
    return entries, [copy for copy in hashed if len(copy.seeds.hashes)]


def filled(entries: dict[int, Hashes], hashes: int) -> tuple[FlatSlab, dict[int, int]]:
    """A slab of the entries, and of others like them until there are so many hashes; and which each entry of it is like.

    Another is an entry's hashes with the same bits flipped in all of them, those in which two real hashes differ, and
    one bit in 32 at random: as near to each other as they were, and somewhere else.
    """
    random = np.random.default_rng(1)
    pool, everything = list(entries), np.concatenate(list(entries.values()))
    builder, like = SlabBuilder(), {number: number for number in entries}
    for number, vectors in entries.items():
        builder.add(number, vectors)
    number = _UNRELATED
    while builder.rows < hashes:
        like[number] = pool[random.integers(len(pool))]
        vectors = entries[like[number]]
        noise = random.integers(0, 256, vectors.shape, np.uint8)
        for _ in range(4):
            noise &= random.integers(0, 256, vectors.shape, np.uint8)
        moved = vectors[random.integers(len(vectors))] ^ everything[random.integers(len(everything))]
        builder.add(number, vectors ^ moved ^ noise)
        number += 1
    slab = builder.finish()
    assert slab is not None
    return slab, like


def ways(bank: FlatSlab, layers_of: LayersOf, scratch: Path) -> "list[tuple[str, float, Search]]":
    """(what, bytes a hash, search) of everything that is not exact."""
    settings, lists = tiers.TierSettings(), tiers.lists_for(bank.rows)
    wanted = sample_size(lists)
    rows = np.sort(np.random.default_rng(2).choice(bank.rows, min(wanted, bank.rows), replace=False))
    sample = np.concatenate([bank.read(int(row), int(row) + 1) for row in rows])
    directory = CheckpointDirectory(scratch / "tiers", layers_of=layers_of)
    directory.lock()
    found: list[tuple[str, float, Search]] = []
    for probes in (0, *_PROBES):
        chosen = probes or settings.probes_for(lists, bank.rows)
        centroids = train(sample, lists, bank.rows, chosen, lambda: None)
        cold = directory.make_cold(f"{probes:032x}", centroids, [bank], np.zeros(0, np.int64), lambda: None)
        assert cold is not None
        snapshot = Snapshot(slabs=(cold,), hashes=cold.rows)
        name = (
            f"cold, {lists} lists, {chosen} searched" if probes else f"cold, as set: {lists} lists, {chosen} searched"
        )
        found.append((name, len(cold.content) / cold.rows, _search_of(snapshot)))
    return [*found, ("IndexBinaryMultiHash, 16 x 16 bits", 0.0, _multi_hash(bank))]


def searched(search: Search, made: Sequence[Copy]) -> tuple[list[Hits], float]:
    """The hits of each copy's hashes, and seconds of processor time for all of them."""
    search(made[0].seeds.hashes, made[0].reach)
    began = time.process_time()
    hits = [search(copy.seeds.hashes, copy.reach) for copy in made]
    return hits, time.process_time() - began


def _search_of(snapshot: Snapshot) -> Search:
    return lambda hashes, reach: snapshot.search(hashes, reach, radius=seeds.RADIUS, limit=seeds.PER_QUERY)


def _multi_hash(bank: FlatSlab) -> Search:
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    for piece in bank.pieces():
        index.add(piece.vectors)

    def search(hashes: Hashes, _: Layers) -> Hits:
        limits, distances, rows = index.range_search(hashes, seeds.RADIUS + 1)
        place = np.searchsorted(bank.starts, rows, side="right") - 1
        return Hits(
            query=np.repeat(np.arange(len(hashes), dtype=np.int32), np.diff(limits.astype(np.int64))),
            entry=bank.numbers[place], position=(rows - bank.starts[place]).astype(np.int32),
            distance=distances.astype(np.int32), revision=0,
        )  # fmt: skip

    return search


def _hashed(sandbox: Sandbox, copy: copies.Copy, numbers: dict[str, int]) -> Copy:
    fingerprint = sandbox.fingerprint(copy.path, Reading.QUICK)
    picked = seeds.pick(fingerprint, DEFAULT.quality_gate)
    reach = reach_of_views(fingerprint.views)[picked.views]
    return Copy(recipe=f"{copy.recipe}, {copy.strength}", source=numbers[copy.source], seeds=picked, reach=reach)


def _row(
    way: str, taken: float, seconds: float, found: Sequence[Hits], wanted: Sequence[Hits], made: Sequence[Copy]
) -> dict[str, Any]:
    """Own hits are those of a copy's hashes in its own source."""
    own, by_exact = (sum(_own(hits, copy) for hits, copy in zip(one, made, strict=True)) for one in (found, wanted))
    named, all_named = (
        np.array([_nominated(hits, copy) for hits, copy in zip(one, made, strict=True)]) for one in (found, wanted)
    )
    queries = sum(len(copy.seeds.hashes) for copy in made)
    return {
        "way": way,
        "us a query": seconds / queries * 1e6,
        "bytes a hash": taken or None,
        "hashes that hit, of those by exact search": own / max(1, by_exact),
        "copies nominated": int(named.sum()),
        "copies lost": int((all_named & ~named).sum()),
    }


def _own(hits: Hits, copy: Copy) -> int:
    return len(np.unique(hits.query[hits.entry == copy.source]))


def _nominated(hits: Hits, copy: Copy) -> bool:
    """Whether the matcher would compare the copy with its source."""
    nominated = seeds.nominate(copy.seeds, hits.query, hits.entry, hits.position, hits.distance)
    return any(one.number == copy.source for one in nominated)
