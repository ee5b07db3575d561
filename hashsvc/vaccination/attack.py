"""One entry attacked: copies made and matched, views added where one is missed, and the card."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hashsvc.bank import decisions, records
from hashsvc.bank.card import CardState, EditResult, RobustnessCard
from hashsvc.bank.model import Interval
from hashsvc.battery.catalogue import BATTERY, BY_NAME, VIEW_PREFIX
from hashsvc.config import VaccinationSettings
from hashsvc.errors import LimitExceededError, UnavailableError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import Profile, profile_named
from hashsvc.fingerprint.reading import Reading
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.match.exclude import silenced
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.trial import would_match
from hashsvc.match.verdict import combined
from hashsvc.vaccination.windows import windows
from hashsvc_index import EntryRecord, Index, Store
from hashsvc_index.errors import EntryWithdrawnError, RevisionConflictError

_INDEX_SECONDS = 60.0
_ATTEMPTS = 5
_MADE, _JUDGED, _READ, _VIEWED = 0.6, 0.65, 0.85, 0.95
"""Share of the whole at which each step ends."""

Progress = Callable[[float], None]
Windows = Sequence[tuple[float, float]]
"""Stretches of the video: start and length, seconds."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Copy:
    """One copy of the video, as it fares."""

    edit: str
    window: int
    readings: list[Fingerprint]
    """What it hashes to, read quickly and, where that is called for, deeply."""
    match: Match | None = None
    """With its own entry, in the answers to its readings taken together."""
    deepen: bool = False
    """Whether the answer to the quick reading calls for a deep one."""


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
        shown = silenced(reference, records.entry_of(record).exclusions)
        stretches = windows(
            shown, profile.quality_gate, self._place.settings.window_seconds, self._place.settings.max_windows
        )
        copies = self._copies(media, stretches, profile)
        self._searchable(record.revision)
        self._judge(copies, _MADE, _JUDGED)
        self._deepen(media, stretches, profile, [copy for copy in copies if copy.deepen])
        missed = [copy for copy in copies if copy.match is None]
        detail = ""
        added: tuple[str, ...] = ()
        try:
            if missed:
                added = self._strengthen(media, profile, missed)
        except LimitExceededError as error:
            detail = f"no views were added: {error.message}"
        if added:
            self._judge(missed, _VIEWED, 1.0)
        results = _results(copies, added)
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

    def _copies(self, media: Path, stretches: Windows, profile: Profile) -> list[_Copy]:
        """A copy by every edit of every stretch, read quickly."""
        made = self._place.sandbox.rehearse(
            media, stretches, edits=tuple(BY_NAME), profile=profile, progress=self._within(0.0, _MADE)
        )
        return [_Copy(edit=edit, window=window, readings=[_unknown(copy)]) for edit, window, copy in made]

    def _deepen(self, media: Path, stretches: Windows, profile: Profile, copies: list[_Copy]) -> None:
        """Read the copies deeply, too, and judge them by it; they are made once more for that."""
        if not copies:
            return
        made = self._place.sandbox.rehearse(
            media,
            stretches,
            edits=tuple(dict.fromkeys(copy.edit for copy in copies)),
            profile=profile,
            reading=Reading.DEEP,
            progress=self._within(_JUDGED, _READ),
        )
        deep = {(edit, window): _unknown(copy) for edit, window, copy in made}
        for copy in copies:
            if (copy.edit, copy.window) in deep:
                copy.readings.append(deep[copy.edit, copy.window])
        self._judge(copies, _READ, _READ)

    def _judge(self, copies: Sequence[_Copy], begin: float, end: float) -> None:
        """Match each copy, by all of its readings, in the entry's bank."""
        progress = self._within(begin, end)
        for place, copy in enumerate(copies):
            results = [self._place.match(reading, banks=[self._bank]) for reading in copy.readings]
            result = functools.reduce(combined, results)
            copy.match = next((match for match in result.matches if match.entry == self._entry), None)
            copy.deepen = results[0].deepen
            progress((place + 1) / len(copies))

    def _strengthen(self, media: Path, profile: Profile, missed: Sequence[_Copy]) -> tuple[str, ...]:
        """Add views to the entry by which some of the missed copies are found; their names."""
        record = self._place.store.get_entry(self._bank, self._entry)
        reference = self._place.load(record.number)
        room = self._place.settings.max_added_views - sum(one.startswith(VIEW_PREFIX) for one in reference.views)
        names = [name for name in dict.fromkeys(copy.edit for copy in missed) if BY_NAME[name].viewed]
        names = [name for name in names if VIEW_PREFIX + name not in reference.views][: 2 * max(room, 0)]
        if not names:
            return ()
        hashes, quality = self._place.sandbox.edit_views(
            media, names, reference.starts, profile=profile, progress=self._within(_READ, _VIEWED)
        )
        exclusions = records.entry_of(record).exclusions
        stronger = reference
        for place, name in enumerate(names):
            copies = [
                copy for copy in missed if copy.edit == name and not self._found(copy, stronger, profile, exclusions)
            ]
            candidate = _with_view(stronger, VIEW_PREFIX + name, hashes[:, place], quality[:, place])
            if len(stronger.views) - len(reference.views) < room and any(
                self._found(copy, candidate, profile, exclusions) for copy in copies
            ):
                stronger = candidate
        added = stronger.views[len(reference.views) :]
        return added if added and self._replace(record, stronger) else ()

    def _found(self, copy: _Copy, reference: Fingerprint, profile: Profile, exclusions: Sequence[Interval]) -> bool:
        """Whether any reading of a copy would be found in a reference with other views."""
        policy = records.bank_of(self._place.store.get_bank(self._bank)).policy
        findings = (
            would_match(reading, reference, profile.quality_gate, self._place.index.hashes, exclusions)
            for reading in copy.readings
        )
        return any(finding is not None and finding.evidence <= policy.review_evidence for finding in findings)

    def _replace(self, record: EntryRecord, stronger: Fingerprint) -> bool:
        """Store the strengthened reference; False where the entry was withdrawn."""
        vectors, blob = records.split(stronger)
        for attempt in range(_ATTEMPTS):
            known = records.entry_of(record)
            changed = dataclasses.replace(known, hashes=len(vectors), updated_at=records.now())
            try:
                replaced = self._place.store.replace_entry(
                    self._bank,
                    self._entry,
                    records.entry_payload(changed),
                    vectors=vectors,
                    blobs={records.FINGERPRINT: blob},
                    expected_revision=record.revision,
                    decisions=[decisions.of_entry("vaccinate", decisions.HASHER, known, changed)],
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
            known = records.entry_of(record)
            changed = dataclasses.replace(known, card=card, updated_at=records.now())
            try:
                self._place.store.update_entry(
                    self._bank,
                    self._entry,
                    records.entry_payload(changed),
                    live=True,
                    expected_revision=record.revision,
                    decisions=[decisions.of_entry("vaccinate", decisions.HASHER, known, changed)],
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


def _unknown(copy: Fingerprint) -> Fingerprint:
    """Without the digests of a copy's bytes, which are known to nobody."""
    return dataclasses.replace(copy, digests=Digests())


def _results(copies: Sequence[_Copy], added: Sequence[str]) -> tuple[EditResult, ...]:
    """One line an edit, in the battery's order; of several stretches the weakest counts."""
    results = []
    for edit in (one.name for one in BATTERY):
        matches = [copy.match for copy in copies if copy.edit == edit]
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
