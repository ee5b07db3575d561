"""What a bank's policy makes of matches."""

from collections.abc import Iterable

from hashsvc.bank.model import Policy, Verdict
from hashsvc.match.model import MatchResult

_STRICTNESS = {Verdict.ALLOW: 0, Verdict.REVIEW: 1, Verdict.BLOCK: 2}


def judge(policy: Policy, evidence: float, query_coverage: float) -> Verdict:
    """The verdict on one match: evidence is log10 of chance matches, coverage the matched share of the upload, 0-1."""
    if evidence <= policy.block_evidence and query_coverage >= policy.block_coverage:
        return Verdict.BLOCK
    if evidence <= policy.review_evidence:
        return Verdict.REVIEW
    return Verdict.ALLOW


def stricter(quick: MatchResult, deep: MatchResult) -> MatchResult:
    """What two readings of one upload come to: the deep one's answer, unless the quick one's is stricter."""
    return quick if _STRICTNESS[quick.verdict] > _STRICTNESS[deep.verdict] else deep


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of them; ALLOW when there are none."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.ALLOW)
