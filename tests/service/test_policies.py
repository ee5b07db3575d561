"""What banks make of matches: rules, and where the answer says why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hashsvc.bank.model import BankMode, Policy, Rule, Verdict
from hashsvc.config import BreakerSettings, Settings
from hashsvc.match.model import MatchResult
from hashsvc.service import DEFAULT_BANK, Service
from tests.match.synthetic import a_reference, an_upload

VIDEO = a_reference(1)
UPLOAD = an_upload([(VIDEO, 3.0, 12.0, 1.0), (None, 0.0, 18.0, 1.0)])
"""12 s of the video in 30 s: REVIEW by the thresholds."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """With the video in its default bank, labelled `gore`."""
    with Service.open(tmp_path / "data", actor="mia") as opened:
        opened.confirm(DEFAULT_BANK, VIDEO, labels=["gore"])
        yield opened


def ruled(service: Service, *rules: Rule) -> MatchResult:
    """The answer to the upload under these rules."""
    bank = service.update_bank(DEFAULT_BANK, policy=Policy(rules=rules))
    return service.match(UPLOAD, min_revision=bank.revision)


def test_rules_decide(service: Service) -> None:
    """By matched seconds, share and label; the match says which rule it was, or which threshold."""
    [plain] = ruled(service).matches
    assert (plain.verdict, plain.reason) == (Verdict.REVIEW, "threshold: review if evidence<=-4")
    [blocked] = ruled(service, Rule(verdict=Verdict.BLOCK, seconds=11.0, labels=("gore",))).matches
    assert (blocked.verdict, blocked.reason) == (Verdict.BLOCK, "rule 1: block if seconds>=11 label=gore")
    too_short = ruled(service, Rule(verdict=Verdict.BLOCK, seconds=13.0), Rule(verdict=Verdict.BLOCK, labels=("x",)))
    assert too_short.matches == (plain,)


def test_what_a_rule_allows_is_excused(service: Service) -> None:
    """It is no match, and the answer says what was recognised and which rule let it pass, for equal bytes as well."""
    allowed = ruled(service, Rule(verdict=Verdict.ALLOW, share=0.3, labels=("news", "gore")))
    assert (allowed.verdict, allowed.matches) == (Verdict.ALLOW, ())
    [excused] = allowed.excused
    assert excused.reason == "rule 1: allow if share>=0.3 label=news,gore"
    assert excused.seconds == pytest.approx(12.0, abs=1.0)
    same = service.match(VIDEO.digests)
    assert (same.verdict, [one.reason for one in same.excused]) == (Verdict.ALLOW, [excused.reason])
    assert not same.is_exact


def test_equal_bytes_under_review_do_not_end_the_search(service: Service) -> None:
    """Where a rule makes them REVIEW, a copy in another bank may still be blocked."""
    service.update_bank(DEFAULT_BANK, policy=Policy(rules=(Rule(verdict=Verdict.REVIEW),)))
    service.create_bank("strict")
    entry = service.confirm("strict", a_reference(1, seconds=39.0))
    digests = service.match(VIDEO.digests)
    assert (digests.verdict, digests.is_exact) == (Verdict.REVIEW, False)
    assert service.match(VIDEO, min_revision=entry.revision).verdict is Verdict.BLOCK


def test_a_dry_run_knows_the_labels(service: Service) -> None:
    """What a rule would make of recent uploads depends on the labels that the entry is to have."""
    service.update_bank(DEFAULT_BANK, policy=Policy(rules=(Rule(verdict=Verdict.BLOCK, labels=("new",)),)))
    service.match(UPLOAD, content_id="post-1")
    for labels, verdict in (((), Verdict.REVIEW), (("new",), Verdict.BLOCK)):
        [hit] = service.dry_run(DEFAULT_BANK, VIDEO, labels=labels).hits
        assert hit.match.verdict is verdict


def test_a_bank_that_observes(service: Service) -> None:
    """Its match is told with what the verdict would be, and the verdict is that of the banks that enforce."""
    service.update_bank(DEFAULT_BANK, mode=BankMode.OBSERVE)
    copy = an_upload([(VIDEO, 3.0, 12.0, 1.0)])
    result = service.match(copy, min_revision=service.revision)
    assert (result.verdict, result.observed) == (Verdict.ALLOW, Verdict.BLOCK)
    [match] = result.matches
    assert (match.verdict, match.observed) == (Verdict.ALLOW, Verdict.BLOCK)
    assert match.reason == "threshold: block if evidence<=-6 share>=0.5"
    same = service.match(VIDEO.digests)
    assert (same.verdict, same.observed, same.is_exact) == (Verdict.ALLOW, Verdict.BLOCK, False)
    service.create_bank("strict")
    service.confirm("strict", a_reference(1))
    both = service.match(copy, min_revision=service.revision)
    assert (both.verdict, both.observed) == (Verdict.BLOCK, Verdict.BLOCK)
    assert {one.bank: one.observed for one in both.matches} == {DEFAULT_BANK: Verdict.BLOCK, "strict": None}
    service.update_bank(DEFAULT_BANK, mode=BankMode.ENFORCE)
    enforced = service.match(copy, min_revision=service.revision)
    assert (enforced.verdict, enforced.observed) == (Verdict.BLOCK, None)


def test_what_observes_trips_no_breaker(tmp_path: Path) -> None:
    """Twenty uploads in a row are told as a burst of what would be blocked, and no breaker trips."""
    settings = Settings(breaker=BreakerSettings(hits=5, burst_hits=5))
    with Service.open(tmp_path / "data", settings) as service:
        service.update_bank(DEFAULT_BANK, mode=BankMode.OBSERVE)
        service.confirm(DEFAULT_BANK, VIDEO)
        for seed in range(20):
            result = service.match(an_upload([(VIDEO, 3.0, 12.0, 1.0)], seed=seed), min_revision=service.revision)
            assert (result.verdict, result.observed) == (Verdict.ALLOW, Verdict.BLOCK)
    with Service.open(tmp_path / "data", settings) as service:
        told = {one.type.rpartition(".")[2]: one.data for one in service.watch(after=0, stop_at_end=True)}
        assert (told["first-match"]["verdict"], told["first-match"]["observed"]) == ("ALLOW", "BLOCK")
        assert (told["burst"]["verdict"], told["burst"]["observed"]) == ("ALLOW", "BLOCK")
        assert service.list_breakers().items == ()
