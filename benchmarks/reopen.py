"""How long it takes from opening a large bank to the first right match: from its checkpoint, and without one."""

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks import banks, served
from benchmarks.report import Report

REQUIRED_SECONDS = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the workload."""
    parser.add_argument("--hashes", type=int, default=10_000_000, help="hashes in the bank (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep the data directory here, and use what is there")


def run(options: argparse.Namespace) -> Report:
    """Fill, open, lose the checkpoint, open again."""
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "data"
        banks.fill(data, options.hashes)
        seen = {"from the checkpoint": served.serve(data, 0)}
        shutil.rmtree(data / "index")
        seen["rebuilt from the store"] = served.serve(data, 0)
        banks.settle(data)
    quick, slow = (one.open_seconds for one in seen.values())
    rows = [
        {
            "opened": how,
            "seconds to the first right match": one.open_seconds,
            "resident MB": one.opened_bytes / 1e6,
            "bytes a hash": one.opened_bytes / one.hashes,
        }
        for how, one in seen.items()
    ]
    shortfalls = [fault for one in seen.values() for fault in one.faults]
    if quick > REQUIRED_SECONDS:
        shortfalls.append(f"Opening took {quick:.1f} s, over {REQUIRED_SECONDS:.0f} s.")
    figures = {"hashes": seen["from the checkpoint"].hashes, "times as long without a checkpoint": slow / quick}
    return Report(name="reopen", figures=figures, tables={"Opened": rows}, shortfalls=shortfalls)
