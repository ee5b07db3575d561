"""What callers may say of banks and entries: names, lengths, numbers."""

import math
import re
from collections.abc import Sequence

from hashsvc.bank.model import Bank, BankMode, Interval, Policy, Rule
from hashsvc.errors import InvalidInputError, PreconditionError

MAX_LABELS = 32
MAX_LABEL = 128
MAX_EXCLUSIONS = 64
MAX_RULES = 32
MAX_RULE_LABELS = 64
"""Labels in all rules of a bank."""
MAX_RULE_SECONDS = 1e6
MAX_EXTERNAL_ID = 512
MAX_ENTRY_ID = 64
MAX_CONTENT_ID = 512
MAX_TEXT = 4096
"""Characters of a description or a reason."""

_ROUNDED = 0.001
"""Seconds by which an exclusion may end past its video: people are shown durations to the millisecond."""

_BANK = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PLACE = re.compile(rf"{_BANK.pattern}/[^/\s]+")


def check_bank_id(bank: str) -> None:
    """Raises InvalidInputError BANK_ID_INVALID."""
    if not _BANK.fullmatch(bank):
        raise InvalidInputError(
            "BANK_ID_INVALID", f"a bank is named [a-z0-9][a-z0-9-]{{0,62}}, not {bank[:80]!r}", bank=bank[:80]
        )


def check_incident_id(incident: str) -> None:
    """Raises InvalidInputError FIELD_INVALID; an incident is named as a bank is."""
    if not _BANK.fullmatch(incident):
        raise InvalidInputError(
            "FIELD_INVALID",
            f"an incident is named [a-z0-9][a-z0-9-]{{0,62}}, not {incident[:80]!r}",
            field="incident",
        )


def check_bank_token(token: str) -> None:
    """A page of banks goes on after a bank's name. Raises InvalidInputError PAGE_TOKEN_INVALID."""
    if not _BANK.fullmatch(token):
        raise InvalidInputError("PAGE_TOKEN_INVALID", "page_token is not one that a list returned")


def check_place_token(token: str) -> None:
    """A page of what is listed by entry goes on after `bank/entry`. Raises InvalidInputError PAGE_TOKEN_INVALID."""
    if token and not (_PLACE.fullmatch(token) and len(token) < 2 * MAX_ENTRY_ID):
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


def settled_exclusions(exclusions: Sequence[Interval], duration: float = math.inf) -> tuple[Interval, ...]:
    """Exclusions of a video of `duration` seconds, put in order, those that touch made one.

    Raises InvalidInputError FIELD_TOO_LONG for too many, FIELD_INVALID for what is no interval of the video and for
    two that overlap, since one of them is then a mistake.
    """
    if len(exclusions) > MAX_EXCLUSIONS:
        raise InvalidInputError(
            "FIELD_TOO_LONG",
            f"{len(exclusions)} exclusions, over {MAX_EXCLUSIONS}",
            field="exclusions",
            limit=MAX_EXCLUSIONS,
        )
    for one in exclusions:
        _check_exclusion(one, duration)
    settled: list[Interval] = []
    for one in sorted(exclusions):
        end = min(one.end, duration)
        if settled and one.start < settled[-1].end:
            raise _not_an_exclusion(one, f"overlaps {settled[-1]}")
        if settled and one.start == settled[-1].end:
            settled[-1] = Interval(settled[-1].start, end)
        else:
            settled.append(Interval(one.start, end))
    return tuple(settled)


def _check_exclusion(one: Interval, duration: float) -> None:
    if not (math.isfinite(one.start) and math.isfinite(one.end)):
        raise _not_an_exclusion(one, "is not two numbers")
    if one.start < 0:
        raise _not_an_exclusion(one, "begins before the video")
    if one.start >= one.end:
        raise _not_an_exclusion(one, "does not end after it begins")
    if one.end > duration + _ROUNDED or one.start >= duration:
        raise _not_an_exclusion(one, f"ends after the video, which has {duration:.3f} s")


def _not_an_exclusion(one: Interval, fault: str) -> InvalidInputError:
    return InvalidInputError("FIELD_INVALID", f"exclusion {one} {fault}", field="exclusions", value=one)


def check_bank(bank: Bank, before: Bank | None = None) -> None:
    """Raises InvalidInputError (FIELD_TOO_LONG, FIELD_INVALID), PreconditionError BANK_MODE for a change to or from `allow`.

    What an allow bank holds would block everybody who shows it if the bank could turn into another, and what another
    holds would pass.
    """
    check_text("description", bank.description)
    check_policy(bank.policy)
    if bank.mode is BankMode.ALLOW and bank.policy.rules:
        raise InvalidInputError("FIELD_INVALID", "an allow bank gives no verdicts, so it has no rules", field="rules")
    if before is not None and bank.mode is not before.mode and BankMode.ALLOW in (bank.mode, before.mode):
        raise _wrong_mode(before, f"cannot become one that is {bank.mode}")


def check_hunting(bank: Bank, what: str) -> None:
    """Raises PreconditionError BANK_MODE for an allow bank, of which `what` cannot be."""
    if bank.mode is BankMode.ALLOW:
        raise _wrong_mode(bank, f"holds what is harmless: {what}")


def _wrong_mode(bank: Bank, fault: str) -> PreconditionError:
    return PreconditionError(
        "BANK_MODE", f"bank {bank.bank}, an {bank.mode} bank, {fault}", bank=bank.bank, mode=bank.mode
    )


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
    _check_number("rules", len(policy.rules), MAX_RULES)
    _check_number("labels in rules", sum(len(one.labels) for one in policy.rules), MAX_RULE_LABELS)
    for place, one in enumerate(policy.rules, 1):
        _check_rule(f"rule {place}", one, policy)


def _check_number(what: str, number: int, most: int) -> None:
    if number > most:
        raise InvalidInputError("FIELD_TOO_LONG", f"{number} {what}, over {most}", field="rules", limit=most)


def _check_rule(name: str, rule: Rule, policy: Policy) -> None:
    fault = ""
    if not 0 <= rule.share <= 1:
        fault = f"share is from 0 to 1, not {rule.share}"
    elif not 0 <= rule.seconds <= MAX_RULE_SECONDS:
        fault = f"seconds is from 0 to {MAX_RULE_SECONDS:g}, not {rule.seconds}"
    elif rule.evidence is not None and not (math.isfinite(rule.evidence) and rule.evidence <= policy.review_evidence):
        fault = (
            f"evidence is at or below review_evidence, {policy.review_evidence}, "
            f"since what is weaker is no match; not {rule.evidence}"
        )
    elif any("," in label for label in rule.labels):
        fault = "a label in it holds a comma"
    if fault:
        raise InvalidInputError("FIELD_INVALID", f"{name}: {fault}", field="rules")
    check_labels(rule.labels)
