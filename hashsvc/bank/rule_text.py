"""Rules as people write them: `block if evidence<=-6 share>=0.5 seconds>=5 label=perpetrator-produced-content`.

A verdict, and after `if` what a match must have, in any order, with spaces or `and` between: `evidence<=` log10 of chance
matches, `share>=` of the upload, 0.5 or 50%, `seconds>=` of the upload, `label=` one or several with commas between, of
which the entry has any; quotes around what holds spaces. `allow` alone always applies.
"""

import math
import re
import shlex

from hashsvc.bank.model import Rule, Verdict
from hashsvc.errors import InvalidInputError

_CONDITION = re.compile(r"(evidence)<=(.*)|(share|seconds)>=(.*)|(label)=(.*)", re.DOTALL)
_EXAMPLE = "write it like 'block if evidence<=-6 share>=0.5 seconds>=5 label=some-label'"


def rule_of(text: str) -> Rule:
    """The inverse of `str(rule)`. Whether its numbers are in range is for `hashsvc.bank.rules` to say.

    Raises InvalidInputError FIELD_INVALID for what is no rule.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _not_a_rule(text, f"it has {str(error).lower()}") from None
    if not words or words[0].upper() not in list(Verdict):
        raise _not_a_rule(text, "it begins with none of block, review, allow")
    verdict, *rest = words
    if rest and (rest[0].lower() != "if" or len(rest) == 1):
        raise _not_a_rule(text, "after the verdict comes `if` and what a match must have")
    given: dict[str, float | tuple[str, ...]] = {}
    for word in (one for one in rest[1:] if one.lower() != "and"):
        name, value = _condition(text, word)
        if name in given:
            raise _not_a_rule(text, f"it has {name} twice")
        given[name] = value
    return Rule(verdict=Verdict(verdict.upper()), **given)  # type: ignore[arg-type]


def _condition(text: str, word: str) -> tuple[str, float | tuple[str, ...]]:
    """A field of Rule and its value."""
    found = _CONDITION.fullmatch(word)
    if found is None:
        raise _not_a_rule(text, f"{word[:80]!r} is none of evidence<=N, share>=N, seconds>=N, label=NAME")
    name, value = (one for one in found.groups() if one is not None)
    if name == "label":
        return "labels", tuple(value.split(","))
    try:
        share = name == "share" and value.endswith("%")
        number = float(value[:-1]) / 100 if share else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _not_a_rule(text, f"{value[:80]!r} is not a number")
    return name, number


def _not_a_rule(text: str, fault: str) -> InvalidInputError:
    return InvalidInputError("FIELD_INVALID", f"not a rule: {text[:80]!r}: {fault}; {_EXAMPLE}", field="rules")
