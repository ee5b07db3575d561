"""What a verdict rests on: its matches, with what the store knows of their entries and banks."""

from collections.abc import Sequence

from hashsvc.bank.model import Bank
from hashsvc.decisions.model import OWN, Ground, VerdictRecord
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.known import Known
from hashsvc.match.model import MatchResult
from hashsvc.traffic.monitor import upload_of


def record_of(
    known: Known,
    result: MatchResult,
    queries: Sequence[Fingerprint | Digests],
    *,
    asked: Sequence[str],
    content_id: str,
) -> VerdictRecord:
    """The record of `result`, to which the readings of one upload in `queries` came; `known` is the store's, of now."""
    first = queries[0]
    return VerdictRecord(
        verdict=result.verdict,
        judged_revision=result.revision,
        upload=upload_of(first),
        content_id=content_id,
        profile=first.profile if isinstance(first, Fingerprint) else "",
        duration=first.duration if isinstance(first, Fingerprint) else 0.0,
        asked=tuple(asked),
        policies=_policies(known, result),
        grounds=_grounds(known, result),
        excused=result.excused,
        digests=first.digests if isinstance(first, Fingerprint) else first,
    )


def _policies(known: Known, result: MatchResult) -> tuple[Bank, ...]:
    """The banks of the matches, in order of name."""
    return tuple(known.bank(bank) for bank in sorted({one.bank for one in result.matches}))


def _grounds(known: Known, result: MatchResult) -> tuple[Ground, ...]:
    grounds = []
    for match in result.matches:
        entry = known.named(match.bank, match.entry)
        grounds.append(
            Ground(
                match=match,
                labels=entry.labels,
                source=entry.details.partner or OWN,
                entry_revision=entry.revision,
            )
        )
    return tuple(grounds)
