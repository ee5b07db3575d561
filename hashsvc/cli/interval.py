"""Intervals of a video as they are typed: `0-30`, `95.5-110`."""

import re

import click

from hashsvc.bank.model import Interval

START_END = "START-END"
"""What help calls one."""

_SECONDS = r"(\d{1,9}(?:\.\d{1,9})?)"
_INTERVAL = re.compile(rf"{_SECONDS}-{_SECONDS}", re.ASCII)


def interval(text: str) -> Interval:
    """The `type` of an option or argument, seconds. What makes sense is the service's to judge.

    Raises click.BadParameter for what is not two numbers.
    """
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text[:40]!r} is not an interval in seconds such as 0-30 or 95.5-110")
    return Interval(float(found[1]), float(found[2]))
