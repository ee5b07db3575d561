"""Counting a period of the log."""

import dataclasses
import datetime

from hashsvc.bank.model import Details, Verdict
from hashsvc.fingerprint.model import Digests
from hashsvc.report.model import AppealCount, Enforcement, StepCount, UploadCount, VerdictCount
from hashsvc.service import Service
from tests.decisions.conftest import BOTH, COPY, EXCERPT, STRANGER, VIDEO, confirmed, refused, searched
from tests.report.conftest import Clock

EARLY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
LATE = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def test_everything_once(clock: Clock, service: Service) -> None:
    """Uploads by their strictest verdict, by label and source; answers; steps; appeals; and the log verifies."""
    first = confirmed(service, labels=["incident-7", "ppc"])
    confirmed(service, 2)
    clock.forward(hours=1)
    for _ in range(3):
        service.match(EXCERPT, content_id="news")
    service.match(COPY, content_id="post-1")
    service.match(BOTH, content_id="both")
    service.match(VIDEO.digests, content_id="same")
    service.match(VIDEO, content_id="same again")
    service.match(STRANGER)
    appeal = service.open_appeal("mine", content_id="post-1", actor="ann")
    other = service.open_appeal("mine", content_id="both", actor="ann")
    service.open_appeal("mine", content_id="same", actor="ann")
    clock.forward(hours=2)
    service.decide_appeal(appeal.appeal, upheld=True, reason="r", actor="ben")
    clock.forward(hours=2)
    service.decide_appeal(other.appeal, upheld=False, reason="r", actor="ben")
    service.reinstate_content(appeal.appeal)
    service.withdraw("default", first.entry)
    report = service.report(EARLY, LATE)
    assert (report.decisions, report.faults) == (18, ())
    assert report.head == service.verify_decisions().head
    assert report.verdicts == (
        VerdictCount(verdict=Verdict.BLOCK, decisions=4, uploads=3, exact=1),
        VerdictCount(verdict=Verdict.REVIEW, decisions=3, uploads=1, exact=0),
    )
    assert report.uploads == (
        UploadCount(label="(none)", source="own", verdict=Verdict.BLOCK, uploads=1),  # by what blocked it alone
        *(
            UploadCount(label=label, source="own", verdict=verdict, uploads=uploads)
            for label in ("incident-7", "ppc")
            for verdict, uploads in ((Verdict.BLOCK, 2), (Verdict.REVIEW, 1))
        ),
    )
    assert report.steps == (
        StepCount(kind="bank", step="create", count=1),
        StepCount(kind="entry", step="confirm", count=2),
        StepCount(kind="entry", step="dispute", count=1),
        StepCount(kind="entry", step="withdraw", count=1),
    )
    assert report.appeals == AppealCount(
        opened=3, upheld=1, rejected=1, open_at_end=1, median_seconds=3 * 3600.0, reinstated=1
    )
    assert report.enforcement == Enforcement(entries=2, median_seconds=3600.0, waiting=0)


def test_whose_entries_they_were(service: Service) -> None:
    """A partner's entry counts under its partner, as that was when the verdict was given."""
    theirs = confirmed(service, details=Details(partner="TAT", partner_id="4711"), labels=["ppc"])
    confirmed(service, 2)
    service.match(COPY, content_id="theirs")
    service.match(BOTH, content_id="both")
    service.update_entry("default", theirs.entry, details=Details(partner="GIFCT"))
    searched(service)
    service.match(EXCERPT, content_id="news")
    assert service.report(EARLY, LATE).uploads == (
        UploadCount(label="(none)", source="own", verdict=Verdict.BLOCK, uploads=1),  # by what blocked it alone
        UploadCount(label="ppc", source="GIFCT", verdict=Verdict.REVIEW, uploads=1),
        UploadCount(label="ppc", source="TAT", verdict=Verdict.BLOCK, uploads=1),
    )


def test_the_strictest_counts(service: Service) -> None:
    """An upload that was REVIEW for a candidate and BLOCK later is one BLOCK; asked for again it is no more."""
    service.create_bank("two", two_person=True)
    made = service.confirm("two", VIDEO, labels=["then"])
    searched(service)
    named = dataclasses.replace(COPY, digests=Digests(sha256=b"u" * 32))
    service.match(named)
    service.approve("two", made.entry, actor="ben")
    searched(service)
    service.match(named)
    service.dispute("two", made.entry)
    searched(service)
    service.match(named)
    report = service.report(EARLY, LATE)
    assert [(one.verdict, one.decisions, one.uploads) for one in report.verdicts] == [
        (Verdict.BLOCK, 1, 1), (Verdict.REVIEW, 2, 0),
    ]  # fmt: skip
    assert report.uploads == (UploadCount(label="then", source="own", verdict=Verdict.BLOCK, uploads=1),)


def test_only_the_period(clock: Clock, service: Service) -> None:
    """What was before or after counts only where it tells what was first: an entry blocks for the first time once."""
    confirmed(service)
    confirmed(service, 2)
    clock.forward(days=1)
    service.match(COPY, content_id="post-1")
    appeal = service.open_appeal("mine", content_id="post-1", actor="ann")
    start = clock.forward(days=1)
    service.match(COPY, content_id="post-2")
    service.decide_appeal(appeal.appeal, upheld=False, reason="r", actor="ben")
    third = confirmed(service, 3)
    end = clock.forward(days=1)
    service.match(BOTH)
    service.open_appeal("mine", content_id="post-1", actor="ann")
    service.withdraw("default", third.entry)
    report = service.report(start, end)
    assert report.decisions == 3
    assert [one.decisions for one in report.verdicts] == [1, 0]
    assert report.enforcement == Enforcement(entries=0, waiting=1)
    assert report.appeals == AppealCount(rejected=1, median_seconds=86400.0)
    before = service.report(EARLY, start)
    assert before.enforcement == Enforcement(entries=1, median_seconds=86400.0, waiting=1)
    assert (before.appeals.opened, before.appeals.open_at_end) == (1, 1)
    nothing = service.report(LATE, LATE + datetime.timedelta(days=1))
    assert (nothing.decisions, nothing.uploads, nothing.appeals.open_at_end) == (0, (), 1)


def test_what_a_breaker_held(service: Service) -> None:
    """Those uploads are REVIEW, and counted as held."""
    confirmed(service)
    for number in range(44):
        service.match(dataclasses.replace(COPY, digests=Digests(sha256=bytes([number + 1]) * 32)))
    report = service.report(EARLY, LATE)
    assert [one.uploads for one in report.verdicts] == [40, 4]
    assert report.held == 4


def test_a_log_with_faults_says_so(service: Service) -> None:
    """Its figures are given with the faults; a record that says nothing is an error."""
    confirmed(service)
    store = service._store
    store.append(decisions=[store.decision(2).payload])
    key = (2).to_bytes(8, "big")
    store.environment.write(0, lambda writing: writing.delete(key, db=store.environment.table(b"decisions")))
    assert service.report(EARLY, LATE).faults == ("Decision 2 is missing.",)
    store.append(decisions=[b"rubbish"])
    refused(lambda: service.report(EARLY, LATE), "STORE_CORRUPT")


def test_bad_input(service: Service) -> None:
    """No period, and times without a zone."""
    for since, until in (
        (LATE, EARLY),
        (EARLY, EARLY),
        (datetime.datetime(2026, 1, 1), LATE),
        (EARLY, LATE.replace(tzinfo=None)),
    ):
        refused(lambda since=since, until=until: service.report(since, until), "FIELD_INVALID")  # type: ignore[misc]
    assert service.report(EARLY).until > EARLY
