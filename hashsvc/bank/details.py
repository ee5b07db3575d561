"""What people keep with an entry beside its labels: how it may be said, and how it changes."""

import dataclasses
import datetime
from collections.abc import Collection, Mapping

from hashsvc.bank.model import Details
from hashsvc.bank.rules import check_text
from hashsvc.errors import InvalidInputError

FIELDS = tuple(field.name for field in dataclasses.fields(Details))
MAX_METADATA = 32
MAX_KEY = 64
MAX_VALUE = 1024
MAX_METADATA_BYTES = 8192
"""Of all keys and values in UTF-8."""
MAX_PARTNER = 128
MAX_PARTNER_ID = 512
MAX_LEGAL_BASIS = 512
DATES = ("review_by", "expires_at")


def settled(details: Details) -> Details:
    """The details with their dates in UTC, to the millisecond, as they are stored.

    Raises InvalidInputError FIELD_TOO_LONG, FIELD_INVALID.
    """
    _check_metadata(details.metadata)
    check_text("partner", details.partner, MAX_PARTNER)
    check_text("partner_id", details.partner_id, MAX_PARTNER_ID)
    check_text("legal_basis", details.legal_basis, MAX_LEGAL_BASIS)
    if details.partner_id and not details.partner:
        raise InvalidInputError("FIELD_INVALID", "partner_id takes a partner", field="partner_id")
    return dataclasses.replace(
        details,
        metadata=dict(details.metadata),
        review_by=_settled_date("review_by", details.review_by),
        expires_at=_settled_date("expires_at", details.expires_at),
    )


def changed(before: Details, given: Details, fields: Collection[str]) -> Details:
    """`before` with some fields of `given`. Raises as `settled`, and FIELD_INVALID for a field that there is not."""
    for field in sorted(set(fields) - set(FIELDS)):
        raise InvalidInputError("FIELD_INVALID", f"{field[:80]!r} is no field of details", field="fields")
    return settled(dataclasses.replace(before, **{field: getattr(given, field) for field in fields}))


def new_dates(before: Details, after: Details, now: datetime.datetime) -> list[datetime.datetime]:
    """The dates of `after` that `before` does not have. Raises InvalidInputError FIELD_INVALID for one that has passed."""
    found = []
    for field in DATES:
        date: datetime.datetime | None = getattr(after, field)
        if date is None or date == getattr(before, field):
            continue
        if date <= now:
            raise InvalidInputError("FIELD_INVALID", f"{field}, {date.isoformat()}, has passed", field=field)
        found.append(date)
    return found


def is_review_due(details: Details, now: datetime.datetime) -> bool:
    """Whether its review-by date has passed."""
    return details.review_by is not None and details.review_by <= now


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MAX_METADATA:
        raise InvalidInputError(
            "FIELD_TOO_LONG", f"{len(metadata)} pairs of metadata, over {MAX_METADATA}", field="metadata", limit=MAX_METADATA
        )  # fmt: skip
    for key, value in metadata.items():
        check_text("metadata", key, MAX_KEY)
        check_text("metadata", value, MAX_VALUE)
        if not key.strip() or not key.isprintable() or "=" in key:
            raise InvalidInputError(
                "FIELD_INVALID", "a key of metadata is visible text without an equals sign", field="metadata"
            )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise InvalidInputError(
            "FIELD_TOO_LONG", f"{size} bytes of metadata, over {MAX_METADATA_BYTES}", field="metadata", limit=MAX_METADATA_BYTES
        )  # fmt: skip


def _settled_date(field: str, date: datetime.datetime | None) -> datetime.datetime | None:
    if date is None:
        return None
    if date.tzinfo is None:
        raise InvalidInputError("FIELD_INVALID", f"{field} has no time zone", field=field)
    try:
        date = date.astimezone(datetime.UTC)
    except OverflowError as error:
        raise InvalidInputError("FIELD_INVALID", f"{field} is out of range", field=field) from error
    return date.replace(microsecond=date.microsecond // 1000 * 1000)
