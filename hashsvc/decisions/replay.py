"""Judging an upload once more, by the entries, states, exclusions and policies as they were."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from hashsvc.bank import records
from hashsvc.bank.model import Verdict
from hashsvc.bank.references import References
from hashsvc.decisions import exhibit
from hashsvc.decisions.model import Decision, Ground, Replay, VerdictRecord
from hashsvc.decisions.past import PastIndex, PastStore
from hashsvc.errors import PreconditionError
from hashsvc.fingerprint.model import Digests, Fingerprint
from hashsvc.match.matcher import Matcher
from hashsvc.match.model import Match, MatchResult
from hashsvc.match.verdict import combined, strictest
from hashsvc_index import Store
from hashsvc_index.errors import BankNotFoundError, EntryNotFoundError

_MOST_DIFFERENCES = 50
_DIGITS = 3
"""Of evidence, that are compared: the last ones may come out otherwise on another machine."""


def replay(store: Store, references: References, decision: Decision) -> Replay:
    """Judge the upload of a verdict again, with the matcher that judges now and everything else as it was.

    Raises PreconditionError REPLAY_IMPOSSIBLE for what is no verdict, and where the upload's fingerprint or an entry's vectors
    are no longer kept; FingerprintError PROFILE_UNKNOWN.
    """
    record = decision.verdict
    if record is None:
        raise _impossible(decision, f"it is about a change or an appeal, not an upload: {decision.kind}")
    queries = _queries(store, decision, record)
    first = _replayed(store, references, decision, record, queries, record.judged_revision)
    if first.same or decision.revision == record.judged_revision:
        return first
    # A match reads entries and banks as it goes: one that changed in that moment counts as changed.
    last = _replayed(store, references, decision, record, queries, decision.revision)
    return last if last.same else first


def _queries(store: Store, decision: Decision, record: VerdictRecord) -> Sequence[Fingerprint | Digests]:
    if not record.readings and not record.profile:
        return [record.digests]
    if not record.readings:
        raise _impossible(decision, "the fingerprint of the upload was not kept, as the settings had it")
    found = []
    for digest in record.readings:
        kept = store.exhibit(bytes.fromhex(digest))
        if not kept:
            raise _impossible(
                decision, f"the fingerprint of the upload has expired, or was too large to keep: {digest}"
            )
        found.append(exhibit.unpack(kept))
    return found


def _replayed(
    store: Store, references: References, decision: Decision, record: VerdictRecord,
    queries: Sequence[Fingerprint | Digests], revision: int,
) -> Replay:  # fmt: skip
    try:
        past = PastStore(store, revision)
        result = _judged(past, references, record, queries)
    except (BankNotFoundError, EntryNotFoundError) as error:
        raise _impossible(decision, f"what it was judged by is gone: {error.message}") from error
    differences = tuple(_differences(record, result))
    return Replay(
        decision=decision.decision,
        revision=revision,
        same=not differences,
        logged=record.verdict,
        verdict=result.verdict,
        matches=result.matches,
        differences=differences[:_MOST_DIFFERENCES],
    )


def _judged(
    past: PastStore, references: References, record: VerdictRecord, queries: Sequence[Fingerprint | Digests]
) -> MatchResult:
    matcher = Matcher(past, PastIndex(past), references)
    banks = {name: records.bank_of(past.get_bank(name)) for name in record.asked}
    held = {one.place: one.match.breaker for one in record.grounds if one.match.breaker}
    results = [_held(matcher.match(query, banks), held) for query in queries]
    return results[0] if len(results) == 1 else combined(*results)


def _held(result: MatchResult, held: Mapping[tuple[str, str], str]) -> MatchResult:
    """The result as breakers that were tripped left it."""
    matches = tuple(
        dataclasses.replace(one, verdict=Verdict.REVIEW, breaker=held[one.bank, one.entry])
        if (one.bank, one.entry) in held and one.verdict is Verdict.BLOCK
        else one
        for one in result.matches
    )
    return dataclasses.replace(result, matches=matches, verdict=strictest(one.verdict for one in matches))


def _differences(record: VerdictRecord, result: MatchResult) -> Iterator[str]:
    if record.verdict is not result.verdict:
        yield f"The verdict was {record.verdict}, and is {result.verdict}."
    now = {(one.bank, one.entry): one for one in result.matches}
    for ground in record.grounds:
        yield from _difference(ground, now.pop(ground.place, None))
    if not record.omitted:
        for bank, entry in now:
            yield f"{bank}/{entry} is found, and was not."


def _difference(ground: Ground, now: Match | None) -> Iterator[str]:
    name, then = "/".join(ground.place), ground.match
    if now is None:
        yield f"{name} was found, and is not."
        return
    facts: tuple[tuple[str, Callable[[Match], object]], ...] = (
        ("verdict", lambda one: str(one.verdict)),
        ("state", lambda one: str(one.state)),
        ("evidence", lambda one: round(one.evidence, _DIGITS)),
        ("matched share of the upload", lambda one: round(one.query_coverage, _DIGITS)),
    )
    for what, fact in facts:
        if fact(then) != fact(now):
            yield f"{name}: the {what} was {fact(then)}, and is {fact(now)}."


def _impossible(decision: Decision, why: str) -> PreconditionError:
    return PreconditionError(
        "REPLAY_IMPOSSIBLE",
        f"decision {decision.decision} cannot be replayed: {why}",
        decision=decision.decision,
    )
