"""A bank's policy on a match."""

import itertools

import pytest

from hashsvc.bank.model import Policy, Verdict
from hashsvc.match.verdict import judge, strictest

ALLOW, REVIEW, BLOCK = Verdict.ALLOW, Verdict.REVIEW, Verdict.BLOCK
POLICY = Policy(block_evidence=-6.0, block_coverage=0.5, review_evidence=-3.0)


@pytest.mark.parametrize(
    ("evidence", "coverage", "verdict"),
    [
        (-300.0, 1.0, BLOCK),
        (-6.0, 0.5, BLOCK),
        (-5.99, 1.0, REVIEW),
        (-300.0, 0.49, REVIEW),
        (-300.0, 0.0, REVIEW),
        (-3.0, 1.0, REVIEW),
        (-2.99, 1.0, ALLOW),
        (0.0, 1.0, ALLOW),
        (5.0, 1.0, ALLOW),
    ],
)
def test_judge(evidence: float, coverage: float, verdict: Verdict) -> None:
    """BLOCK needs strong evidence and a large share of the upload, REVIEW some evidence; the bounds belong to them."""
    assert judge(POLICY, evidence, coverage) is verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (Policy(block_coverage=0.0), BLOCK),
        (Policy(block_coverage=1.0), REVIEW),
        (Policy(block_evidence=-40.0), REVIEW),
        (Policy(block_evidence=-40.0, review_evidence=-40.0), ALLOW),
    ],
)
def test_policies_differ(policy: Policy, verdict: Verdict) -> None:
    """The same match, a third of an upload at 10^-20, is what each bank makes of it."""
    assert judge(policy, -20.0, 0.33) is verdict


def test_strictest() -> None:
    """One BLOCK is enough, then one REVIEW; nothing is allowed."""
    for verdicts in itertools.permutations((ALLOW, REVIEW, BLOCK)):
        assert strictest(verdicts) is BLOCK
    assert strictest([ALLOW, REVIEW, ALLOW]) is REVIEW
    assert strictest([ALLOW]) is ALLOW
    assert strictest([]) is ALLOW
