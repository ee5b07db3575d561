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
from hashsvc.service import Service
from hashsvc_index import Store, tiers
from hashsvc_index.centroids import sample_size, train
from hashsvc_index.checkpoint import CheckpointDirectory
from hashsvc_index.searchers import keep_to_this_thread
from hashsvc_index.slabs import FlatSlab, SlabBuilder
from hashsvc_index.snapshot import Hits, Snapshot

RADIUS, LIMIT = 84, 64
"""As the matcher asks."""
ENOUGH = 3
"""Hashes of a copy that must hit its own source for it to be looked at closely, roughly."""
MOST_LOST = 0.005
"""Share of the copies that may have fewer than that, and have as many by exact search."""
_FRAMES = 16
"""Of a copy that are searched for, as the matcher picks them."""
_PROBES = (4, 8, 16, 32)
_UNRELATED = 1 << 62
"""Numbers of entries that are filling only."""

Hashes = npt.NDArray[np.uint8]
Search = Callable[[Hashes], Hits]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An edited copy."""

    recipe: str
    source: int
    """Number of the entry it was made of."""
    hashes: Hashes
    """uint8 (m, 32)."""


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
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        entries, made = real(work, options)
        bank = filled(entries, options.hashes)
        exact, rows = Snapshot(slabs=(bank,), hashes=bank.rows), []
        wanted, seconds = searched(lambda hashes: exact.search(hashes, radius=RADIUS, limit=LIMIT), made)
        rows.append(_row("exact, IndexBinaryFlat", 32.0, seconds, wanted, wanted, made))
        for how, taken, search in ways(bank, Path(scratch)):
            found, seconds = searched(search, made)
            rows.append(_row(how, taken, seconds, found, wanted, made))
    for row in rows:
        row["times as fast"] = rows[0]["us a query"] / row["us a query"]
    figures = {
        "hashes": bank.rows, "of real videos": sum(map(len, entries.values())), "copies": len(made),
        "hashes of a copy": sum(len(one.hashes) for one in made) / len(made),
    }  # fmt: skip
    default = next(row for row in rows if row["way"].startswith("cold, as set"))
    shortfalls = []
    if default["copies lost"] > MOST_LOST * len(made):
        shortfalls.append(f"{default['copies lost']} of {len(made)} copies lost the hits to be found by.")
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
    return entries, [copy for copy in hashed if len(copy.hashes)]


def filled(entries: dict[int, Hashes], hashes: int) -> FlatSlab:
    """A slab of the entries, and of others like them until there are so many hashes.

    Another is an entry's hashes with the same bits flipped in all of them, those in which two real hashes differ, and
    one bit in 32 at random: as near to each other as they were, and somewhere else.
    """
    random = np.random.default_rng(1)
    pool = list(entries.values())
    everything = np.concatenate(pool)
    builder = SlabBuilder()
    for number, vectors in entries.items():
        builder.add(number, vectors)
    number = _UNRELATED
    while builder.rows < hashes:
        vectors = pool[random.integers(len(pool))]
        noise = random.integers(0, 256, vectors.shape, np.uint8)
        for _ in range(4):
            noise &= random.integers(0, 256, vectors.shape, np.uint8)
        moved = vectors[random.integers(len(vectors))] ^ everything[random.integers(len(everything))]
        builder.add(number, vectors ^ moved ^ noise)
        number += 1
    slab = builder.finish()
    assert slab is not None
    return slab


def ways(bank: FlatSlab, scratch: Path) -> "list[tuple[str, float, Search]]":
    """(what, bytes a hash, search) of everything that is not exact."""
    settings, lists = tiers.TierSettings(), tiers.lists_for(bank.rows)
    wanted = sample_size(lists)
    rows = np.sort(np.random.default_rng(2).choice(bank.rows, min(wanted, bank.rows), replace=False))
    sample = np.concatenate([bank.read(int(row), int(row) + 1) for row in rows])
    directory = CheckpointDirectory(scratch / "tiers")
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
    search(made[0].hashes)
    began = time.process_time()
    hits = [search(copy.hashes) for copy in made]
    return hits, time.process_time() - began


def _search_of(snapshot: Snapshot) -> Search:
    return lambda hashes: snapshot.search(hashes, radius=RADIUS, limit=LIMIT)


def _multi_hash(bank: FlatSlab) -> Search:
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    for piece in bank.pieces():
        index.add(piece.vectors)

    def search(hashes: Hashes) -> Hits:
        limits, distances, rows = index.range_search(hashes, RADIUS + 1)
        place = np.searchsorted(bank.starts, rows, side="right") - 1
        return Hits(
            query=np.repeat(np.arange(len(hashes), dtype=np.int32), np.diff(limits.astype(np.int64))),
            entry=bank.numbers[place], position=(rows - bank.starts[place]).astype(np.int32),
            distance=distances.astype(np.int32), revision=0,
        )  # fmt: skip

    return search


def _hashed(sandbox: Sandbox, copy: copies.Copy, numbers: dict[str, int]) -> Copy:
    fingerprint = sandbox.fingerprint(copy.path, Reading.QUICK).thinned(_FRAMES)
    good = fingerprint.quality >= DEFAULT.quality_gate
    return Copy(recipe=f"{copy.recipe}, {copy.strength}", source=numbers[copy.source], hashes=fingerprint.hashes[good])


def _row(
    way: str, taken: float, seconds: float, found: Sequence[Hits], wanted: Sequence[Hits], made: Sequence[Copy]
) -> dict[str, Any]:
    """Own hits are those of a copy's hashes in its own source."""
    own = np.array([_own(hits, copy) for hits, copy in zip(found, made, strict=True)])
    by_exact = np.array([_own(hits, copy) for hits, copy in zip(wanted, made, strict=True)])
    queries = sum(len(copy.hashes) for copy in made)
    return {
        "way": way,
        "us a query": seconds / queries * 1e6,
        "bytes a hash": taken or None,
        "hashes that hit, of those by exact search": own.sum() / max(1, by_exact.sum()),
        "copies with enough hits": int((own >= ENOUGH).sum()),
        "copies lost": int(((own < ENOUGH) & (by_exact >= ENOUGH)).sum()),
    }


def _own(hits: Hits, copy: Copy) -> int:
    return len(np.unique(hits.query[hits.entry == copy.source]))
