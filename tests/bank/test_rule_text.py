"""Rules as people write them."""

import pytest

from hashsvc.bank.model import Rule, Verdict
from hashsvc.bank.rule_text import rule_of
from hashsvc.errors import InvalidInputError

ALLOW, REVIEW, BLOCK = Verdict.ALLOW, Verdict.REVIEW, Verdict.BLOCK


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (
            "block if evidence<=-6 share>=0.5 seconds>=5 label=perpetrator-produced-content",
            Rule(verdict=BLOCK, evidence=-6, share=0.5, seconds=5, labels=("perpetrator-produced-content",)),
        ),
        ("allow", Rule(verdict=ALLOW)),
        ("Review IF seconds>=12.5", Rule(verdict=REVIEW, seconds=12.5)),
        ("review if share>=50% and label=a,b", Rule(verdict=REVIEW, share=0.5, labels=("a", "b"))),
        ("block if label='police training,game' evidence<=0", Rule(verdict=BLOCK, evidence=0.0, labels=("police training", "game"))),
        ('block if "label=it\'s"', Rule(verdict=BLOCK, labels=("it's",))),
    ],
)  # fmt: skip
def test_read_and_written(text: str, rule: Rule) -> None:
    """What is written of a rule is read as the same rule."""
    assert rule_of(text) == rule
    assert rule_of(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        "", "if share>=1", "ban if share>=1", "block share>=1", "block if", "block if share>1", "block if share<=0.5",
        "block if evidence>=-6", "block if share>=half", "block if share>=nan", "block if seconds>=inf",
        "block if seconds>=5%", "block if seconds>=5 seconds>=6", "block if label", "block if colour=red",
        "block if label='a", "block if share>=0.5 or seconds>=3", "x" * 10_000,
    ],
)  # fmt: skip
def test_not_a_rule(text: str) -> None:
    """Each is refused with an example of what is meant, and without repeating all of it."""
    with pytest.raises(InvalidInputError) as caught:
        rule_of(text)
    assert caught.value.reason == "FIELD_INVALID"
    assert "block if evidence<=-6" in caught.value.message
    assert len(caught.value.message) < 400
