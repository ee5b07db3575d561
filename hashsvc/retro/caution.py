"""What an entry would hit that it should not: asked before a confirm takes effect, and by a dry run."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import structlog

from hashsvc.bank import records
from hashsvc.bank.model import Bank, BankMode, EntryState, Interval, Verdict
from hashsvc.config import DryRunSettings
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match import seeds
from hashsvc.match.exclude import silenced
from hashsvc.match.extend import Finding
from hashsvc.match.model import Match
from hashsvc.match.trial import Trial, ruled
from hashsvc.retro.sieve import representatives
from hashsvc.retro.sifting import Sifter
from hashsvc_index import EntryRecord, Index, Ring, Store, StoreError

_PAGE = 1000
_MOST_GOOD = 200
"""Known-good videos that are compared, those with the most hashes near the reference first."""

log = structlog.get_logger(__name__)


class Caution:
    """Thread-safe; writes nothing."""

    def __init__(
        self, store: Store, index: Index, settings: DryRunSettings, load: Callable[[int], Fingerprint]
    ) -> None:
        self._store = store
        self._index = index
        self._settings = settings
        self._load = load

    def held_back(
        self, bank: Bank, reference: Fingerprint, exclusions: Sequence[Interval], labels: Sequence[str] = ()
    ) -> str:
        """Why a second person should look before this is confirmed in `bank`; empty where nothing speaks against it.

        Takes no more than the settings' time once the reference is prepared, which takes up to half a second: recent
        uploads are looked at from the newest on, known-good videos before them. Where nothing can be looked at because
        the index is loading or a store fails, nothing is held back, and the log says so.
        """
        if not self._settings.at_confirm or bank.two_person or not _may_stop(bank) or self._is_known_good(bank):
            return ""
        try:
            ring = Ring.open(self._store.path)
            try:
                return self.reason(*self._counted(bank, reference, exclusions, labels, ring))
            finally:
                if ring is not None:
                    ring.close()
        except StoreError as error:
            log.warning("confirmed without a dry run", error=str(error))
            return ""

    def reason(self, recent: int, good: int) -> str:
        """Why so many recent uploads and known-good videos take a second person; empty where they do not."""
        if recent < self._settings.recent_hits and good < self._settings.known_good_hits:
            return ""
        found = [_many(recent, "recent upload"), _many(good, "known-good video")]
        return f"would find at least {' and '.join(filter(None, found))}: takes a second person"

    def known_good(
        self, bank: Bank, reference: Fingerprint, exclusions: Sequence[Interval], labels: Sequence[str] = ()
    ) -> tuple[Match, ...]:
        """Known-good videos that an entry in `bank` would find if they were uploaded, strongest evidence first.

        `bank`, `entry` and `external_id` of each match are the known-good video's own; verdict and evidence are what
        `bank` would make of it. Raises IndexLoadingError.
        """
        gate = profile_named(reference.profile).quality_gate
        trial, names = Trial(reference, gate, exclusions), self._known_good_banks()
        found = list(self._good(bank, trial, silenced(reference, exclusions), labels, names)) if names else []
        return tuple(sorted(found, key=lambda one: (one.evidence, one.entry)))

    def _counted(
        self,
        bank: Bank,
        reference: Fingerprint,
        exclusions: Sequence[Interval],
        labels: Sequence[str],
        ring: Ring | None,
    ) -> tuple[int, int]:
        """Recent uploads and known-good videos that are found, as far as there is time and no more than matter."""
        names = self._known_good_banks()
        if ring is None and not names:
            return 0, 0
        gate = profile_named(reference.profile).quality_gate
        visible, trial = silenced(reference, exclusions), Trial(reference, gate, exclusions)
        end, recent, good = time.monotonic() + self._settings.seconds, set[str](), 0
        for _ in self._good(bank, trial, visible, labels, names) if names else ():
            good += 1
            if good >= self._settings.known_good_hits or time.monotonic() > end:
                break
        if ring is not None and good < self._settings.known_good_hits:
            for content_id in self._recent(ring, bank, trial, self._sifter(bank, reference, exclusions), labels):
                if content_id:
                    recent.add(content_id)
                if len(recent) >= self._settings.recent_hits or time.monotonic() > end:
                    break
        return len(recent), good

    def _recent(self, ring: Ring, bank: Bank, trial: Trial, sifter: Sifter, labels: Sequence[str]) -> Iterator[str]:
        """Content ids of uploads that are found, the newest block first; empty for each one that is not."""
        blocks, after, now = [], 0, time.time()
        while page := ring.blocks(after, _PAGE, now):
            blocks += page
            after = page[-1].number
        for block in reversed(blocks):
            yield ""
            for _, _, upload in sifter.candidates(ring, [block]):
                finding = trial.find(upload.fingerprint, self._index.hashes)
                yield upload.content_id if finding is not None and _stops(bank, finding, labels) else ""

    def _sifter(self, bank: Bank, reference: Fingerprint, exclusions: Sequence[Interval]) -> Sifter:
        return Sifter(reference, exclusions, self._index.hashes, bank.policy.review_evidence)

    def _good(
        self, bank: Bank, trial: Trial, visible: Fingerprint, labels: Sequence[str], names: frozenset[str]
    ) -> Iterator[Match]:
        gate = profile_named(visible.profile).quality_gate
        for record in self._near(representatives(visible, gate), names):
            video = as_upload(self._load(record.number))
            finding = trial.find(video, self._index.hashes)
            if finding is not None and _stops(bank, finding, labels):
                yield _match(record, bank, finding, labels)

    def _near(self, hashes: npt.NDArray[np.uint8], names: frozenset[str]) -> Iterator[EntryRecord]:
        """Confirmed entries of known-good banks that have hashes near these, those with the most first."""
        if not len(hashes):
            return
        known: dict[int, EntryRecord] = {}

        def keep(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
            distinct, places = np.unique(numbers, return_inverse=True)
            for number in distinct.tolist():
                if number not in known:
                    known[number] = self._store.get_entry_by_number(number)
            return np.array([known[number].bank in names for number in distinct.tolist()], bool)[places]

        hits = self._index.search(hashes, radius=seeds.RADIUS, limit=seeds.PER_QUERY, keep=keep)
        numbers, counts = np.unique(hits.entry, return_counts=True)
        for number in numbers[np.argsort(-counts, kind="stable")][:_MOST_GOOD].tolist():
            if known[number].live and records.entry_of(known[number]).state is EntryState.CONFIRMED:
                yield known[number]

    def _known_good_banks(self) -> frozenset[str]:
        found: set[str] = set()
        after = ""
        while page := self._store.list_banks(after, _PAGE):
            found |= {one.bank for one in page if self._is_known_good(records.bank_of(one))}
            after = page[-1].bank
        return frozenset(found)

    def _is_known_good(self, bank: Bank) -> bool:
        return bool(self._settings.known_good) and bank.bank == self._settings.known_good


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count > 1)}" if count else ""


def as_upload(video: Fingerprint) -> Fingerprint:
    """What a quick reading of a reference would hold at least: its full view, as densely as an upload is matched."""
    bare = dataclasses.replace(
        video,
        views=video.views[:1],
        hashes=np.ascontiguousarray(video.hashes[:, :1]),
        quality=np.ascontiguousarray(video.quality[:, :1]),
        activity=video.activity[:0],
    )
    return bare.thinned(profile_named(video.profile).sparse.max_frames)


def _may_stop(bank: Bank) -> bool:
    """Whether anything is ever stopped by what the bank holds; one that observes may be told to enforce."""
    return bank.mode is not BankMode.ALLOW


def _stops(bank: Bank, finding: Finding, labels: Sequence[str]) -> bool:
    """Whether an upload would not pass."""
    return finding.evidence <= bank.policy.review_evidence and (
        ruled(bank.policy, finding, labels).verdict is not Verdict.ALLOW
    )


def _match(record: EntryRecord, bank: Bank, finding: Finding, labels: Sequence[str]) -> Match:
    entry, ruling = records.entry_of(record), ruled(bank.policy, finding, labels)
    return Match(
        bank=entry.bank,
        entry=entry.entry,
        external_id=entry.external_id,
        verdict=ruling.verdict,
        reason=ruling.reason,
        **{name: getattr(finding, name) for name in finding.__slots__},
    )
