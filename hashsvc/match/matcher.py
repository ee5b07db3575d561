"""Upload to result: exact digest, else seeds, extension of what they nominate, and each bank's policy."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from hashsvc.bank import records
from hashsvc.bank.model import Bank, BankMode, Depth, Entry, EntryState, Verdict
from hashsvc.bank.references import References
from hashsvc.config import HintSettings
from hashsvc.fingerprint.encoding import decode_activity
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import allow, exclude, seeds
from hashsvc.match.common import weighed
from hashsvc.match.curve_index import CurveIndex
from hashsvc.match.depths import Depths
from hashsvc.match.extend import Finding, covered, find
from hashsvc.match.hint import is_hint, is_put_together
from hashsvc.match.known import Known
from hashsvc.match.layers import reach_of_views
from hashsvc.match.model import EXCLUDED, Excused, Match, MatchResult, Segment
from hashsvc.match.rivals import explained_away
from hashsvc.match.seeds import Nomination
from hashsvc.match.trial import Trial
from hashsvc.match.verdict import combined, judge, strictest
from hashsvc_index import Index, Store
from hashsvc_index.snapshot import Keep

EXACT = -300.0
"""Evidence of equal digests."""
_MOST_SEEDED, _MOST_MOVING = 12, 4
"""Entries that a deep reading is compared with: the first by seeds, and by activity curves."""
_CURVES = 6
"""Views of a deep reading whose curves are looked up; the full one is the first."""


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

    @property
    def may_block(self) -> bool:
        """Whether its verdict may be more than REVIEW."""
        return self.entry.state is EntryState.CONFIRMED and self.bank.mode is BankMode.ENFORCE


class Matcher:
    """Thread-safe; holds nothing but what it remembers of the store."""

    def __init__(
        self,
        store: Store,
        index: Index,
        references: References,
        hints: HintSettings = HintSettings(),
        depths: Callable[[], Depths] = Depths,
    ) -> None:
        """`depths` gives what is asked for beside the banks' policies."""
        self._hints = hints
        self._depths = depths
        self._store = store
        self._index = index
        self._references = references
        self._curves = CurveIndex(store, self._curve)
        self._banks: dict[int, str] = {}
        self._known = Known(store)

    def match(self, query: Fingerprint | Digests, banks: Mapping[str, Bank]) -> MatchResult:
        """Matches in `banks` (none: in every bank), strongest first, with the strictest verdict.

        What entries of allow banks explain as well is excused, in whichever banks it was looked for.

        Raises IndexLoadingError until the index has caught up: what is not searchable yet must not read as harmless.
        """
        digests = query.digests if isinstance(query, Fingerprint) else query
        revision = self._index.snapshot.revision
        chosen = {**banks, **self._allowing()} if banks else {}
        exact, harmless = self._exact(digests, chosen, query.duration if isinstance(query, Fingerprint) else 0.0)
        known = _result(revision, exact)
        if harmless is not None:
            known = _all_excused(known, harmless)
        if known.is_exact or not isinstance(query, Fingerprint):
            return known
        # Equal bytes of an entry that is not confirmed must not hide a confirmed one that looks alike.
        similar = self._similar(query, chosen)
        if harmless is not None:
            similar = _all_excused(similar, harmless)
        return dataclasses.replace(combined(known, similar), deepen=similar.deepen) if exact else similar

    def known(self) -> Known:
        """What is known of the store as it is now."""
        known = self._known = self._known.latest()
        return known

    def _exact(
        self, digests: Digests, banks: Mapping[str, Bank], duration: float
    ) -> tuple[list[Match | Excused], Entry | None]:
        """Entries of equal bytes, and one of an allow bank if there is any."""
        found: dict[int, Match | Excused] = {}
        harmless: Entry | None = None
        asked = {kind: digest for kind, digest in (("sha256", digests.sha256), ("md5", digests.md5)) if digest}
        for kind, entries in zip(asked, self._store.find_digests([*asked.values()]), strict=True):
            for record in entries:
                if record.number not in found and (not banks or record.bank in banks):
                    entry = records.entry_of(record)
                    bank = banks.get(record.bank) or self.known().bank(record.bank)
                    if bank.mode is not BankMode.ALLOW:
                        found[record.number] = _ruled(entry, bank, _whole(entry, duration), digest=kind)
                    elif entry.state is EntryState.CONFIRMED:
                        harmless = entry
        return list(found.values()), harmless

    def _similar(self, query: Fingerprint, banks: Mapping[str, Bank]) -> MatchResult:
        gate = profile_named(query.profile).quality_gate
        query = query.thinned(profile_named(query.profile).sparse.max_frames)
        picked = seeds.pick(query, gate)
        indexed = self._index.hashes
        keep = self._in(frozenset(banks)) if banks else None
        # A deep reading is for what is hard to find, and which views go together is told by all that its seeds hit.
        reach = None if len(query.activity) else reach_of_views(query.views)[picked.views]
        hits = self._index.search(picked.hashes, radius=seeds.RADIUS, limit=seeds.PER_QUERY, keep=keep, reach=reach)
        nominated = seeds.nominate(picked, hits.query, hits.entry, hits.position, hits.distance)
        if len(query.activity):
            nominated = self._with_moving(query, nominated, keep)
        # Read after the search, lest what was withdrawn before it be found.
        known = self.known()
        candidates: dict[tuple[str, str], _Candidate] = {}
        for nomination in nominated:
            entry = known.entry(nomination.number)
            # A search in the instant of a replacement finds an entry under two numbers.
            if entry is None or (entry.bank, entry.entry) in candidates:
                continue
            bank = banks.get(entry.bank) or known.bank(entry.bank)
            reference = self._references.get(nomination.number)
            finding = find(query, reference, nomination, gate, indexed, entry.exclusions)
            if finding is not None or entry.exclusions:
                candidates[entry.bank, entry.entry] = _Candidate(entry, bank, nomination, reference, finding)
        others = [one for one in candidates.values() if one.bank.mode is not BankMode.ALLOW]
        harmless = _harmless(candidates.values(), gate, indexed)
        left, taken = _without(query, others, harmless, gate, indexed)
        found = [self._judged(query, one, gate, indexed, harmless) for one in _settled(left, gate)]
        result = _result(hits.revision, [*(one for one in found if one is not None), *taken])
        hint = is_hint(query, [one.finding for one in candidates.values() if one.finding is not None], self._hints)
        searched = list(banks.values()) or known.every_bank()
        deepen = self._is_to_deepen(query, result, hint, searched, banks)
        return dataclasses.replace(result, deepen=deepen)

    def _judged(
        self, query: Fingerprint, one: "_Candidate", gate: int, indexed: int, harmless: Sequence[allow.Compared]
    ) -> Match | Excused | None:
        """A match, what would be one without the entry's exclusions, or nothing."""
        if one.reported(one.finding):
            share = allow.share_beside(query, one.finding.segments, harmless) if harmless else None
            return _ruled(one.entry, one.bank, one.finding, share)
        if not one.entry.exclusions:
            return None
        whole = find(query, one.reference, one.nomination, gate, indexed)
        if not one.reported(whole):
            return None
        seconds = exclude.excluded_seconds(whole.segments, one.entry.exclusions)
        return _excused(one.entry, EXCLUDED, seconds) if seconds else None

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
        self, query: Fingerprint, result: MatchResult, hint: bool, searched: Iterable[Bank], asked: Collection[str]
    ) -> bool:
        """Whether a bank that was `searched` wants a deep reading after this quick one; `asked` are their names, none: any.

        A BLOCK needs none, but where the picture is put together there may be another known video beside the one found.
        """
        if len(query.activity) or not self._index.hashes:
            return False
        if result.verdict is Verdict.BLOCK and not is_put_together(query, self._hints):
            return False
        depths = {bank.policy.depth for bank in searched if bank.mode is not BankMode.ALLOW}
        depths |= self._depths().of(asked)
        return Depth.DEEP in depths or (hint and Depth.AUTO in depths)

    def _allowing(self) -> dict[str, Bank]:
        """Every allow bank, by name."""
        return {bank.bank: bank for bank in self.known().every_bank() if bank.mode is BankMode.ALLOW}

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


def _all_excused(result: MatchResult, entry: Entry) -> MatchResult:
    """An upload that has the very bytes of an entry of an allow bank: whatever else it shows is excused."""
    taken = [allow.excused(one, entry, one.segments) for one in result.matches]
    return MatchResult(verdict=Verdict.ALLOW, revision=result.revision, excused=(*taken, *result.excused))


def _compared(one: _Candidate, gate: int, indexed: int) -> allow.Compared:
    """A candidate with a finding."""

    def again(part: Fingerprint) -> Finding | None:
        # Seeds of what is left, too: the first ones may all lie in views of which nothing is.
        anew = Trial(one.reference, gate, one.entry.exclusions).find(part, indexed)
        known = find(part, one.reference, one.nomination, gate, indexed, one.entry.exclusions)
        return min((found for found in (anew, known) if found), key=lambda found: found.evidence, default=None)

    assert one.finding is not None
    return allow.Compared(one.entry, exclude.silenced(one.reference, one.entry.exclusions), one.finding, again)


def _harmless(candidates: Iterable[_Candidate], gate: int, indexed: int) -> list[allow.Compared]:
    """The confirmed entries of allow banks that the upload shows."""
    return [
        _compared(one, gate, indexed)
        for one in candidates
        if one.bank.mode is BankMode.ALLOW and one.entry.state is EntryState.CONFIRMED and one.reported(one.finding)
    ]


def _without(
    query: Fingerprint, candidates: list[_Candidate], harmless: list[allow.Compared], gate: int, indexed: int
) -> tuple[list[_Candidate], list[Excused]]:
    """The candidates with what harmless entries leave of them, and what they took."""
    left: list[_Candidate] = []
    excused: list[Excused] = []
    for one in candidates:
        if not harmless or not one.reported(one.finding):
            left.append(one)
            continue
        finding, taken = allow.without(query, _compared(one, gate, indexed), harmless, gate)
        excused += taken
        if not taken or one.reported(finding):
            left.append(dataclasses.replace(one, finding=finding))
    return left, excused


def _settled(candidates: list[_Candidate], gate: int) -> list[_Candidate]:
    """The candidates weighed against each other, but those that may block only against such, lest others weaken them."""
    blocking = [one for one in candidates if one.may_block]
    others = [one for one in candidates if not one.may_block]
    if not others:
        return _weighed(blocking, gate)
    return [*_weighed(blocking, gate), *_weighed([*blocking, *others], gate)[len(blocking) :]]


def _weighed(candidates: Iterable[_Candidate], gate: int) -> list[_Candidate]:
    """The candidates, weighed against each other: those explained away without a finding, matches with what they share taken off."""
    several = list(candidates)
    if len(several) < 2:
        return several
    for place in np.flatnonzero(explained_away([one.finding for one in several])).tolist():
        several[place] = dataclasses.replace(several[place], finding=None)
    places = [place for place, one in enumerate(several) if one.reported(one.finding)]
    found = [(one.finding, one.reference) for one in several if one.reported(one.finding)]
    for place, finding in zip(places, weighed(found, gate), strict=True):
        several[place] = dataclasses.replace(several[place], finding=finding)
    return several


def _excused(entry: Entry, reason: str, seconds: float) -> Excused:
    return Excused(bank=entry.bank, entry=entry.entry, external_id=entry.external_id, reason=reason, seconds=seconds)


def _ruled(
    entry: Entry, bank: Bank, finding: Finding, share: float | None = None, *, digest: str = ""
) -> Match | Excused:
    """A match with its verdict; excused where a rule of the bank allows it. None: `share` is the share of the whole upload."""
    seconds = covered([(one.query_start, one.query_end) for one in finding.segments])
    ruling = judge(
        bank.policy,
        finding.evidence,
        finding.query_coverage if share is None else share,
        seconds,
        entry.labels,
        entry.state,
    )
    if ruling.verdict is Verdict.ALLOW:
        return _excused(entry, ruling.reason, seconds)
    reason = ruling.reason
    if share is not None and share > finding.query_coverage:
        reason += f"; {share:.0%} of what is not harmless".replace("%", " %")
    observed = ruling.verdict if bank.mode is BankMode.OBSERVE else None
    return Match(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        evidence=finding.evidence,
        query_coverage=finding.query_coverage,
        reference_coverage=finding.reference_coverage,
        mean_distance=finding.mean_distance,
        verdict=Verdict.ALLOW if observed else ruling.verdict,
        reason=reason,
        observed=observed,
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
