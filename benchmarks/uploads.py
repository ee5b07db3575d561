"""Uploads of real footage as a client sends them: copies of what is confirmed, and footage that nobody knows."""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks import corpus
from benchmarks.robustness import copies, plan
from benchmarks.robustness.copies import Order
from hashsvc.config import Limits
from hashsvc.fingerprint.hasher import fingerprint_query, fingerprint_reference
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.v1 import fingerprint_pb2 as pb
from hashsvc.wire.fingerprint import decode_fingerprint, encode_fingerprint

LENGTH = 20.0
"""Seconds of an upload."""
EDITS = ("reencode-mild", "letterbox-mild", "mirror-mild", "noise-mild", "crop-centre-mild", "gamma-contrast-mild")
"""What re-uploaders do to copies."""
_PLAIN = ("reencode-mild", "lowbitrate-mild")
"""What happens to any upload."""
_CUTS = 2
"""Stretches of each video that are uploaded."""
_SEED = 4
_RARITY = 6
"""One bit in 2 ** this differs in two uploads of one footage."""
_LIMITS = Limits()

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload, hashed by a quick reading in all its views."""

    source: str
    """The video that it shows."""
    fingerprint: Fingerprint


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What a workload confirms and uploads."""

    references: dict[str, Fingerprint]
    """By name of the video."""
    hits: list[Upload]
    """Copies of references."""
    misses: list[Upload]
    """Of other videos."""


def prepare(work: Path, videos: Path, known: int, edits: Sequence[str] = EDITS) -> Footage:
    """Cut, edit and hash real footage; what is in `work` already is taken from there.

    The `known` shortest of those videos that last LENGTH and share footage with no other are the references, the rest
    strangers. Raises ValueError where there are no more.
    """
    fit = [one for one in corpus.read(videos) if one.alone and one.duration > LENGTH]
    if len(fit) <= known:
        raise ValueError(f"{videos} has {len(fit)} videos of {LENGTH:.0f} s, too few for {known} references")
    shortest = sorted(fit, key=lambda one: one.duration)[:known]
    names = {one.name for one in shortest}
    recipes = plan.chosen(tuple(dict.fromkeys((*edits, *_PLAIN))))
    orders = list(plan.plan(fit, cuts=_CUTS, seed=_SEED, limit=0).orders(recipes, LENGTH))
    work.mkdir(parents=True, exist_ok=True)
    references = {
        one.name: _kept(work / f"{one.name}.reference", fingerprint_reference, one.path)
        for one in _told(shortest, "hash references")
    }
    hits = [one for one in orders if one.source.name in names and one.recipe.key in edits]
    misses = [one for one in orders if one.source.name not in names and one.recipe.key in _PLAIN]
    return Footage(
        references=references,
        hits=[_upload(work, order) for order in _told(hits, "make and hash copies")],
        misses=[_upload(work, order) for order in _told(misses, "make and hash strangers")],
    )


def varied(fingerprint: Fingerprint, seed: int) -> Fingerprint:
    """The same footage as another upload of it hashes to: one bit in 64 of each hash changed, other bytes."""
    random = np.random.default_rng((_SEED, seed))
    noise = np.frombuffer(random.bytes(_RARITY * fingerprint.hashes.size), np.uint8)
    return dataclasses.replace(
        fingerprint,
        hashes=fingerprint.hashes ^ np.bitwise_and.reduce(noise.reshape(_RARITY, *fingerprint.hashes.shape)),
        digests=Digests(md5=random.bytes(16), sha256=random.bytes(32)),
    )


def _upload(work: Path, order: Order) -> Upload:
    copy = copies.make(work, order)
    return Upload(
        source=order.source.name, fingerprint=_kept(copy.path.with_suffix(".upload"), fingerprint_query, copy.path)
    )


def _kept(path: Path, read: Callable[..., Fingerprint], media: Path) -> Fingerprint:
    """A fingerprint from `path`, or else made and written there."""
    if path.exists():
        return decode_fingerprint(pb.Fingerprint.FromString(path.read_bytes()))
    made = read(media, DEFAULT, _LIMITS)
    path.write_bytes(encode_fingerprint(made).SerializeToString())
    return made


def _told(items: Sequence[Item], what: str) -> Iterable[Item]:
    return track(items, what, console=Console(file=sys.stderr))
