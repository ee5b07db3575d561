"""Hunts for entries through recent uploads: one at a time in a data directory, asked for or by itself."""

import contextlib
import dataclasses
import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import structlog

from hashsvc.bank import records
from hashsvc.bank.model import Bank, BankMode, Entry, EntryState, Interval, Page, Verdict
from hashsvc.config import RecentSettings
from hashsvc.errors import HashsvcError, PreconditionError, UnavailableError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.trial import Trial, ruled
from hashsvc.retro.hunts import BATCH, Announce, Hunts, Kept
from hashsvc.retro.model import DryRun, Hit, Hunt, HuntState
from hashsvc.retro.packing import Recent
from hashsvc.retro.search import Task, search
from hashsvc_index import Change, ChangeKind, Index, Ring, Store, StoreError
from hashsvc_index.errors import EntryNotFoundError
from hashsvc_index.ring import RING

SETTLE_SECONDS = 3.0
"""Between a confirmation and its hunt: an upload that was matched just before is in the ring by then."""
_POLL_SECONDS = 0.5
_SWEEP_SECONDS = 60.0
_TOLD_SECONDS = 1.0
"""How far a hunt is, is written this often."""
_REACH_SECONDS = 60.0
_CHANGES = 256
_MOST_SHOWN = 200
"""Hits that a dry run names."""
_LOCK = "HUNT"
_CUT_OFF = "cut off: the process that hunted ended"

MatchIn = Callable[[Fingerprint, Bank], MatchResult]
"""Match an upload in one bank, and keep nothing of it."""
Report = Callable[[Hunt], None]

log = structlog.get_logger(__name__)


class Retro:
    """Thread-safe. With `follow`, a thread hunts for whatever is confirmed, by whichever process."""

    def __init__(
        self,
        store: Store,
        index: Index,
        settings: RecentSettings,
        match: MatchIn,
        load: Callable[[int], Fingerprint],
        announce: Announce | None = None,
    ) -> None:
        self._store = store
        self._index = index
        self._settings = settings
        self._match = match
        self._load = load
        self._hunts = Hunts(store, announce)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self) -> None:
        """From now on let go of uploads that have expired, of all where none are to be kept, and hunt in the background."""
        self._thread = threading.Thread(target=self._run, name="hashsvc-retro", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End what runs; a hunt that is cut off begins anew when the directory is served again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def hunts(self) -> Hunts:
        """What hunts found."""
        return self._hunts

    def get(self, bank: str, entry: str) -> Hunt:
        """The last hunt for an entry."""
        return self._hunts.get(bank, entry).hunt

    def page(self, bank: str, entry: str, size: int, first: int) -> Page[Hit]:
        """Hits of an entry from the `first` on, in the order they were found."""
        return self._hunts.page(bank, entry, size, first)

    def hunt(self, bank: str, entry: str, report: Report | None = None) -> Hunt:
        """Hunt for an entry now, after other hunts in the data directory; `report` hears how far it is.

        Raises PreconditionError ENTRY_WITHDRAWN, RECENT_DISABLED, InternalError, and the store's errors.
        """
        self._check_enabled()
        record = self._store.get_entry(bank, entry)
        if not record.live:
            raise PreconditionError("ENTRY_WITHDRAWN", f"{entry} is withdrawn", bank=bank, entry=entry)
        self._index.wait_for(record.revision, _REACH_SECONDS)
        with self._alone():
            return self._hunted(records.entry_of(record), record.number, report or (lambda _: None))

    def dry_run(
        self, bank: Bank, reference: Fingerprint, exclusions: Sequence[Interval], labels: Sequence[str] = ()
    ) -> DryRun:
        """What a reference would find if it were confirmed in `bank`; writes nothing. Raises RECENT_DISABLED."""
        self._check_enabled()
        gate = profile_named(reference.profile).quality_gate
        trial = Trial(reference, gate, exclusions)
        task = self._task(reference, exclusions, bank)
        best: dict[str, Hit] = {}
        searched = 0
        for step in search(task, self._settings.hunt_processes, self._stopping):
            searched = step.searched
            for recent in step.found:
                finding = trial.find(recent.fingerprint, task.indexed)
                if finding is not None:
                    ruling = ruled(bank.policy, finding, labels)
                    match = Match(
                        bank=bank.bank,
                        entry="",
                        external_id="",
                        verdict=ruling.verdict,
                        reason=ruling.reason,
                        **{name: getattr(finding, name) for name in finding.__slots__},
                    )
                    _keep_best(
                        best, Hit(content_id=recent.content_id, seen_at=records.moment(recent.seen_at), match=match)
                    )
        hits = sorted(best.values(), key=lambda hit: (hit.match.evidence, hit.content_id))
        allowed = sum(hit.match.verdict is Verdict.ALLOW for hit in hits)
        return DryRun(searched=searched, hits=tuple(hits[:_MOST_SHOWN]), total=len(hits), allowed=allowed)

    def _check_enabled(self) -> None:
        if not self._settings.enabled:
            raise PreconditionError(
                "RECENT_DISABLED", "the settings say that no recent uploads are kept: [recent] enabled"
            )

    def _task(self, reference: Fingerprint, exclusions: Sequence[Interval], bank: Bank) -> Task:
        return Task(
            data=self._store.path,
            reference=reference,
            exclusions=exclusions,
            indexed=self._index.hashes,
            evidence=bank.policy.review_evidence,
        )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of all hunts in the data directory; the system frees it when the process dies."""
        folder = self._store.path / RING
        if not folder.exists():
            yield
            return
        with (folder / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _hunted(self, entry: Entry, number: int, report: Report) -> Hunt:
        """Search, judge what is found, and keep it; raises what goes wrong after writing so."""
        before = self._hunts.get(entry.bank, entry.entry)
        began = records.now()
        hunt = Hunt(
            bank=entry.bank,
            entry=entry.entry,
            state=HuntState.RUNNING,
            hits=before.hunt.hits,
            started_at=began,
            updated_at=began,
        )
        kept = Kept(hunt, number, before.batches)
        try:
            kept = self._searched(entry, kept, report)
        except BaseException as error:
            told = isinstance(error, HashsvcError | StoreError) and not isinstance(error, _StoppedError)
            kept = self._moved(
                self._hunts.get(entry.bank, entry.entry),
                state=HuntState.FAILED,
                detail=str(error) if told else _CUT_OFF,
            )
            # What was cut off is hunted for again by who finds it so.
            self._hunts.put(kept if told else dataclasses.replace(kept, number=0))
            raise
        kept = self._moved(kept, state=HuntState.DONE)
        self._hunts.put(kept)
        report(kept.hunt)
        return kept.hunt

    def _searched(self, entry: Entry, kept: Kept, report: Report) -> Kept:
        bank = records.bank_of(self._store.get_bank(entry.bank))
        known = {hit.content_id for hit in self._hunts.hits(entry.bank, entry.entry)} if kept.batches else set()
        new: dict[str, Hit] = {}
        self._hunts.put(kept)
        told = time.monotonic()
        task = self._task(self._load(kept.number), entry.exclusions, bank)
        for step in search(task, self._settings.hunt_processes, self._stopping):
            for recent in step.found:
                hit = self._judged(recent, entry, bank)
                if hit is not None and hit.content_id not in known:
                    _keep_best(new, hit)
            kept = self._moved(kept, searched=step.searched, of=step.of)
            if time.monotonic() - told > _TOLD_SECONDS or len(new) >= BATCH:
                kept, told = self._told(kept, known, new), time.monotonic()
                report(kept.hunt)
        if self._stopping.is_set():
            raise _StoppedError("OVERLOADED", _CUT_OFF)
        return self._told(kept, known, new)

    def _told(self, kept: Kept, known: set[str], new: dict[str, Hit]) -> Kept:
        """Write the new hits, and how far it is."""
        hits = list(new.values())
        for first in range(0, len(hits), BATCH):
            kept = self._hunts.add(kept, hits[first : first + BATCH])
            self._hunts.put(kept)
        known.update(new)
        new.clear()
        self._hunts.put(kept)
        return kept

    def _judged(self, recent: Recent, entry: Entry, bank: Bank) -> Hit | None:
        """What a match of the upload says of the entry now."""
        for match in self._match(recent.fingerprint, bank).matches:
            if match.entry == entry.entry:
                return Hit(content_id=recent.content_id, seen_at=records.moment(recent.seen_at), match=match)
        return None

    def _moved(self, kept: Kept, **changes: object) -> Kept:
        hunt = dataclasses.replace(kept.hunt, updated_at=records.now(), **changes)  # type: ignore[arg-type]
        return dataclasses.replace(kept, hunt=hunt)

    # in the background

    def _run(self) -> None:
        swept = 0.0
        ring: Ring | None = None
        try:
            while not self._stopping.wait(_POLL_SECONDS):
                try:
                    ring = ring or Ring.open(self._store.path)
                    if ring is None:
                        continue
                    if time.monotonic() - swept > _SWEEP_SECONDS:
                        swept = time.monotonic()
                        most = self._settings.max_bytes if self._settings.enabled else 0
                        while ring.evict(time.time(), most) and not self._stopping.is_set():
                            pass
                    if self._settings.enabled:
                        self._catch_up(ring)
                except _StoppedError:
                    return
                except Exception as error:
                    log.warning("retro-hunt cannot go on", error=str(error), exc_info=error)
                    self._stopping.wait(_SWEEP_SECONDS / 10)
        finally:
            if ring is not None:
                ring.close()

    def _catch_up(self, ring: Ring) -> None:
        """Hunt for what was confirmed or given other views since the ring's mark."""
        changes = self._store.changes(ring.mark(), _CHANGES)
        if not changes:
            return
        if any(self._entry(one) is not None for one in changes) and self._stopping.wait(SETTLE_SECONDS):
            return
        for change in changes:
            found = self._entry(change)
            if found is not None:
                self._index.wait_for(change.revision, _REACH_SECONDS)
                with self._alone():
                    # Another process may have hunted for it while this one waited.
                    if not self._is_hunted(found, change.number):
                        self._hunt_quietly(found, change.number)
            ring.set_mark(change.revision)

    def _entry(self, change: Change) -> Entry | None:
        """The entry to hunt for after a change, if there is one."""
        if change.kind is ChangeKind.BANK_PUT:
            return None
        with contextlib.suppress(EntryNotFoundError):
            record = self._store.get_entry_by_number(change.number)
            entry = records.entry_of(record)
            if record.live and entry.state is EntryState.CONFIRMED and not self._is_hunted(entry, change.number):
                bank = records.bank_of(self._store.get_bank(entry.bank))
                return None if bank.mode is BankMode.ALLOW else entry
        return None

    def _is_hunted(self, entry: Entry, number: int) -> bool:
        """Whether a hunt with the views that the entry has under this number has come to an end."""
        kept = self._hunts.get(entry.bank, entry.entry)
        return kept.number == number and kept.hunt.state in (HuntState.DONE, HuntState.FAILED)

    def _hunt_quietly(self, entry: Entry, number: int) -> None:
        try:
            hunt = self._hunted(entry, number, lambda _: None)
            log.info("retro-hunt done", bank=hunt.bank, entry=hunt.entry, uploads=hunt.searched, hits=hunt.hits)
        except _StoppedError:
            raise
        except (HashsvcError, StoreError) as error:
            log.warning("retro-hunt failed", bank=entry.bank, entry=entry.entry, error=str(error))


class _StoppedError(UnavailableError):
    """The service is being closed."""


def _keep_best(best: dict[str, Hit], hit: Hit) -> None:
    """An upload may have been read twice, quickly and deeply: the stronger reading counts."""
    known = best.get(hit.content_id)
    if known is None or hit.match.evidence < known.match.evidence:
        best[hit.content_id] = hit
