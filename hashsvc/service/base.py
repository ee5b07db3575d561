"""What the parts of the service share: the open directory, and the bounds that every call keeps to."""

from collections.abc import Collection, Sequence

from hashsvc.access.tokens import Tokens
from hashsvc.appeals.docket import Docket
from hashsvc.bank import entries, rules
from hashsvc.bank.model import Bank, Interval
from hashsvc.bank.references import References, stored
from hashsvc.bank.taxonomy import Taxonomy
from hashsvc.config import Settings
from hashsvc.decisions.log import DecisionLog
from hashsvc.errors import FingerprintError, InvalidInputError, LimitExceededError
from hashsvc.events.deliverer import Deliverer
from hashsvc.events.outbox import Outbox
from hashsvc.events.webhooks import Webhooks
from hashsvc.fingerprint.model import Fingerprint
from hashsvc.fingerprint.profiles import profile_named
from hashsvc.fingerprint.sandbox import Sandbox
from hashsvc.incidents import Current, Register
from hashsvc.match.matcher import Matcher
from hashsvc.match.processes import MatchProcesses
from hashsvc.retro.caution import Caution
from hashsvc.retro.recorder import Recorder
from hashsvc.retro.retro import Retro
from hashsvc.service.dates import Dates
from hashsvc.traffic.monitor import Monitor
from hashsvc.vaccination import Vaccinator
from hashsvc_index import Index, Store

DEFAULT_PAGE = 100


class Base:
    """Set up by `hashsvc.service.Service`."""

    tokens: Tokens
    """What a server asks of each call."""
    processes: MatchProcesses
    """Where uploads are matched. A server's event loop asks them itself."""
    _store: Store
    _index: Index
    _settings: Settings
    _taxonomy: Taxonomy
    _sandbox: Sandbox
    _references: References
    _matcher: Matcher
    _recorder: Recorder
    _retro: Retro
    _caution: Caution
    _vaccinator: Vaccinator
    _outbox: Outbox
    _webhooks: Webhooks
    _monitor: Monitor
    _register: Register
    _current: Current
    _decisions: DecisionLog
    _docket: Docket
    _deliverer: Deliverer
    _dates: Dates
    _actor: str
    """Who makes a change where the call does not say."""

    def _load(self, number: int) -> Fingerprint:
        return stored(self._store, number)

    def _checked_labels(self, bank: Bank, labels: Sequence[str], kept: Collection[str] = ()) -> str:
        """The version of the taxonomy that the labels of an entry are of; empty where the bank takes free ones.

        Raises InvalidInputError (FIELD_TOO_LONG, FIELD_INVALID, LABEL_UNKNOWN, LABEL_RETIRED), unless it has them already.
        """
        rules.check_labels(labels)
        if not bank.taxonomy_only or not labels:
            return ""
        self._taxonomy.check(labels, kept)
        return self._taxonomy.version

    def _within_limits(self, fingerprint: Fingerprint) -> None:
        """A fingerprint hashed elsewhere keeps to the same bounds as one hashed here."""
        limits = self._settings.limits
        if fingerprint.duration > limits.max_duration:
            raise LimitExceededError(
                "LIMIT_DURATION",
                f"{fingerprint.duration:.0f} s, over {limits.max_duration:.0f} s",
                limit=limits.max_duration,
            )
        if fingerprint.frames > limits.max_hashed_frames:
            raise LimitExceededError(
                "LIMIT_FRAMES",
                f"{fingerprint.frames} frames, over {limits.max_hashed_frames}",
                limit=limits.max_hashed_frames,
            )

    def _checked_reference(self, fingerprint: Fingerprint, exclusions: Sequence[Interval]) -> tuple[Interval, ...]:
        """The exclusions, settled, of a fingerprint that may be confirmed."""
        profile = profile_named(fingerprint.profile)
        fingerprint.check()
        if not entries.is_reference(fingerprint.views, profile):
            raise FingerprintError(
                "FINGERPRINT_MALFORMED", "to confirm takes the profile's reference views: hash densely"
            )
        self._within_limits(fingerprint)
        return rules.settled_exclusions(exclusions, fingerprint.duration)

    def _page_size(self, asked: int) -> int:
        if asked < 0:
            raise InvalidInputError("FIELD_INVALID", f"page_size {asked} is negative", field="page_size")
        return min(asked or DEFAULT_PAGE, self._settings.server.max_page_size)


def number_of(page_token: str) -> int:
    """What a page begins after; 0 for the first. Raises InvalidInputError PAGE_TOKEN_INVALID."""
    if page_token and not (page_token.isascii() and page_token.isdigit() and len(page_token) < 19):
        raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")
    return int(page_token or 0)
