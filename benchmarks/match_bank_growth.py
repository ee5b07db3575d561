"""What a match costs, and what the bank takes in memory, as the bank grows."""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import banks, served
from benchmarks.confirm_to_match import percentile
from benchmarks.report import Report

MOST_TIMES_THE_COST = 2.0
"""How many times the processor time that it took against a million a match may take against ten million."""
MOST_BYTES = 64.0
"""Resident bytes for each hash of the largest bank, the whole process counted, if it has ten million."""
_FROM, _TO = 10**6, 10**7


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument(
        "--hashes", default="100000,1000000,10000000", help="sizes of the bank, ascending (default: %(default)s)"
    )
    parser.add_argument("--matches", type=int, default=200, help="matches of each kind (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the data directory here, and use what is there")


def run(options: argparse.Namespace) -> Report:
    """Fill, open, match; fill further."""
    rows = []
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "data"
        for hashes in map(int, options.hashes.split(",")):
            print(f"filling to {hashes} hashes")
            banks.fill(data, hashes)
            seen = served.serve(data, options.matches)
            rows.append(_row(seen))
            faults += seen.faults
    _compare(rows)
    figures = {"matches of each kind and size": options.matches, "wrong answers": len(faults)}
    tables = {"Growth": rows}
    return Report(name="match_bank_growth", figures=figures, tables=tables, shortfalls=[*faults, *_shortfalls(rows)])


def _row(seen: served.Served) -> dict[str, Any]:
    return {
        "hashes": seen.hashes,
        "miss processor ms": 1000 * statistics.median(seen.miss_processor_seconds),
        "hit processor ms": 1000 * statistics.median(seen.hit_processor_seconds),
        "miss median ms": 1000 * statistics.median(seen.miss_seconds),
        "miss p99 ms": 1000 * percentile(seen.miss_seconds, 99),
        "hit median ms": 1000 * statistics.median(seen.hit_seconds),
        "hit p99 ms": 1000 * percentile(seen.hit_seconds, 99),
        "open s": seen.open_seconds,
        "resident MB": seen.bytes / 1e6,
        "before opening MB": seen.base_bytes / 1e6,
        "bytes a hash": seen.bytes / seen.hashes,
    }


def _compare(rows: Sequence[dict[str, Any]]) -> None:
    """Put beside each size how many times the cost at the size before that is."""
    for before, row in zip([None, *rows[:-1]], rows, strict=True):
        for kind in ("miss", "hit"):
            name = f"{kind} processor ms"
            row[f"times the {kind} before"] = row[name] / before[name] if before else None


def _shortfalls(rows: Sequence[dict[str, Any]]) -> list[str]:
    by_size = {round(row["hashes"], -5): row for row in rows}
    found = []
    if _FROM in by_size and _TO in by_size:
        for kind in ("miss", "hit"):
            times = by_size[_TO][f"{kind} processor ms"] / by_size[_FROM][f"{kind} processor ms"]
            if times > MOST_TIMES_THE_COST:
                found.append(f"A {kind} costs {times:.1f} times as much against ten million hashes as against one.")
    if _TO in by_size and by_size[_TO]["bytes a hash"] > MOST_BYTES:
        found.append(f"Ten million hashes take {by_size[_TO]['bytes a hash']:.0f} bytes each.")
    return found
