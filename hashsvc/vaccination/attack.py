"""One entry attacked: copies made and matched, views added where one is missed, and the card."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hashsvc.bank import records
from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Interval
from hashsvc.battery.catalogue import BATTERY, BY_NAME, VIEW_PREFIX
from hashsvc.config import VaccinationSettings
from hashsvc.errors import LimitExceededError, UnavailableError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import Profile, profile_named
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.exclude import silenced
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.trial import would_match
from hashsvc.vaccination.windows import windows
from hashsvc_index import EntryRecord, Index, Store
from hashsvc_index.errors import EntryWithdrawnError, RevisionConflictError

_INDEX_SECONDS = 60.0
_ATTEMPTS = 5
_MADE, _JUDGED, _VIEWED = 0.75, 0.8, 0.95
"""Share of the whole at which each step ends."""

Progress = Callable[[float], None]
Copies = list[tuple[str, Fingerprint]]
"""Edits, and what copies so edited hash to."""


class MatchQuery(Protocol):
    """Matches an upload's fingerprint in some banks."""

    def __call__(self, query: Fingerprint, /, *, banks: Sequence[str]) -> MatchResult: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an attack works with."""

    store: Store
    index: Index
    sandbox: Sandbox
    settings: VaccinationSettings
    match: MatchQuery
    load: Callable[[int], Fingerprint]
    """The stored fingerprint of an entry number."""


class Attack:
    """On one live entry, with its bytes at hand."""

    def __init__(self, place: Place, bank: str, entry: str, progress: Progress) -> None:
        """`progress` gets the share done, 0-1, and may raise to end the attack; the entry stays as it is then."""
        self._place = place
        self._bank, self._entry = bank, entry
        self._progress = progress

    def run(self, media: Path) -> None:
        """Attack with edited copies of `media`; the card is with the entry when this returns.

        An entry that is withdrawn meanwhile is left alone. Raises MediaError, LimitExceededError, UnavailableError
        and the store's errors.
        """
        record = self._place.store.get_entry(self._bank, self._entry)
        reference = self._place.load(record.number)
        profile = profile_named(reference.profile)
        # A copy of an excluded part is meant to be missed.
        copies = self._copies(media, silenced(reference, records.entry_of(record).exclusions), profile)
        self._searchable(record.revision)
        found = self._judged(copies, _MADE, _JUDGED)
        missed = [place for place, match in enumerate(found) if match is None]
        detail = ""
        added: tuple[str, ...] = ()
        try:
            if missed:
                added = self._strengthen(media, profile, [copies[place] for place in missed])
        except LimitExceededError as error:
            detail = f"no views were added: {error.message}"
        if added:
            for place, match in zip(missed, self._judged([copies[one] for one in missed], _VIEWED, 1.0), strict=True):
                found[place] = match
        results = _results([name for name, _ in copies], found, added)
        self._finish(
            RobustnessCard(
                state=CardState.DONE,
                progress=1.0,
                profile=profile.name,
                made_at=records.now(),
                detail=detail,
                results=results,
            )
        )

    def fail(self, detail: str) -> None:
        """Write a card that says why there is none."""
        self._finish(RobustnessCard(state=CardState.FAILED, made_at=records.now(), detail=detail))

    def _copies(self, media: Path, reference: Fingerprint, profile: Profile) -> Copies:
        settings = self._place.settings
        chosen = windows(reference, profile.quality_gate, settings.window_seconds, settings.max_windows)
        made = self._place.sandbox.rehearse(media, chosen, profile=profile, progress=self._within(0.0, _MADE))
        # The copies' own bytes are known to nobody.
        return [(name, dataclasses.replace(copy, digests=Digests())) for name, copy in made]

    def _judged(self, copies: Copies, begin: float, end: float) -> list[Match | None]:
        """The match of each copy with its own entry."""
        progress = self._within(begin, end)
        found: list[Match | None] = []
        for place, (_, copy) in enumerate(copies):
            matches = self._place.match(copy, banks=[self._bank]).matches
            found.append(next((match for match in matches if match.entry == self._entry), None))
            progress((place + 1) / len(copies))
        return found

    def _strengthen(self, media: Path, profile: Profile, missed: Copies) -> tuple[str, ...]:
        """Add views to the entry by which some of the missed copies are found; their names."""
        record = self._place.store.get_entry(self._bank, self._entry)
        reference = self._place.load(record.number)
        room = self._place.settings.max_added_views - sum(one.startswith(VIEW_PREFIX) for one in reference.views)
        names = [name for name in dict.fromkeys(name for name, _ in missed) if BY_NAME[name].viewed]
        names = [name for name in names if VIEW_PREFIX + name not in reference.views][: 2 * max(room, 0)]
        if not names:
            return ()
        hashes, quality = self._place.sandbox.edit_views(
            media, names, reference.starts, profile=profile, progress=self._within(_JUDGED, _VIEWED)
        )
        exclusions = records.entry_of(record).exclusions
        stronger = reference
        for place, name in enumerate(names):
            copies = [
                copy for edit, copy in missed if edit == name and not self._found(copy, stronger, profile, exclusions)
            ]
            candidate = _with_view(stronger, VIEW_PREFIX + name, hashes[:, place], quality[:, place])
            if len(stronger.views) - len(reference.views) < room and any(
                self._found(copy, candidate, profile, exclusions) for copy in copies
            ):
                stronger = candidate
        added = stronger.views[len(reference.views) :]
        return added if added and self._replace(record, stronger) else ()

    def _found(
        self, copy: Fingerprint, reference: Fingerprint, profile: Profile, exclusions: Sequence[Interval]
    ) -> bool:
        policy = records.bank_of(self._place.store.get_bank(self._bank)).policy
        finding = would_match(copy, reference, profile.quality_gate, self._place.index.hashes, exclusions)
        return finding is not None and finding.evidence <= policy.review_evidence

    def _replace(self, record: EntryRecord, stronger: Fingerprint) -> bool:
        """Store the strengthened reference; False where the entry was withdrawn."""
        vectors, blob = records.split(stronger)
        for attempt in range(_ATTEMPTS):
            changed = dataclasses.replace(records.entry_of(record), hashes=len(vectors), updated_at=records.now())
            try:
                replaced = self._place.store.replace_entry(
                    self._bank,
                    self._entry,
                    records.entry_payload(changed),
                    vectors=vectors,
                    blobs={records.FINGERPRINT: blob},
                    expected_revision=record.revision,
                )
            except EntryWithdrawnError:
                return False
            except RevisionConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                record = self._place.store.get_entry(self._bank, self._entry)
            else:
                self._searchable(replaced.revision)
                return True
        return False

    def _finish(self, card: RobustnessCard) -> None:
        """Write the card, on top of whatever became of the entry meanwhile."""
        for attempt in range(_ATTEMPTS):
            record = self._place.store.get_entry(self._bank, self._entry)
            if not record.live:
                return
            changed = dataclasses.replace(records.entry_of(record), card=card, updated_at=records.now())
            try:
                self._place.store.update_entry(
                    self._bank,
                    self._entry,
                    records.entry_payload(changed),
                    live=True,
                    expected_revision=record.revision,
                )
            except RevisionConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._place.index.notify()
                return

    def _searchable(self, revision: int) -> None:
        self._place.index.notify()
        if not self._place.index.wait_for(revision, _INDEX_SECONDS):
            raise UnavailableError("REVISION_NOT_REACHED", f"revision {revision} does not become searchable")

    def _within(self, begin: float, end: float) -> Progress:
        return lambda share: self._progress(begin + (end - begin) * share)


def _with_view(
    reference: Fingerprint, name: str, hashes: npt.NDArray[np.uint8], quality: npt.NDArray[np.uint8]
) -> Fingerprint:
    """The reference with one view more: hashes (frames, 32), quality (frames,)."""
    return dataclasses.replace(
        reference,
        views=(*reference.views, name),
        hashes=np.concatenate([reference.hashes, hashes[:, None]], axis=1),
        quality=np.concatenate([reference.quality, quality[:, None]], axis=1),
    )


def _results(names: Sequence[str], found: Sequence[Match | None], added: Sequence[str]) -> tuple[EditResult, ...]:
    """One line an edit, in the battery's order; of several stretches the weakest counts."""
    results = []
    for edit in (one.name for one in BATTERY):
        matches = [match for name, match in zip(names, found, strict=True) if name == edit]
        if matches:
            results.append(
                EditResult(
                    edit=edit,
                    matched=all(match is not None for match in matches),
                    evidence=max(0.0 if match is None else match.evidence for match in matches),
                    query_coverage=min(0.0 if match is None else match.query_coverage for match in matches),
                    added_view=VIEW_PREFIX + edit if VIEW_PREFIX + edit in added else "",
                )
            )
    return tuple(results)
