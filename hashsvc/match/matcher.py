"""Upload to result: exact digest, else seeds, extension of what they nominate, and each bank's policy."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from hashsvc.bank import records
from hashsvc.bank.model import Bank, Depth, Entry, EntryState, Verdict
from hashsvc.bank.references import References
from hashsvc.fingerprint.encoding import decode_activity
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import exclude, seeds
from hashsvc.match.common import weighed
from hashsvc.match.curve_index import CurveIndex
from hashsvc.match.extend import Finding, find
from hashsvc.match.hint import is_hint, is_put_together
from hashsvc.match.model import EXCLUDED, Excused, Match, MatchResult, Segment
from hashsvc.match.rivals import explained_away
from hashsvc.match.seeds import Nomination
from hashsvc.match.verdict import combined, judge, strictest
from hashsvc_index import BankRecord, EntryRecord, Index, Store
from hashsvc_index.errors import EntryNotFoundError
from hashsvc_index.snapshot import Keep

EXACT = -300.0
"""Evidence of equal digests."""
_MOST_SEEDED, _MOST_MOVING = 12, 4
"""Entries that a deep reading is compared with: the first by seeds, and by activity curves."""
_CURVES = 6
"""Views of a deep reading whose curves are looked up; the full one is the first."""
_PAGE = 200


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An entry that was compared with an upload."""

    entry: Entry
    bank: Bank
    nomination: Nomination
    reference: Fingerprint
    finding: Finding | None

    def reported(self, finding: Finding | None) -> TypeGuard[Finding]:
        """Whether a finding is evidence enough for a match."""
        return finding is not None and finding.evidence <= self.bank.policy.review_evidence


class Matcher:
    """Thread-safe; holds nothing but what it remembers of the store."""

    def __init__(
        self,
        store: Store,
        index: Index,
        references: References,
        depths: Callable[[Collection[str]], Collection[Depth]] = lambda _: (),
    ) -> None:
        """`depths` says how closely uploads are to be read for banks, none: any, beside what the banks' policies say."""
        self._depths = depths
        self._store = store
        self._index = index
        self._references = references
        self._curves = CurveIndex(store, self._curve)
        self._banks: dict[int, str] = {}

    def match(self, query: Fingerprint | Digests, banks: Mapping[str, Bank]) -> MatchResult:
        """Matches in `banks` (none: in every bank), strongest first, with the strictest verdict.

        Raises IndexLoadingError until the index has caught up: what is not searchable yet must not read as harmless.
        """
        digests = query.digests if isinstance(query, Fingerprint) else query
        revision = self._index.snapshot.revision
        exact = self._exact(digests, dict(banks), query.duration if isinstance(query, Fingerprint) else 0.0)
        known = _result(revision, exact)
        if known.is_exact or not isinstance(query, Fingerprint):
            return known
        # Equal bytes of an entry that is not confirmed must not hide a confirmed one that looks alike.
        similar = self._similar(query, dict(banks), bool(banks))
        return dataclasses.replace(combined(known, similar), deepen=similar.deepen) if exact else similar

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
        gate = profile_named(query.profile).quality_gate
        query = query.thinned(profile_named(query.profile).sparse.max_frames)
        picked = seeds.pick(query, gate)
        indexed = self._index.hashes
        keep = self._in(frozenset(banks)) if filtered else None
        hits = self._index.search(picked.hashes, radius=seeds.RADIUS, limit=seeds.PER_QUERY, keep=keep)
        nominated = seeds.nominate(picked, hits.query, hits.entry, hits.position, hits.distance)
        if len(query.activity):
            nominated = self._with_moving(query, nominated, keep)
        candidates: dict[tuple[str, str], _Candidate] = {}
        for nomination in nominated:
            record = self._live(nomination.number)
            # A search in the instant of a replacement finds an entry under two numbers.
            if record is None or (record.bank, record.entry) in candidates:
                continue
            entry, bank = records.entry_of(record), self._bank(record.bank, banks)
            reference = self._references.get(nomination.number)
            finding = find(query, reference, nomination, gate, indexed, entry.exclusions)
            if finding is not None or entry.exclusions:
                candidates[record.bank, record.entry] = _Candidate(entry, bank, nomination, reference, finding)
        found = [self._judged(query, one, gate, indexed) for one in _settled(list(candidates.values()), gate)]
        result = _result(hits.revision, [one for one in found if one is not None])
        hint = is_hint(query, [one.finding for one in candidates.values() if one.finding is not None])
        return dataclasses.replace(result, deepen=self._is_to_deepen(query, result, hint, banks, filtered))

    def _judged(self, query: Fingerprint, one: "_Candidate", gate: int, indexed: int) -> Match | Excused | None:
        """A match, what would be one without the entry's exclusions, or nothing."""
        if one.reported(one.finding):
            return _match(one.entry, one.bank, one.finding)
        if not one.entry.exclusions:
            return None
        whole = find(query, one.reference, one.nomination, gate, indexed)
        if not one.reported(whole):
            return None
        seconds = exclude.excluded_seconds(whole.segments, one.entry.exclusions)
        return _excused(one.entry, seconds) if seconds else None

    def _with_moving(self, query: Fingerprint, nominated: list[Nomination], keep: Keep | None) -> list[Nomination]:
        """The first of `nominated`, and the entries that move as the query does."""
        nominated = nominated[:_MOST_SEEDED]
        known = {one.number for one in nominated}
        moving = self._curves.nominate(query.activity[:_CURVES], _MOST_MOVING)
        numbers = np.array([number for number in moving if number not in known], np.int64)
        if keep is not None and len(numbers):
            numbers = numbers[keep(numbers)]
        return [*nominated, *(seeds.unseeded(number) for number in numbers.tolist())]

    def _is_to_deepen(
        self, query: Fingerprint, result: MatchResult, hint: bool, banks: dict[str, Bank], filtered: bool
    ) -> bool:
        """Whether a bank that was searched wants a deep reading after this quick one.

        A BLOCK needs none, but where the picture is put together there may be another known video beside the one found.
        """
        if len(query.activity) or not self._index.hashes:
            return False
        if result.verdict is Verdict.BLOCK and not is_put_together(query):
            return False
        searched = banks.values() if filtered else map(records.bank_of, self._every_bank())
        depths = {bank.policy.depth for bank in searched} | {*self._depths(banks if filtered else ())}
        return Depth.DEEP in depths or (hint and Depth.AUTO in depths)

    def _every_bank(self) -> Iterator[BankRecord]:
        after = ""
        while page := self._store.list_banks(after, _PAGE):
            yield from page
            after = page[-1].bank

    def _curve(self, number: int) -> npt.NDArray[np.float32]:
        """The activity curve of an entry; its hashes stay on disk."""
        curves = decode_activity(self._store.blob(number, records.FINGERPRINT))
        return curves[0] if len(curves) else np.zeros(0, np.float32)

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


def _settled(candidates: list[_Candidate], gate: int) -> list[_Candidate]:
    """The candidates weighed against each other, but confirmed entries only against such, lest others weaken them."""
    confirmed = [one for one in candidates if one.entry.state is EntryState.CONFIRMED]
    others = [one for one in candidates if one.entry.state is not EntryState.CONFIRMED]
    if not others:
        return _weighed(confirmed, gate)
    return [*_weighed(confirmed, gate), *_weighed([*confirmed, *others], gate)[len(confirmed) :]]


def _weighed(candidates: Iterable[_Candidate], gate: int) -> list[_Candidate]:
    """The candidates, weighed against each other: those explained away without a finding, matches with what they share taken off."""
    several = list(candidates)
    for place in np.flatnonzero(explained_away([one.finding for one in several])).tolist():
        several[place] = dataclasses.replace(several[place], finding=None)
    places = [place for place, one in enumerate(several) if one.reported(one.finding)]
    found = [(one.finding, one.reference) for one in several if one.reported(one.finding)]
    for place, finding in zip(places, weighed(found, gate), strict=True):
        several[place] = dataclasses.replace(several[place], finding=finding)
    return several


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
        verdict=judge(bank.policy, finding.evidence, finding.query_coverage, entry.state),
        state=entry.state,
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
