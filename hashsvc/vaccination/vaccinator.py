"""Attacks in the background, one after the other, and what can be seen of them meanwhile."""

import dataclasses
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from hashsvc.bank import decisions, records
from hashsvc.bank.card import CardState, RobustnessCard
from hashsvc.bank.model import Entry, EntryState
from hashsvc.config import Settings, WorkerSettings
from hashsvc.errors import HashsvcError
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.vaccination.attack import Attack, MatchQuery, Place, Progress
from hashsvc.vaccination.spool import MEDIA, Claim, Spool
from hashsvc_index import Index, Store, StoreError

_LOWEST_PRIORITY = 19
_INTERRUPTED = "interrupted: the process that worked on it ended; confirm the video again to repeat it"
_WITHDRAWN = "the entry was withdrawn before it was done"

Add = Callable[[str, RobustnessCard], Entry]
"""Confirms under the entry identifier, with the card; gives the entry that was there already where there was one."""

log = structlog.get_logger(__name__)


class StoppedError(Exception):
    """The service is being closed."""


class Vaccinator:
    """Thread-safe. Nothing of it runs before the first entry comes.

    In the store a card is `pending` until it is written. Whether somebody still works on it is told by a lock that
    dies with its process, so a card cannot stay `running` for ever.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        settings: Settings,
        match: MatchQuery,
        load: Callable[[int], Fingerprint],
        *,
        background: bool,
    ) -> None:
        """`background` is whether `confirm` begins an attack."""
        threads = settings.vaccination.threads
        self._background = background
        workers = WorkerSettings(workers=threads, queue=settings.workers.queue, jobs_per_worker=20)
        self._sandbox = Sandbox(dataclasses.replace(settings, workers=workers), nice=_LOWEST_PRIORITY)
        self._place = Place(
            store=store, index=index, sandbox=self._sandbox, settings=settings.vaccination, match=match, load=load
        )
        self._spool = Spool(store.path)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hashsvc-vaccination")
        self._stopping = threading.Event()
        self._spool.clean()

    def close(self) -> None:
        """Drop what waits and what runs; entries stay as they are, and their cards say that they were interrupted."""
        self._stopping.set()
        self._sandbox.close()
        self._pool.shutdown()

    def confirm(self, media: Path, add: Add) -> Entry:
        """Confirm through `add`, and perhaps attack the entry in the background; `media` may go when this returns.

        An entry that was there already is attacked only if it has no card, or one that failed. What keeps an attack
        from beginning, such as a full disk, is logged and keeps nobody from confirming.
        """
        new = secrets.token_hex(8)
        claim = self._claim(new, media) if self._background else None
        try:
            card = RobustnessCard(state=CardState.NONE if claim is None else CardState.PENDING)
            entry = add(new, card)
        except BaseException:
            if claim is not None:
                claim.release()
            raise
        if entry.entry != new and claim is not None:
            claim.release()
            claim = None
            if self.seen(entry).card.state in (CardState.NONE, CardState.FAILED):
                claim = self._claim(entry.entry, media)
                entry = self._mark_pending(entry) if claim is not None else entry
        if claim is not None:
            try:
                self._pool.submit(self._run, entry.bank, entry.entry, claim)
            except RuntimeError:  # closed meanwhile
                claim.release()
        return self.seen(entry)

    def vaccinate(self, entry: Entry, media: Path, progress: Progress | None = None) -> None:
        """Attack a live entry now, in this thread. Raises MediaError, LimitExceededError and the store's errors.

        Where another process attacks it already, nothing is done.
        """
        claim = self._spool.claim(entry.entry)
        if claim is None:
            return

        def report(share: float) -> None:
            claim.report(share)
            if progress:
                progress(share)

        try:
            self._mark_pending(entry)
            Attack(self._place, entry.bank, entry.entry, report).run(media)
        finally:
            claim.release()

    def seen(self, entry: Entry) -> Entry:
        """The entry with what its card says at this moment: how far a pending attack is, or that it was interrupted."""
        if entry.card.state is not CardState.PENDING:
            return entry
        share = self._spool.share(entry.entry)
        if share is None:
            # It may have ended between the reading of the entry and that of the sign.
            entry = records.entry_of(self._place.store.get_entry(entry.bank, entry.entry))
            if entry.card.state is not CardState.PENDING:
                return entry
            detail = _WITHDRAWN if entry.state is EntryState.WITHDRAWN else _INTERRUPTED
            return dataclasses.replace(entry, card=RobustnessCard(state=CardState.FAILED, detail=detail))
        state = CardState.RUNNING if share else CardState.PENDING
        return dataclasses.replace(entry, card=dataclasses.replace(entry.card, state=state, progress=share))

    def _claim(self, entry: str, media: Path) -> Claim | None:
        """Take the entry on and hold the bytes; None where that cannot be, or another does already."""
        claim = None
        try:
            claim = self._spool.claim(entry)
            if claim is not None:
                claim.hold(media)
        except OSError as error:
            log.warning("vaccination cannot begin", entry=entry, error=str(error))
            if claim is not None:
                claim.release()
            return None
        return claim

    def _mark_pending(self, entry: Entry) -> Entry:
        changed = dataclasses.replace(entry, card=RobustnessCard(state=CardState.PENDING), updated_at=records.now())
        record = self._place.store.update_entry(
            entry.bank,
            entry.entry,
            records.entry_payload(changed),
            live=True,
            expected_revision=entry.revision,
            decisions=[decisions.of_entry("vaccinate", decisions.HASHER, entry, changed)],
        )
        self._place.index.notify()
        return records.entry_of(record)

    def _run(self, bank: str, entry: str, claim: Claim) -> None:
        """In the pool: attack, and whatever happens let the bytes go."""

        def report(share: float) -> None:
            if self._stopping.is_set():
                raise StoppedError
            claim.report(share)

        attack = Attack(self._place, bank, entry, report)
        try:
            report(0.001)
            attack.run(claim.folder / MEDIA)
            log.info("vaccinated", bank=bank, entry=entry)
        except StoppedError:
            pass
        except Exception as error:  # noqa: BLE001 - the thread must outlive what nobody foresaw
            if not self._stopping.is_set():
                self._failed(attack, entry, error)
        finally:
            claim.release()

    def _failed(self, attack: Attack, entry: str, error: Exception) -> None:
        expected = isinstance(error, HashsvcError | StoreError)
        log.warning("vaccination failed", entry=entry, error=str(error), exc_info=None if expected else error)
        try:
            attack.fail(str(error) if expected else "an internal error; the log has more")
        except (HashsvcError, StoreError) as second:
            log.warning("the card could not be written", entry=entry, error=str(second))
