"""A bank's policy on a match."""

import dataclasses
import itertools

import pytest

from hashsvc.bank.model import EntryState, Policy, Rule, Verdict
from hashsvc.match.model import EXCLUDED, Excused, Match, MatchResult, Segment
from hashsvc.match.verdict import combined, judge, strictest

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
    assert judge(POLICY, evidence, coverage, 10.0).verdict is verdict


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
    assert judge(policy, -20.0, 0.33, 10.0).verdict is verdict


RULES = Policy(
    rules=(
        Rule(verdict=ALLOW, labels=("film", "game"), evidence=-5.0),
        Rule(verdict=BLOCK, evidence=-6.0, share=0.25, seconds=5.0),
        Rule(verdict=REVIEW, seconds=60.0),
    )
)


@pytest.mark.parametrize(
    ("evidence", "share", "seconds", "labels", "verdict", "reason"),
    [
        (-6.0, 0.25, 5.0, (), BLOCK, "rule 2: block if evidence<=-6 share>=0.25 seconds>=5"),
        (-6.0, 0.25, 5.0, ("gore", "game"), ALLOW, "rule 1: allow if evidence<=-5 label=film,game"),
        (-4.9, 0.25, 5.0, ("game",), REVIEW, "threshold: review if evidence<=-4"),
        (-6.0, 0.25, 4.9, (), REVIEW, "threshold: review if evidence<=-4"),
        (-6.0, 0.24, 5.0, ("news",), REVIEW, "threshold: review if evidence<=-4"),
        (-5.9, 1.0, 60.0, (), REVIEW, "rule 3: review if seconds>=60"),
        (-6.0, 0.6, 4.0, (), BLOCK, "threshold: block if evidence<=-6 share>=0.5"),
        (-3.0, 1.0, 5.0, (), ALLOW, "weaker than every threshold"),
    ],
)
def test_rules(
    evidence: float, share: float, seconds: float, labels: tuple[str, ...], verdict: Verdict, reason: str
) -> None:
    """The first rule of which all conditions hold decides, bounds included; where none does, the thresholds do."""
    ruling = judge(RULES, evidence, share, seconds, labels)
    assert (ruling.verdict, ruling.reason) == (verdict, reason)


def test_order_decides() -> None:
    """A rule that always applies hides those after it, and the thresholds."""
    policy = Policy(rules=(Rule(verdict=REVIEW), Rule(verdict=BLOCK)))
    assert judge(policy, -300.0, 1.0, 60.0).verdict is REVIEW


@pytest.mark.parametrize("state", [EntryState.CANDIDATE, EntryState.DISPUTED])
def test_a_rule_blocks_for_confirmed_entries_only(state: EntryState) -> None:
    """What is not confirmed is REVIEW at most, by rules as by thresholds, and the reason says so."""
    for policy in (Policy(), Policy(rules=(Rule(verdict=BLOCK),))):
        ruling = judge(policy, -300.0, 1.0, 60.0, state=state)
        assert ruling.verdict is REVIEW
        assert ruling.reason.endswith(f"but the entry is {state}")


def test_strictest() -> None:
    """One BLOCK is enough, then one REVIEW; nothing is allowed."""
    for verdicts in itertools.permutations((ALLOW, REVIEW, BLOCK)):
        assert strictest(verdicts) is BLOCK
    assert strictest([ALLOW, REVIEW, ALLOW]) is REVIEW
    assert strictest([ALLOW]) is ALLOW
    assert strictest([]) is ALLOW


def a_match(entry: str, verdict: Verdict, evidence: float) -> Match:
    """Of an entry, with nothing more to it."""
    return Match(
        bank="b", entry=entry, external_id="", evidence=evidence, query_coverage=1.0, reference_coverage=1.0, mean_distance=9.0,
        verdict=verdict, segments=(),
    )  # fmt: skip


def test_two_readings_together() -> None:
    """What either reading found counts, each entry by its stronger match; an excuse holds unless the other reading matched."""
    excused = Excused(bank="b", entry="three", external_id="", reason=EXCLUDED, seconds=4.0)
    other = Excused(bank="b", entry="four", external_id="", reason=EXCLUDED, seconds=4.0)
    quick = MatchResult(
        verdict=REVIEW,
        revision=1,
        matches=(a_match("one", REVIEW, -9.0), a_match("two", REVIEW, -5.0)),
        excused=(excused, other),
        deepen=True,
    )
    deep = MatchResult(
        verdict=BLOCK,
        revision=2,
        matches=(a_match("two", BLOCK, -12.0), a_match("three", REVIEW, -8.0), a_match("one", REVIEW, -4.5)),
    )
    found = combined(quick, deep)
    assert (found.verdict, found.revision, found.deepen) == (BLOCK, 2, False)
    assert [(one.entry, one.evidence) for one in found.matches] == [("two", -12.0), ("one", -9.0), ("three", -8.0)]
    assert [one.entry for one in found.excused] == ["four"]
    nothing = MatchResult(verdict=ALLOW, revision=3)
    assert combined(quick, nothing).verdict is REVIEW
    assert combined(nothing, nothing) == nothing


def test_a_lookalike_of_one_reading_is_explained_by_the_other() -> None:
    """Unless the entry that explains it may not block itself: it must not weaken one that may."""
    segment = Segment(
        query_start=0, query_end=9, reference_start=0, reference_end=9, speed=1.0, view="full/full", mean_distance=8
    )
    vague = dataclasses.replace(segment, view="top-72/full", mean_distance=78)
    quick = MatchResult(
        verdict=REVIEW,
        revision=5,
        matches=(dataclasses.replace(a_match("b", REVIEW, -4.5), segments=(vague,), mean_distance=78),),
    )
    plain = dataclasses.replace(a_match("a", BLOCK, -80), segments=(segment,), mean_distance=8)
    deep = MatchResult(verdict=BLOCK, revision=5, matches=(plain,))
    assert [one.entry for one in combined(quick, deep).matches] == ["a"]
    for other in (
        dataclasses.replace(plain, verdict=REVIEW, state=EntryState.DISPUTED),
        dataclasses.replace(plain, verdict=Verdict.ALLOW, observed=BLOCK),
    ):
        deep = MatchResult(verdict=other.verdict, revision=5, matches=(other,))
        assert {one.entry for one in combined(quick, deep).matches} == {"a", "b"}
