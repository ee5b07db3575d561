"""How often unrelated videos match by chance, at which evidence, and how often the evidence says that they do."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from benchmarks.calibration.footage import Clip
from benchmarks.report import Row
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import DEFAULT
from hashsvc.match import seeds
from hashsvc.match.extend import find
from hashsvc.match.score import SURPRISE
from hashsvc.match.seeds import Nomination

LEVELS = (0, 1, 2, 3, 4, 6)
"""Evidence of minus so much or less is counted."""
_ABOVE = (3, 2, 1, 0, -1, -2)
"""Evidence of so much or less is counted, to see how the counts fall where nothing would be reported yet."""
_SIGMAS, _SPARE = 3.0, 2.0
"""How far a count may exceed its expectation: so many of its standard deviations, and so many pairs besides."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One upload against one reference that it has nothing to do with."""

    upload: str
    variant: str
    start: float
    """Seconds of the clip at which the upload begins."""
    reference: str
    akin: bool
    """Of one place or layout: no copy, but no independent footage either."""
    nominated: bool
    """Whether seeds alone would have brought the two together."""
    raw: float
    """What evidence in a bank of this reference only would be if findings above 0 were reported: in a bank of one hash,
    and the places in the reference paid for afterwards. Infinite where even that finds nothing."""
    alone: float
    """Evidence in a bank of this reference only; 0 where nothing was found."""
    among: float
    """Evidence in a bank of all the references that the upload has nothing to do with; 0 where nothing was found."""
    view: str = ""
    """Of the strongest segment."""


def trials(clips: Sequence[Clip], which: int) -> list[Trial]:
    """Every upload of the other clips against the reference of `clips[which]`."""
    reference = clips[which]
    index = _index(reference.reference)
    found: list[Trial] = []
    for clip in clips:
        if clip.related(reference):
            continue
        bank = sum(_size(other.reference) for other in clips if not other.related(clip))
        for upload in clip.uploads:
            outcome = forced(upload.fingerprint, reference.reference, index, bank)
            found.append(
                Trial(
                    upload=clip.name,
                    variant=upload.variant,
                    start=upload.start,
                    reference=reference.name,
                    akin=clip.akin(reference),
                    **outcome,
                )
            )
    return found


def forced(query: Fingerprint, reference: Fingerprint, index: Any, bank: int) -> dict[str, Any]:
    """`nominated`, `raw`, `alone`, `among` and `view` of a Trial, by the seeds that there are, however weak.

    `index` is the reference's (`_index`), `bank` the number of hashes in the bank of all references.
    """
    nomination, nominated = nominate(query, index)
    evidence = {"nominated": nominated, "raw": math.inf, "alone": 0.0, "among": 0.0, "view": ""}
    if nomination is None:
        return evidence
    # A line that does not pay for a small bank does not pay for a large one.
    for name, hashes in (("raw", 1), ("alone", index.ntotal), ("among", bank)):
        finding = find(query, reference, nomination, DEFAULT.quality_gate, hashes)
        if finding is None:
            break
        evidence[name] = finding.evidence + (math.log10(index.ntotal) if name == "raw" else 0.0)
        if name == "raw":
            evidence["view"] = max(finding.segments, key=lambda one: one.query_end - one.query_start).view
    return evidence


def nominate(query: Fingerprint, index: Any) -> tuple[Nomination | None, bool]:
    """The best seeds of the query in one reference, and whether `seeds.nominate` would have taken them.

    Seeds within the radius where there are any, else the nearest at whatever distance; None without any hash at all.
    """
    picked = seeds.pick(query, DEFAULT.quality_gate)
    most = min(seeds.PER_QUERY, index.ntotal)
    if not len(picked.hashes) or not most:
        return None, False
    distances, positions = index.search(picked.hashes, most)
    rows = np.repeat(np.arange(len(picked.hashes)), most)
    distances, positions = distances.ravel(), positions.ravel()
    within = distances <= seeds.RADIUS
    hits = rows[within].astype(np.int32), np.zeros(within.sum(), np.int64), positions[within], distances[within]
    proposed = seeds.nominate(picked, *hits)
    if proposed:
        return proposed[0], True
    taken = within if within.any() else np.argsort(distances, kind="stable")[: seeds.PER_QUERY]
    gains = SURPRISE[distances[taken]]
    worth = float(gains.sum())
    return Nomination(0, picked.views[rows[taken]], positions[taken].astype(np.int64), gains, worth), False


def _index(reference: Fingerprint) -> Any:
    """A flat FAISS index of the hashes that pass the gate, in the order that Nomination.positions count in."""
    index = faiss.IndexBinaryFlat(256)
    index.add(np.ascontiguousarray(reference.hashes[reference.quality >= DEFAULT.quality_gate]))
    return index


def _size(reference: Fingerprint) -> int:
    return int((reference.quality >= DEFAULT.quality_gate).sum())


def allowed(expected: float) -> float:
    """The most of `expected` chance matches that may be observed."""
    return expected * (1 + _SIGMAS / math.sqrt(expected)) + _SPARE


def alone_rows(done: Sequence[Trial]) -> list[Row]:
    """A row a level, each reference a bank of its own: of n pairs n x 10^-x are promised at most."""
    return [_row(level, [one for one in done if one.alone <= -level and one.alone < 0], len(done)) for level in LEVELS]


def above_rows(done: Sequence[Trial]) -> list[Row]:
    """A row a level, around 0: how many decades fewer pairs there are than an evidence of that much says."""
    rows: list[Row] = []
    for level in _ABOVE:
        count = sum(one.raw <= level for one in done)
        share = math.log10(count / len(done)) if count else None
        rows.append(
            {
                "evidence at most": level,
                "observed": count,
                "log10 of the share": None if share is None else round(share, 2),
                "decades in hand": None if share is None else round(level - share, 2),
            }
        )
    return rows


def among_rows(done: Sequence[Trial]) -> list[Row]:
    """A row a level, all references in one bank: of n uploads n x 10^-x chance matches are promised at most."""
    uploads = len({(one.upload, one.variant, one.start) for one in done})
    return [_row(level, [one for one in done if one.among <= -level and one.among < 0], uploads) for level in LEVELS]


def _row(level: int, part: Sequence[Trial], promised_of: int) -> Row:
    expected = promised_of * 10.0**-level
    return {
        "evidence at most": -level,
        "observed": len(part),
        "promised": f"{expected:g}",
        "allowed": int(allowed(expected)),
        "pairs of clips": len({(one.upload, one.reference) for one in part}),
        "nominated": sum(one.nominated for one in part),
        "right": len(part) <= allowed(expected),
    }


def strongest(done: Sequence[Trial], count: int) -> list[Row]:
    """The pairs that come nearest to evidence, one a pair of clips."""
    best: dict[tuple[str, str], Trial] = {}
    for one in sorted(done, key=lambda one: one.raw):
        if math.isfinite(one.raw):
            best.setdefault((one.upload, one.reference), one)
    return [
        {
            "upload": one.upload,
            "variant": one.variant,
            "from, s": one.start,
            "reference": one.reference,
            "view": one.view,
            "nominated": one.nominated,
            "evidence alone": round(one.raw, 1),
            "reported in the bank": one.among < 0,
        }
        for one in list(best.values())[:count]
    ]
