"""hashsvc embedded: everything the service does, on a data directory, in this process.

Each module here is a part of it, by noun. The gRPC servicers and the command line's `--data` both call this class, so that
what they do cannot differ.
"""

import contextlib
import dataclasses
from pathlib import Path
from typing import Self

from hashsvc.access.model import ANYBODY
from hashsvc.access.tokens import Tokens
from hashsvc.appeals.docket import Docket
from hashsvc.bank.references import References
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.config import Settings
from hashsvc.decisions.log import DecisionLog
from hashsvc.events.deliverer import Deliverer
from hashsvc.events.outbox import Outbox
from hashsvc.events.webhooks import Webhooks
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.incidents import Current, Register
from hashsvc.match.jobs import Opening
from hashsvc.match.layers import layers_from
from hashsvc.match.matcher import Matcher
from hashsvc.match.processes import MatchProcesses
from hashsvc.retro.caution import Caution
from hashsvc.retro.recorder import Recorder
from hashsvc.retro.retro import Retro
from hashsvc.service.access import Access
from hashsvc.service.appeals import Appeals
from hashsvc.service.dates import Dates
from hashsvc.service.decisions import Decisions
from hashsvc.service.events import Events
from hashsvc.service.floods import Floods
from hashsvc.service.hunting import Hunting
from hashsvc.service.incidents import Incidents
from hashsvc.service.lives import Lives
from hashsvc.service.matching import Matching
from hashsvc.service.reporting import Reporting
from hashsvc.service.upkeep import Upkeep
from hashsvc.traffic.monitor import Monitor
from hashsvc.vaccination import Vaccinator
from hashsvc_index import Index, IndexSettings, Store
from hashsvc_index.errors import BankExistsError

DEFAULT_BANK = "default"
"""Created with a new data directory."""


class Service(Access, Appeals, Decisions, Floods, Hunting, Incidents, Lives, Matching, Reporting, Events, Upkeep):
    """A data directory, open. Thread-safe; every method blocks.

    Besides what each method names, all may raise the store's errors (`hashsvc_index.StoreError`): BANK_NOT_FOUND,
    ENTRY_NOT_FOUND, REVISION_CONFLICT, STORE_FULL, STORE_CORRUPT and the like. What changes something takes an `actor`,
    who is then in the decision log; without one it is the actor that the service was opened for.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        settings: Settings,
        *,
        vaccinate: bool = False,
        match_processes: int = 0,
        actor: str = ANYBODY.name,
    ) -> None:
        self._actor = actor
        self._store = store
        self._index = index
        self._settings = settings
        self.tokens = Tokens(store)
        self._taxonomy = Taxonomy.load(settings.taxonomy.file)
        self._sandbox = Sandbox(settings)
        self._references = References(self._load, settings.server.reference_cache_bytes)
        self._outbox = Outbox(store, settings.events)
        self._register = Register(store, self._outbox)
        self._current = Current(store, self._register)
        self._matcher = Matcher(store, index, self._references, settings.hints, self._current.depths)
        opening = Opening(
            data=store.path,
            index=settings.index,
            hints=settings.hints,
            reference_cache_bytes=settings.server.reference_cache_bytes,
        )
        self.processes = MatchProcesses(self._matcher, index, opening, self._current.depths, processes=match_processes)
        self._recorder = Recorder(store.path, settings.recent)
        vaccinate = vaccinate and settings.vaccination.enabled
        # What the hasher tries of its own is no upload: it counts for no breaker.
        self._vaccinator = Vaccinator(store, index, settings, self._matched, self._load, background=vaccinate)
        self._webhooks = Webhooks(store, self._outbox)
        self._monitor = Monitor(store, self._outbox, settings.breaker, self._current.limits)
        self._dates = Dates(store, self._outbox, self._expire)
        self._decisions = DecisionLog(store, settings.decisions)
        self._docket = Docket(store, self._outbox)
        self._deliverer = Deliverer(store, self._outbox, self._webhooks, settings.events)
        self._caution = Caution(store, index, settings.dry_run, self._load)
        self._retro = Retro(store, index, settings.recent, self._match_in, self._load, self._announced)

    @classmethod
    def open(
        cls,
        data: Path,
        settings: Settings = Settings(),
        *,
        wait: bool = True,
        vaccinate: bool = False,
        hunt: bool = False,
        deliver: bool = False,
        expire: bool = False,
        match_processes: int = 0,
        actor: str = ANYBODY.name,
    ) -> "Service":
        """Open or create `data`; with `wait` return only when the index has caught up, else watch `ready`.

        With `vaccinate`, unless the settings say otherwise, entries confirmed by their bytes are then strengthened; with
        `hunt` recent uploads are searched for whatever is confirmed, here or by another process, incidents closed when
        their time is over, and the fingerprints of uploads that were not let through expire in time; with `deliver`
        webhooks are sent events, unless another process on the directory does so. What has expired is withdrawn at once,
        and with `expire` within a minute as long as the service is open. With `match_processes` so many processes match
        uploads beside this one.

        Raises InvalidInputError CONFIG_INVALID for a taxonomy that cannot be read, and the store's errors:
        NOT_A_DATA_DIRECTORY, DATA_FORMAT_TOO_NEW, DATA_DIRECTORY_READ_ONLY, STORE_CORRUPT.
        """
        store = Store.open(data)
        try:
            index = Index(store, data, IndexSettings(**dataclasses.asdict(settings.index)), layers_from(store))
            service = cls(store, index, settings, vaccinate=vaccinate, match_processes=match_processes, actor=actor)
            if store.revision() == 0:
                service._create_default()
            index.start()
            service.processes.start()
            if hunt:
                service._retro.follow()
                service._decisions.start()
                service._current.begin()
            if deliver:
                service._deliverer.start()
            service._dates.sweep()
            if expire:
                service._dates.start()
        except BaseException:
            store.close()
            raise
        while wait and not index.wait_ready(1.0):
            if index.failure is not None:
                service.close()
                raise index.failure
        return service

    def close(self) -> None:
        """Write a checkpoint and release the directory."""
        self._dates.close()
        self._current.close()
        self._monitor.close()
        self._decisions.close()
        self._deliverer.close()
        self._retro.close()
        self._vaccinator.close()
        self.processes.close()
        self._recorder.close()
        self._sandbox.close()
        self._index.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """True once the index has caught up with the store, and while it can follow; with processes that match, once they do.

        Until it has, `match` raises INDEX_LOADING; where it no longer follows, `match` answers for an older revision.
        """
        return self._index.ready and self._index.failure is None and self.processes.settled

    @property
    def revision(self) -> int:
        """The store's last change."""
        return self._store.revision()

    @property
    def searched_revision(self) -> int:
        """The last change that a match takes into account."""
        return self._index.revision

    @property
    def hashes(self) -> int:
        """Live frame hashes in the index."""
        return self._index.hashes

    @property
    def entries(self) -> int:
        """Live entries."""
        return self._store.stats().live_entries

    def _create_default(self) -> None:
        with contextlib.suppress(BankExistsError):  # another process was first
            self.create_bank(DEFAULT_BANK, description="Made with the data directory.")
