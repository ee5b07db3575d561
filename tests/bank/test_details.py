"""What may be kept with an entry."""

import dataclasses
import datetime
from typing import Any

import pytest

from hashsvc.bank import details
from hashsvc.bank.model import Details
from hashsvc.errors import InvalidInputError

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(days=30)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"metadata": {str(key): "x" for key in range(33)}}, "FIELD_TOO_LONG"),
        ({"metadata": {"k" * 65: "x"}}, "FIELD_TOO_LONG"),
        ({"metadata": {"k": "x" * 1025}}, "FIELD_TOO_LONG"),
        ({"metadata": {str(key): "ä" * 1024 for key in range(4)}}, "FIELD_TOO_LONG"),
        ({"metadata": {"": "x"}}, "FIELD_INVALID"),
        ({"metadata": {" ": "x"}}, "FIELD_INVALID"),
        ({"metadata": {"a=b": "x"}}, "FIELD_INVALID"),
        ({"metadata": {"a\nb": "x"}}, "FIELD_INVALID"),
        ({"metadata": {"a": "\x1b[31m"}}, "FIELD_INVALID"),
        ({"metadata": {"a": "\udcff"}}, "FIELD_INVALID"),
        ({"partner": "x" * 129}, "FIELD_TOO_LONG"),
        ({"partner": "TAT", "partner_id": "x" * 513}, "FIELD_TOO_LONG"),
        ({"partner_id": "4711"}, "FIELD_INVALID"),
        ({"legal_basis": "x" * 513}, "FIELD_TOO_LONG"),
        ({"review_by": datetime.datetime(2027, 1, 1)}, "FIELD_INVALID"),
        ({"expires_at": datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))}, "FIELD_INVALID"),
    ],
)  # fmt: skip
def test_refused(given: dict[str, Any], reason: str) -> None:
    """Each has its reason, and a message that does not repeat all of it."""
    with pytest.raises(InvalidInputError) as caught:
        details.settled(Details(**given))
    assert caught.value.reason == reason
    assert len(caught.value.message) < 200


def test_the_most_that_is_allowed() -> None:
    """Up to the bounds, and dates in any zone, of which the same moment is kept to the millisecond."""
    zone = datetime.timezone(datetime.timedelta(hours=13))
    given = Details(
        metadata={f"{key:064}": "x" * 192 for key in range(32)},
        partner="x" * 128,
        partner_id="y" * 512,
        legal_basis="z" * 512,
        review_by=LATER.replace(microsecond=123456).astimezone(zone),
    )
    settled = details.settled(given)
    assert settled == dataclasses.replace(given, review_by=LATER.replace(microsecond=123000))
    assert settled.review_by is not None and settled.review_by.tzinfo is datetime.UTC


def test_only_named_fields_change() -> None:
    """The others stay, and a field that there is not is refused."""
    before = Details(metadata={"a": "1"}, partner="TAT", partner_id="7", expires_at=LATER)
    after = details.changed(before, Details(metadata={"b": "2"}, legal_basis="law"), ["metadata", "expires_at"])
    assert after == Details(metadata={"b": "2"}, partner="TAT", partner_id="7")
    assert details.changed(before, Details(), ()) == before
    with pytest.raises(InvalidInputError):
        details.changed(before, Details(), ["colour"])


def test_new_dates() -> None:
    """Only those that were not there, which must not have passed."""
    before = Details(review_by=NOW)
    assert details.new_dates(before, dataclasses.replace(before, expires_at=LATER), NOW) == [LATER]
    assert details.new_dates(before, Details(), LATER) == []
    for field in details.DATES:
        with pytest.raises(InvalidInputError):
            details.new_dates(Details(), Details(**{field: NOW}), NOW)  # type: ignore[arg-type]
    assert details.is_review_due(before, NOW) and not details.is_review_due(Details(review_by=LATER), NOW)
