"""What a match costs, and what the bank takes in memory, as the bank grows."""

import argparse
import importlib.util
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
    parser.add_argument("--picture", type=Path, help="draw times and memory against the size of the bank (PNG or SVG)")


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
    if options.picture:
        _draw(options.picture, rows)
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


def _draw(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Processor time and memory against hashes; nothing where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        print("no picture: matplotlib is not installed (`pip install --group bench`)")
        return
    from matplotlib.figure import Figure  # belongs to a group of its own

    figure = Figure(figsize=(8, 3.2), dpi=150, layout="constrained")
    times, memory = figure.subplots(1, 2)
    sizes = [row["hashes"] for row in rows]
    for kind, mark in (("miss", "o-"), ("hit", "s--")):
        times.plot(sizes, [row[f"{kind} processor ms"] for row in rows], mark, label=f"{kind}, processor time")
        times.plot(sizes, [row[f"{kind} p99 ms"] for row in rows], mark, alpha=0.35, label=f"{kind}, p99 by the clock")
    memory.plot(sizes, [row["resident MB"] for row in rows], "o-", label="resident")
    memory.plot(sizes, [MOST_BYTES * size / 1e6 for size in sizes], ":", label=f"{MOST_BYTES:.0f} bytes a hash")
    for axes, unit in ((times, "ms a match"), (memory, "MB")):
        axes.set_xscale("log")
        axes.set_xlabel("hashes in the bank")
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.savefig(path)


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
