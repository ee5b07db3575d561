"""The search of others over the hashes of a bank: python-threatexchange's PDQ indexes and bare FAISS, beside ours."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.uploads import Upload
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import seeds
from hashsvc.match.layers import layers_from
from hashsvc_index import Index, IndexSettings, Store, compilation
from hashsvc_index.searchers import keep_to_this_thread

TIMES_AS_FAST = 15.0
"""Our search beside python-threatexchange's indexes, at a million hashes."""
_MOST = 2_000_000
"""Hashes up to which the peers are asked; theirs are Python strings."""
_HASHES = 30
"""Of an upload."""
_LISTS, _PROBES = 1024, 16
_SECONDS = 900.0
_LEFT_OUT = "python-threatexchange"
_PROGRAM = """
import json, sys, time
import faiss, numpy
from threatexchange.signal_type.pdq.pdq_index import PDQFlatIndex, PDQIndex
faiss.omp_set_num_threads(1)
bank, queries = numpy.load(sys.argv[1]), numpy.load(sys.argv[2])
entries = [(one.tobytes().hex(), place) for place, one in enumerate(bank)]
for kind in (PDQFlatIndex, PDQIndex):
    index = kind(entries)
    spent = []
    for upload in queries:
        began = time.process_time()
        for one in upload:
            index.query(one.tobytes().hex())
        spent.append(time.process_time() - began)
    print(json.dumps([kind.__name__, sorted(spent)[len(spent) // 2]]))
"""

Hashes = npt.NDArray[np.uint8]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of what compares."""
    parser.add_argument("--peers", choices=("all", "none"), default="all", help="whether to search with others too")
    parser.add_argument(
        "--peer-python", type=Path, default=Path(sys.executable), help="an interpreter that has threatexchange"
    )


def compared(data: Path, uploads: Sequence[Upload], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds of processor time, one thread, for the hashes of an upload: a row each; none where it was not asked for."""
    if options.peers == "none":
        return []
    keep_to_this_thread()
    compilation.load_all()
    queries = np.stack([_seeding(one) for one in uploads])
    with Store.open(data) as store:
        index = Index(store, data, IndexSettings(threads=1), layers_from(store))
        index.start()
        while not index.wait_ready(1.0):
            pass
        ours = _median(lambda upload: index.search(upload, radius=seeds.RADIUS, limit=seeds.PER_QUERY), queries)
        rows = {f"hashsvc, as set, distance {seeds.RADIUS}": ours}
        if index.hashes <= _MOST:
            bank = np.concatenate([store.vectors(number) for number, count in store.live_entries() if count])
            rows |= _bare(bank, queries) | _threatexchange(bank, queries, options.peer_python)
        else:
            print(f"others are left out at over {_MOST} hashes", file=sys.stderr)
        index.close()
    return [{"search": name, "ms an upload": 1000 * one, "times ours": one / ours} for name, one in rows.items()]


def shortfalls(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Where python-threatexchange is not as much slower as it should be."""
    for row in rows:
        if row["search"].startswith(_LEFT_OUT) and row["times ours"] < TIMES_AS_FAST:
            yield f"The search is {row['times ours']:.1f} times as fast as {row['search']}, under {TIMES_AS_FAST:.0f}."


def _seeding(upload: Upload) -> Hashes:
    """Hashes of it that would be searched for, uint8 (_HASHES, 32)."""
    hashes = seeds.pick(upload.fingerprint, DEFAULT.quality_gate).hashes
    return np.ascontiguousarray(hashes[np.linspace(0, len(hashes) - 1, _HASHES).astype(int)])


def _bare(bank: Hashes, queries: Hashes) -> dict[str, float]:
    flat = faiss.IndexBinaryFlat(256)
    flat.add(bank)
    middles = faiss.IndexBinaryFlat(256)
    lists = faiss.IndexBinaryIVF(middles, 256, _LISTS)
    lists.cp.niter = 5
    lists.train(bank[:: max(1, len(bank) // (_LISTS * 40))])
    lists.add(bank)
    lists.nprobe = _PROBES
    return {
        "faiss IndexBinaryFlat, nearest 64": _median(lambda upload: flat.search(upload, 64), queries),
        f"faiss IndexBinaryIVF, {_LISTS} lists, {_PROBES} searched, nearest 64": _median(
            lambda upload: lists.search(upload, 64), queries
        ),
    }


def _threatexchange(bank: Hashes, queries: Hashes, python: Path) -> dict[str, float]:
    """Nothing, and a line on stderr, where it is not installed."""
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch, "bank.npy"), Path(scratch, "queries.npy")
        np.save(files[0], bank)
        np.save(files[1], queries)
        command = [str(python), "-P", "-c", _PROGRAM, *map(str, files)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
            print(f"{_LEFT_OUT} is left out: {said}; see --peer-python", file=sys.stderr)
            return {}
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {f"{_LEFT_OUT} {name}, as it is set": seconds for name, seconds in found}


def _median(search: Callable[[Hashes], Any], queries: Hashes) -> float:
    """Seconds of processor time of an upload."""
    spent = []
    for upload in queries:
        began = time.process_time()
        search(upload)
        spent.append(time.process_time() - began)
    return float(np.median(spent))
