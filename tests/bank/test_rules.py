"""What may be said of banks and entries."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hashsvc.bank import rules
from hashsvc.bank.model import Interval, Policy, Rule, Verdict
from hashsvc.errors import InvalidInputError

NAN, INF = float("nan"), float("inf")


def policy_with(field: str, value: Any) -> Policy:
    """The default one, but for one field."""
    return dataclasses.replace(Policy(), **{field: value})


REFUSED: list[tuple[Callable[..., object], tuple[Any, ...], str]] = [
    *((rules.check_bank_id, (name,), "BANK_ID_INVALID")
      for name in ("", "A", "-a", "a b", "a_b", "a/b", "ä", "a\n", "a" * 64, "../x", "a\0")),
    *((rules.check_bank_token, (token,), "PAGE_TOKEN_INVALID") for token in ("", "A", "a" * 64)),
    (rules.check_entry_id, ("",), "FIELD_INVALID"),
    (rules.check_entry_id, ("x" * 10_000,), "FIELD_TOO_LONG"),
    (rules.check_text, ("reason", "x" * (rules.MAX_TEXT + 1)), "FIELD_TOO_LONG"),
    (rules.check_text, ("reason", "a\0b"), "FIELD_INVALID"),
    (rules.check_text, ("reason", "a\x1b[31m"), "FIELD_INVALID"),
    (rules.check_text, ("reason", "\udcff"), "FIELD_INVALID"),
    (rules.check_labels, (["x" * 10_000],), "FIELD_TOO_LONG"),
    (rules.check_labels, (["x" * (rules.MAX_LABEL + 1)],), "FIELD_TOO_LONG"),
    (rules.check_labels, (["x"] * (rules.MAX_LABELS + 1),), "FIELD_TOO_LONG"),
    (rules.check_labels, (["good", " "],), "FIELD_INVALID"),
    (rules.check_labels, ([""],), "FIELD_INVALID"),
    *((rules.settled_exclusions, ([Interval(*one)], 20.0), "FIELD_INVALID")
      for one in ((NAN, 5), (5, NAN), (0, INF), (-INF, 5), (-1, 5), (5, 1), (5, 5), (5, 20.1), (20, 20.0005), (30, 40), (0, 1e300))),
    (rules.settled_exclusions, ([Interval(0, 5), Interval(4, 6)], 20.0), "FIELD_INVALID"),
    (rules.settled_exclusions, ([Interval(3, 4), Interval(0, 5)],), "FIELD_INVALID"),
    (rules.settled_exclusions, ([Interval(0, 5)] * 2, 20.0), "FIELD_INVALID"),
    (rules.settled_exclusions, ([Interval(one, one + 0.5) for one in range(65)],), "FIELD_TOO_LONG"),
    *((rules.check_policy, (policy_with(field, value),), "FIELD_INVALID")
      for field, value in (
          ("block_evidence", NAN), ("block_evidence", -INF), ("block_evidence", 1.0), ("review_evidence", NAN),
          ("review_evidence", 0.1), ("block_coverage", -0.1), ("block_coverage", 1.1), ("block_coverage", NAN),
          ("block_evidence", -2.0), ("review_evidence", -7.0),
      )),
    *((rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.BLOCK), Rule(verdict=Verdict.BLOCK, **given))),), "FIELD_INVALID")
      for given in (
          {"share": 1.1}, {"share": -0.1}, {"share": NAN}, {"seconds": -1.0}, {"seconds": INF}, {"seconds": NAN},
          {"evidence": NAN}, {"evidence": -INF}, {"evidence": -3.9}, {"labels": ("",)}, {"labels": ("a,b",)},
          {"labels": ("a\0",)},
      )),
    (rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.ALLOW),) * 33),), "FIELD_TOO_LONG"),
    (rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.ALLOW, labels=("a",) * 22),) * 3),), "FIELD_TOO_LONG"),
    (rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.ALLOW, labels=("a" * 129,)),)),), "FIELD_TOO_LONG"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "given", "reason"), REFUSED)
def test_refused(check: Callable[..., object], given: tuple[Any, ...], reason: str) -> None:
    """Each has its reason, and a message that does not repeat ten thousand characters."""
    with pytest.raises(InvalidInputError) as caught:
        check(*given)
    assert caught.value.reason == reason
    assert len(caught.value.message) < 300
    assert all(len(value) < 300 for value in caught.value.metadata.values())


@pytest.mark.parametrize(
    ("check", "given"),
    [
        (rules.check_bank_id, ("a",)),
        (rules.check_bank_id, ("0-" + "z" * 61,)),
        (rules.check_text, ("reason", "two lines\n\tand a tab, ÄÖ 中文 🎥")),
        (rules.check_text, ("reason", "x" * rules.MAX_TEXT)),
        (rules.check_labels, ([],)),
        (rules.check_labels, (["x" * rules.MAX_LABEL] * rules.MAX_LABELS,)),
        (rules.settled_exclusions, ([Interval(one, one + 0.5) for one in range(64)],)),
        (rules.check_policy, (Policy(),)),
        (rules.check_policy, (Policy(block_evidence=0, review_evidence=0, block_coverage=0),)),
        (rules.check_policy, (Policy(block_coverage=1),)),
        (rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.ALLOW, evidence=-4.0, share=1.0),) * 32),)),
        (rules.check_policy, (policy_with("rules", (Rule(verdict=Verdict.BLOCK, labels=("ä" * 128,) * 32),) * 2),)),
    ],
)
def test_allowed(check: Callable[..., object], given: tuple[Any, ...]) -> None:
    """The longest and the emptiest that are allowed."""
    check(*given)


def test_exclusions_are_settled() -> None:
    """In order, those that touch made one, and an end that was rounded up put back to that of the video."""
    given = [Interval(8, 20.0004), Interval(3, 5), Interval(0, 3)]
    settled = rules.settled_exclusions(given, 19.9996)
    assert settled == (Interval(0, 5), Interval(8, 19.9996))
    assert rules.settled_exclusions(settled, 19.9996) == settled
    assert rules.settled_exclusions([]) == ()
