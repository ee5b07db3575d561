"""What callers may say of banks and entries: names, lengths, numbers."""

import math
import re
from collections.abc import Sequence

from hashsvc.bank.model import Policy
from hashsvc.errors import InvalidInputError

MAX_LABELS = 32
MAX_LABEL = 128
MAX_EXTERNAL_ID = 512
MAX_ENTRY_ID = 64
MAX_TEXT = 4096
"""Characters of a description or a reason."""

_BANK = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def check_bank_id(bank: str) -> None:
    """Raises InvalidInputError BANK_ID_INVALID."""
    if not _BANK.fullmatch(bank):
        raise InvalidInputError(
            "BANK_ID_INVALID", f"a bank is named [a-z0-9][a-z0-9-]{{0,62}}, not {bank[:80]!r}", bank=bank[:80]
        )


def check_bank_token(token: str) -> None:
    """A page of banks goes on after a bank's name. Raises InvalidInputError PAGE_TOKEN_INVALID."""
    if not _BANK.fullmatch(token):
        raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")


def check_entry_id(entry: str) -> None:
    """Raises InvalidInputError FIELD_INVALID, FIELD_TOO_LONG; what is well-formed may still not exist."""
    if not entry:
        raise InvalidInputError("FIELD_INVALID", "entry is empty", field="entry")
    check_text("entry", entry, MAX_ENTRY_ID)


def check_text(field: str, text: str, most: int = MAX_TEXT) -> None:
    """Raises InvalidInputError FIELD_TOO_LONG, or FIELD_INVALID for control characters."""
    if len(text) > most:
        raise InvalidInputError(
            "FIELD_TOO_LONG", f"{field} has {len(text)} characters, over {most}", field=field, limit=most
        )
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        raise InvalidInputError("FIELD_INVALID", f"{field} holds a control character", field=field)
    if any("\ud800" <= sign <= "\udfff" for sign in text):  # what Python makes of a file name that is not UTF-8
        raise InvalidInputError("FIELD_INVALID", f"{field} is not Unicode text", field=field)


def check_labels(labels: Sequence[str]) -> None:
    """Raises InvalidInputError FIELD_TOO_LONG or FIELD_INVALID."""
    if len(labels) > MAX_LABELS:
        raise InvalidInputError(
            "FIELD_TOO_LONG", f"{len(labels)} labels, over {MAX_LABELS}", field="labels", limit=MAX_LABELS
        )
    for label in labels:
        check_text("labels", label, MAX_LABEL)
        if not label.strip():
            raise InvalidInputError("FIELD_INVALID", "a label is empty", field="labels")


def check_policy(policy: Policy) -> None:
    """Raises InvalidInputError FIELD_INVALID."""
    for field in ("block_evidence", "review_evidence"):
        value = getattr(policy, field)
        if not (math.isfinite(value) and value <= 0):
            raise InvalidInputError("FIELD_INVALID", f"{field} is a number up to 0, not {value}", field=field)
    if not 0 <= policy.block_coverage <= 1:
        raise InvalidInputError(
            "FIELD_INVALID",
            f"block_coverage is a share from 0 to 1, not {policy.block_coverage}",
            field="block_coverage",
        )
    if policy.block_evidence > policy.review_evidence:
        raise InvalidInputError(
            "FIELD_INVALID", "block_evidence must be at or below review_evidence", field="block_evidence"
        )
