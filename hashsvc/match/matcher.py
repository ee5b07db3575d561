"""Upload to result: exact digest, else seeds, extension of what they nominate, and each bank's policy."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from hashsvc.bank import records
from hashsvc.bank.model import Bank, Entry, Policy
from hashsvc.bank.references import References
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import exclude, seeds
from hashsvc.match.extend import Finding, find
from hashsvc.match.model import EXCLUDED, Excused, Match, MatchResult, Segment
from hashsvc.match.seeds import Nomination
from hashsvc.match.verdict import judge, strictest
from hashsvc_index import EntryRecord, Index, Store
from hashsvc_index.errors import EntryNotFoundError

EXACT = -300.0
"""Evidence of equal digests."""


class Matcher:
    """Thread-safe; holds nothing but what it remembers of the store."""

    def __init__(self, store: Store, index: Index, references: References) -> None:
        self._store = store
        self._index = index
        self._references = references
        self._banks: dict[int, str] = {}

    def match(self, query: Fingerprint | Digests, banks: Mapping[str, Bank]) -> MatchResult:
        """Matches in `banks` (none: in every bank), strongest first, with the strictest verdict.

        Raises IndexLoadingError until the index has caught up: what is not searchable yet must not read as harmless.
        """
        digests = query.digests if isinstance(query, Fingerprint) else query
        revision = self._index.snapshot.revision
        exact = self._exact(digests, dict(banks), query.duration if isinstance(query, Fingerprint) else 0.0)
        if exact or not isinstance(query, Fingerprint):
            return _result(revision, exact)
        return self._similar(query, dict(banks), bool(banks))

    def _exact(self, digests: Digests, banks: dict[str, Bank], duration: float) -> list[Match]:
        wanted = set(banks)
        found: dict[int, Match] = {}
        for kind, digest in (("sha256", digests.sha256), ("md5", digests.md5)):
            for record in self._store.find_digest(digest) if digest else []:
                if record.number not in found and (not wanted or record.bank in wanted):
                    entry = records.entry_of(record)
                    found[record.number] = _match(entry, self._bank(entry.bank, banks), _whole(entry, duration), kind)
        return list(found.values())

    def _similar(self, query: Fingerprint, banks: dict[str, Bank], filtered: bool) -> MatchResult:
        profile = profile_named(query.profile)
        query = query.thinned(profile.sparse.max_frames)
        picked = seeds.pick(query, profile.quality_gate)
        indexed = self._index.hashes
        keep = self._in(frozenset(banks)) if filtered else None
        hits = self._index.search(picked.hashes, radius=seeds.RADIUS, limit=seeds.PER_QUERY, keep=keep)
        nominated = seeds.nominate(picked, hits.query, hits.entry, hits.position, hits.distance)
        found: dict[tuple[str, str], Match | Excused] = {}
        for nomination in nominated:
            record = self._live(nomination.number)
            # A search in the instant of a replacement finds an entry under two numbers.
            if record is None or (record.bank, record.entry) in found:
                continue
            entry, bank = records.entry_of(record), self._bank(record.bank, banks)
            one = self._compared(query, entry, bank, nomination, profile.quality_gate, indexed)
            if one is not None:
                found[record.bank, record.entry] = one
        return _result(hits.revision, found.values())

    def _compared(
        self, query: Fingerprint, entry: Entry, bank: Bank, nomination: Nomination, gate: int, indexed: int
    ) -> Match | Excused | None:
        """A nominated entry compared: a match, what would be one without the entry's exclusions, or nothing."""
        reference = self._references.get(nomination.number)
        finding = find(query, reference, nomination, gate, indexed, entry.exclusions)
        if _reported(finding, bank.policy):
            return _match(entry, bank, finding)
        if not entry.exclusions:
            return None
        whole = find(query, reference, nomination, gate, indexed)
        if not _reported(whole, bank.policy):
            return None
        seconds = exclude.excluded_seconds(whole.segments, entry.exclusions)
        return _excused(entry, seconds) if seconds else None

    def _in(self, banks: frozenset[str]) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]:
        """Which entries are in `banks`."""

        def keep(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
            distinct, places = np.unique(numbers, return_inverse=True)
            return np.array([self._bank_of(number) in banks for number in distinct.tolist()], bool)[places]

        return keep

    def _bank_of(self, number: int) -> str:
        """An entry never changes banks, so this is remembered."""
        if number not in self._banks:
            self._banks[number] = self._store.get_entry_by_number(number).bank
        return self._banks[number]

    def _live(self, number: int) -> EntryRecord | None:
        """The entry's record, unless it was withdrawn since the search; a later one where it was replaced."""
        try:
            record = self._store.get_entry_by_number(number)
            if record.replaced:
                record = self._store.get_entry(record.bank, record.entry)
        except EntryNotFoundError:
            return None
        return record if record.live else None

    def _bank(self, bank: str, banks: dict[str, Bank]) -> Bank:
        if bank not in banks:
            banks[bank] = records.bank_of(self._store.get_bank(bank))
        return banks[bank]


def _result(revision: int, found: Iterable[Match | Excused]) -> MatchResult:
    found = list(found)
    matches = sorted((one for one in found if isinstance(one, Match)), key=lambda one: (one.evidence, one.entry))
    excused = sorted((one for one in found if isinstance(one, Excused)), key=lambda one: (-one.seconds, one.entry))
    return MatchResult(
        verdict=strictest(one.verdict for one in matches),
        revision=revision,
        matches=tuple(matches),
        excused=tuple(excused),
    )


def _reported(finding: Finding | None, policy: Policy) -> TypeGuard[Finding]:
    """Whether it is evidence enough for a match."""
    return finding is not None and finding.evidence <= policy.review_evidence


def _excused(entry: Entry, seconds: float) -> Excused:
    return Excused(bank=entry.bank, entry=entry.entry, external_id=entry.external_id, reason=EXCLUDED, seconds=seconds)


def _match(entry: Entry, bank: Bank, finding: Finding, digest: str = "") -> Match:
    return Match(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        evidence=finding.evidence,
        query_coverage=finding.query_coverage,
        reference_coverage=finding.reference_coverage,
        mean_distance=finding.mean_distance,
        verdict=judge(bank.policy, finding.evidence, finding.query_coverage),
        segments=finding.segments,
        digest=digest,
    )


def _whole(entry: Entry, duration: float) -> Finding:
    """Equal bytes: all of it, from beginning to end."""
    end = entry.duration or duration
    segment = Segment(
        query_start=0.0,
        query_end=end,
        reference_start=0.0,
        reference_end=end,
        speed=1.0,
        view="full/full",
        mean_distance=0.0,
    )
    return Finding(evidence=EXACT, query_coverage=1.0, reference_coverage=1.0, mean_distance=0.0, segments=(segment,))
