"""Banks of many hashes, made quickly."""

import dataclasses
import time
from pathlib import Path

from benchmarks import synthetic
from hashsvc.config import IndexSettings, Settings
from hashsvc.fingerprint.model import Digests
from hashsvc.match.layers import layers_from
from hashsvc.service import DEFAULT_BANK, Service
from hashsvc_index import Index, Store, compilation, tiers
from hashsvc_index import IndexSettings as Tiers

PER_ENTRY = 14_160
"""Hashes of a minute of reference: four frames a second in 59 views."""
FIRST_SEED = 5 * 10**6
_NOTHING = Digests(sha256=bytes(32))
_SETTLING_SECONDS = 3600.0


def fill(data: Path, hashes: int) -> None:
    """Confirm footage made of nothing until there are about so many hashes, and move it to where it belongs.

    Entry n has `external_id` n and is `synthetic.footage(FIRST_SEED + n, PER_ENTRY)`.
    """
    # Exact search while it fills: then the cold tier is made once, not again and again.
    with Service.open(data, exact()) as service:
        number = service.entries
        while service.hashes + PER_ENTRY // 2 < hashes:
            entry = service.confirm(
                DEFAULT_BANK, synthetic.footage(FIRST_SEED + number, PER_ENTRY), external_id=str(number)
            )
            number += 1
            service.match(_NOTHING, min_revision=entry.revision)  # wait for it
    settle(data)


def exact() -> Settings:
    """Settings with which everything is searched exactly."""
    return dataclasses.replace(Settings(), index=IndexSettings(hot_hashes=1 << 40))


def settle(data: Path) -> None:
    """Wait until no hash has to move to the cold tier any more. Raises TimeoutError."""
    compilation.load_all()  # as a server has
    settings = Tiers()
    with Store.open(data) as store:
        index = Index(store, data, settings, layers_from(store))
        index.start()
        deadline = time.monotonic() + _SETTLING_SECONDS
        while not index.wait_ready(1.0) or tiers.plan(index.snapshot, settings) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{data} does not settle")
            time.sleep(0.1)
        index.close()
