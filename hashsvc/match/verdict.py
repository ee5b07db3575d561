"""What a bank's policy makes of matches."""

from collections.abc import Iterable

from hashsvc.bank.model import EntryState, Policy, Verdict
from hashsvc.match.model import Match, MatchResult

_STRICTNESS = {Verdict.ALLOW: 0, Verdict.REVIEW: 1, Verdict.BLOCK: 2}


def judge(policy: Policy, evidence: float, query_coverage: float, state: EntryState = EntryState.CONFIRMED) -> Verdict:
    """The verdict on one match: evidence is log10 of chance matches, coverage the matched share of the upload, 0-1.

    Nothing is blocked by an entry that is not confirmed.
    """
    confirmed = state is EntryState.CONFIRMED
    if confirmed and evidence <= policy.block_evidence and query_coverage >= policy.block_coverage:
        return Verdict.BLOCK
    if evidence <= policy.review_evidence:
        return Verdict.REVIEW
    return Verdict.ALLOW


def combined(quick: MatchResult, deep: MatchResult) -> MatchResult:
    """What two readings of one upload come to: every entry that either found, each by its stronger match."""
    best: dict[tuple[str, str], Match] = {}
    for one in (*quick.matches, *deep.matches):
        known = best.get((one.bank, one.entry))
        if known is None or _strength(one) > _strength(known):
            best[one.bank, one.entry] = one
    excused = {(one.bank, one.entry): one for one in (*quick.excused, *deep.excused)}
    return MatchResult(
        verdict=strictest(one.verdict for one in best.values()),
        revision=deep.revision,
        matches=tuple(sorted(best.values(), key=lambda one: (one.evidence, one.entry))),
        excused=tuple(one for place, one in excused.items() if place not in best),
    )


def _strength(match: Match) -> tuple[int, float]:
    return _STRICTNESS[match.verdict], -match.evidence


def mildest(verdicts: Iterable[Verdict]) -> Verdict:
    """The mildest of them, of which there is one at least."""
    return min(verdicts, key=_STRICTNESS.__getitem__)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of them; ALLOW when there are none."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.ALLOW)
