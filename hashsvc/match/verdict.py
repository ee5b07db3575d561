"""What a bank's policy makes of matches."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence

from hashsvc.bank.model import EntryState, Policy, Rule, Verdict
from hashsvc.match.allow import is_explained
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.rivals import explains

_STRICTNESS = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on one match."""

    verdict: Verdict
    reason: str
    """Which rule or threshold it comes from: `rule 2: block if seconds>=5`."""


def judge(
    policy: Policy,
    evidence: float,
    share: float,
    seconds: float,
    labels: Sequence[str] = (),
    state: EntryState = EntryState.CONFIRMED,
) -> Judgement:
    """The verdict on one match: evidence is log10 of chance matches, `share` of the upload matched, 0-1, in so many seconds.

    The first rule that applies decides, and where none does the thresholds do. Nothing is blocked by an entry that is
    not confirmed.
    """
    for rule, text in _told(policy):
        if _applies(rule, evidence, share, seconds, labels):
            if rule.verdict is Verdict.BLOCK and state is not EntryState.CONFIRMED:
                return Judgement(Verdict.REVIEW, f"{text}; but the entry is {state}")
            return Judgement(rule.verdict, text)
    return Judgement(Verdict.ALLOW, "weaker than every threshold")


@functools.lru_cache(256)
def _told(policy: Policy) -> tuple[tuple[Rule, str], ...]:
    """What a policy asks in turn, and what is told of it. Policies are few, and a flood is judged by one of them."""
    return (
        *((rule, f"rule {place}: {rule}") for place, rule in enumerate(policy.rules, 1)),
        *((rule, f"threshold: {rule}") for rule in policy.thresholds),
    )


def _applies(rule: Rule, evidence: float, share: float, seconds: float, labels: Sequence[str]) -> bool:
    return (
        (rule.evidence is None or evidence <= rule.evidence)
        and share >= rule.share
        and seconds >= rule.seconds
        and (not rule.labels or not set(rule.labels).isdisjoint(labels))
    )


def combined(quick: MatchResult, deep: MatchResult) -> MatchResult:
    """What two readings of one upload come to: every entry that either found, each by its stronger match.

    A match of one reading is none where the other tells that an allow bank explains it. A deep reading has all views of a
    quick one, and so has settled what that says; but what the quick one left of an entry beside the same film, which it
    saw itself, is not of the film. Nor is a lookalike of one reading believed where the other plainly shows what it is;
    only what may block does away with others, which may be what does.
    """
    best: dict[tuple[str, str], Match] = {}
    seen = {(one.bank, one.entry, one.by_bank, one.by_entry) for one in quick.excused if one.by_entry}
    quickly = [
        one
        for one in quick.matches
        if not any(
            is_explained(one, other, in_any_view=(other.bank, other.entry, other.by_bank, other.by_entry) not in seen)
            for other in deep.excused
            if other.by_entry
        )
    ]
    deeply = [
        one
        for one in deep.matches
        if not any(is_explained(one, other, in_any_view=False) for other in quick.excused if other.by_entry)
    ]
    for one in (*quickly, *deeply):
        known = best.get((one.bank, one.entry))
        if known is None or _strength(one) > _strength(known):
            best[one.bank, one.entry] = one
    plain = [one for one in (*quickly, *deeply) if one.state is EntryState.CONFIRMED and one.observed is None]
    best = {
        key: one for key, one in best.items() if not any(explains(other, one, of_one_reading=False) for other in plain)
    }
    excused = {(one.bank, one.entry, one.by_bank, one.by_entry): one for one in (*quick.excused, *deep.excused)}
    return MatchResult(
        verdict=strictest(one.verdict for one in best.values()),
        revision=deep.revision,
        matches=tuple(sorted(best.values(), key=lambda one: (one.evidence, one.entry))),
        excused=tuple(one for one in excused.values() if one.by_entry or (one.bank, one.entry) not in best),
    )


def _strength(match: Match) -> tuple[int, bool, float]:
    """What only a breaker made REVIEW comes before what is no more than that."""
    return _STRICTNESS[match.judged], bool(match.breaker), -match.evidence


def mildest(verdicts: Iterable[Verdict]) -> Verdict:
    """The mildest of them, of which there is one at least."""
    return min(verdicts, key=_STRICTNESS.__getitem__)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The strictest of them; ALLOW when there are none."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.ALLOW)
