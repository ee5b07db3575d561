"""Judging uploads."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from hashsvc.bank import rules
from hashsvc.bank.model import Bank, Verdict
from hashsvc.decisions.grounds import record_of
from hashsvc.errors import InvalidInputError, UnavailableError
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.reading import Reading
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import combined
from hashsvc.service.banks import Banks


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """An answer to an upload, to be given once its record is on the disk."""

    result: MatchResult
    logged: "Future[int] | None" = None
    """The number of its decision, 0 where the store could not be written so far; None for ALLOW, which has none."""

    def settled(self) -> MatchResult:
        """Wait for the record, and return the answer."""
        if self.logged is not None:
            self.logged.result()
        return self.result


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An upload that was checked, and is to be matched."""

    query: Fingerprint | Digests
    banks: Mapping[str, Bank]
    """As `Matcher.match` takes them."""
    min_revision: int
    content_id: str


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One look at an upload."""

    query: Fingerprint | Digests
    result: MatchResult


class Matching(Banks):
    """The part of the service that uploads meet."""

    def match(
        self,
        query: Fingerprint | Digests,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        actor: str = "",
    ) -> MatchResult:
        """Judge an upload by its fingerprint, or by exact digests alone; no `banks` means every bank.

        With a `content_id`, the caller's own name for it, the fingerprint is kept for a while, unless the settings say
        otherwise: what is confirmed later is then hunted in it. A verdict other than ALLOW is in the decision log, on the
        disk, when this returns, unless the store cannot be written; `actor` is who asked.

        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED), InvalidInputError FIELD_INVALID for empty
        digests, BANK_NOT_FOUND, INDEX_LOADING, UnavailableError REVISION_NOT_REACHED when `min_revision` is not
        searchable within `Settings.server.min_revision_wait`; UnavailableError OVERLOADED when more verdicts wait to be
        logged than `Settings.decisions.queue`.
        """
        return self.judge(query, banks=banks, min_revision=min_revision, content_id=content_id, actor=actor).settled()

    def judge(
        self,
        query: Fingerprint | Digests,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        actor: str = "",
    ) -> Judged:
        """`match`, without waiting until the verdict is logged: a thread that searches has better to do."""
        asked = self.asked(query, banks=banks, min_revision=min_revision, content_id=content_id)
        return self.judged(asked, self._found(asked), actor=actor)

    def asked(
        self,
        query: Fingerprint | Digests,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
    ) -> Asked:
        """What `judge` does before it searches, for who has that done elsewhere. Waits for nothing but a `min_revision`.

        Raises as `match` does, but for INDEX_LOADING and OVERLOADED.
        """
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        self._current.begin()
        return self._checked(query, banks, min_revision, content_id)

    def judged(self, asked: Asked, found: MatchResult, *, actor: str = "") -> Judged:
        """What `judge` does with what was `found` of an upload. Raises UnavailableError OVERLOADED as `match` does."""
        reading = self._noted(asked, found)
        return self._logged([reading], reading.result, [*asked.banks], asked.content_id, actor)

    def _read(self, query: Fingerprint | Digests, banks: Sequence[str], min_revision: int, content_id: str) -> _Reading:
        """Judge one reading of an upload, and take note of it everywhere but in the decision log."""
        asked = self.asked(query, banks=banks, min_revision=min_revision, content_id=content_id)
        return self._noted(asked, self._found(asked))

    def _matched(
        self, query: Fingerprint | Digests, *, banks: Sequence[str] = (), min_revision: int = 0
    ) -> MatchResult:
        """`match`, of which nobody takes note."""
        return self._found(self._checked(query, banks, min_revision, ""))

    def _checked(self, query: Fingerprint | Digests, banks: Sequence[str], min_revision: int, content_id: str) -> Asked:
        if isinstance(query, Fingerprint):
            profile_named(query.profile)
            query.check()
            self._within_limits(query)
        elif not query:
            raise InvalidInputError("FIELD_INVALID", "a match takes a fingerprint or a digest", field="digests")
        chosen = {bank: self.get_bank(bank) for bank in banks}
        self._reach(min_revision)
        return Asked(query=query, banks=chosen, min_revision=min_revision, content_id=content_id)

    def _found(self, asked: Asked) -> MatchResult:
        return self.processes.match(asked.query, asked.banks, asked.min_revision)

    def _noted(self, asked: Asked, found: MatchResult) -> _Reading:
        """What was found as tripped breakers leave it, noted everywhere but in the decision log."""
        query, content_id = asked.query, asked.content_id
        if isinstance(query, Fingerprint):
            self._recorder.record(content_id, query, found.revision)
        result = self._monitor.seen(query, found, content_id)
        self._current.count(query, content_id, result)
        return _Reading(query, result)

    def _logged(
        self, readings: Sequence[_Reading], result: MatchResult, banks: Sequence[str], content_id: str, actor: str
    ) -> Judged:
        """The answer that the readings of an upload came to, on its way into the decision log."""
        if result.verdict is Verdict.ALLOW:
            return Judged(result)
        queries = [one.query for one in readings]
        record = record_of(self._matcher.known(), result, queries, asked=banks, content_id=content_id)
        fingerprints = [one for one in queries if isinstance(one, Fingerprint)]
        return Judged(result, self._decisions.append(record, actor or self._actor, fingerprints))

    def match_media(
        self,
        media: Path,
        *,
        banks: Sequence[str] = (),
        min_revision: int = 0,
        content_id: str = "",
        actor: str = "",
    ) -> MatchResult:
        """Exact digest first; then hash in the sandbox, quickly and where that is called for deeply, and `match`.

        It is one decision, whatever it took. Also raises MediaError, LimitExceededError.
        """
        digests = digest_file(media, self._settings.limits.max_bytes)
        exact = self._read(digests, banks, min_revision, content_id)
        if exact.result.is_exact:
            return self._logged([exact], exact.result, banks, content_id, actor).settled()
        quick = self._read(self._sandbox.fingerprint(media, Reading.QUICK), banks, 0, content_id)
        if not quick.result.deepen:
            return self._logged([quick], quick.result, banks, content_id, actor).settled()
        deep = self._read(self._sandbox.fingerprint(media, Reading.DEEP), banks, 0, content_id)
        result = combined(quick.result, deep.result)
        return self._logged([quick, deep], result, banks, content_id, actor).settled()

    def _reach(self, revision: int) -> None:
        if revision < 0:
            raise InvalidInputError("FIELD_INVALID", f"min_revision {revision} is negative", field="min_revision")
        wait = self._settings.server.min_revision_wait
        if revision and not self._index.wait_for(revision, wait):
            raise UnavailableError(
                "REVISION_NOT_REACHED",
                f"revision {revision} was not searchable within {wait} s; the last is {self._index.revision}",
                revision=self._index.revision,
            )
