"""Judging uploads."""

from collections.abc import Sequence
from pathlib import Path

from hashsvc.bank import rules
from hashsvc.errors import InvalidInputError, UnavailableError
from hashsvc.fingerprint.digests import digest_file
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.reading import Reading
from hashsvc.match.model import MatchResult
from hashsvc.match.verdict import combined
from hashsvc.service.banks import Banks


class Matching(Banks):
    """The part of the service that uploads meet."""

    def match(
        self, query: Fingerprint | Digests, *, banks: Sequence[str] = (), min_revision: int = 0, content_id: str = ""
    ) -> MatchResult:
        """Judge an upload by its fingerprint, or by exact digests alone; no `banks` means every bank.

        With a `content_id`, the caller's own name for it, the fingerprint is kept for a while, unless the settings say
        otherwise: what is confirmed later is then hunted in it.

        Raises FingerprintError (PROFILE_UNKNOWN, FINGERPRINT_MALFORMED), InvalidInputError FIELD_INVALID for empty
        digests, BANK_NOT_FOUND, INDEX_LOADING, UnavailableError REVISION_NOT_REACHED when `min_revision` is not
        searchable within `Settings.server.min_revision_wait`.
        """
        rules.check_text("content_id", content_id, rules.MAX_CONTENT_ID)
        self._current.begin()
        result = self._matched(query, banks=banks, min_revision=min_revision)
        if isinstance(query, Fingerprint):
            self._recorder.record(content_id, query, result.revision)
        result = self._monitor.seen(query, result, content_id)
        self._current.count(query, content_id, result)
        return result

    def _matched(
        self, query: Fingerprint | Digests, *, banks: Sequence[str] = (), min_revision: int = 0
    ) -> MatchResult:
        """`match`, of which nobody takes note."""
        if isinstance(query, Fingerprint):
            profile_named(query.profile)
            query.check()
            self._within_limits(query)
        elif not query:
            raise InvalidInputError("FIELD_INVALID", "a match takes a fingerprint or a digest", field="digests")
        chosen = {bank: self.get_bank(bank) for bank in banks}
        self._reach(min_revision)
        return self._matcher.match(query, chosen)

    def match_media(
        self, media: Path, *, banks: Sequence[str] = (), min_revision: int = 0, content_id: str = ""
    ) -> MatchResult:
        """Exact digest first; then hash in the sandbox, quickly and where that is called for deeply, and `match`.

        Also raises MediaError, LimitExceededError.
        """
        digests = digest_file(media, self._settings.limits.max_bytes)
        exact = self.match(digests, banks=banks, min_revision=min_revision, content_id=content_id)
        if exact.is_exact:
            return exact
        quick = self.match(self._sandbox.fingerprint(media, Reading.QUICK), banks=banks, content_id=content_id)
        if not quick.deepen:
            return quick
        deep = self.match(self._sandbox.fingerprint(media, Reading.DEEP), banks=banks, content_id=content_id)
        return combined(quick, deep)

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
