"""What a verdict rests on: its matches, with what the store knows of their entries and banks."""

from collections.abc import Sequence

from hashsvc.bank import records
from hashsvc.bank.model import Bank
from hashsvc.decisions.model import OWN, Ground, VerdictRecord
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.model import MatchResult
from hashsvc.traffic.monitor import upload_of
from hashsvc_index import Store


def record_of(
    store: Store,
    result: MatchResult,
    queries: Sequence[Fingerprint | Digests],
    *,
    asked: Sequence[str],
    content_id: str,
) -> VerdictRecord:
    """The record of `result`, to which the readings of one upload in `queries` came."""
    first = queries[0]
    return VerdictRecord(
        verdict=result.verdict,
        judged_revision=result.revision,
        upload=upload_of(first),
        content_id=content_id,
        profile=first.profile if isinstance(first, Fingerprint) else "",
        duration=first.duration if isinstance(first, Fingerprint) else 0.0,
        asked=tuple(asked),
        policies=_policies(store, result),
        grounds=_grounds(store, result),
        excused=result.excused,
        digests=first.digests if isinstance(first, Fingerprint) else first,
    )


def _policies(store: Store, result: MatchResult) -> tuple[Bank, ...]:
    """The banks of the matches, in order of name."""
    return tuple(records.bank_of(store.get_bank(bank)) for bank in sorted({one.bank for one in result.matches}))


def _grounds(store: Store, result: MatchResult) -> tuple[Ground, ...]:
    grounds = []
    for match in result.matches:
        entry = records.entry_of(store.get_entry(match.bank, match.entry))
        grounds.append(
            Ground(
                match=match,
                labels=entry.labels,
                source=entry.details.partner or OWN,
                entry_revision=entry.revision,
            )
        )
    return tuple(grounds)
