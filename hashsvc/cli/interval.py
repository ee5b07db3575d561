"""Intervals of a video as they are typed: `0-30`, `95.5-110`."""

import re

import click

from hashsvc.bank.model import Interval

_SECONDS = r"(\d{1,9}(?:\.\d{1,9})?)"
_INTERVAL = re.compile(rf"{_SECONDS}-{_SECONDS}", re.ASCII)


class IntervalType(click.ParamType):
    """START-END in seconds. What is written in another way is bad usage; what makes sense is the service's to judge."""

    name = "START-END"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Interval:
        """Fails, as click's own types do, for what is not two numbers of seconds."""
        if isinstance(value, Interval):
            return value
        found = _INTERVAL.fullmatch(str(value))
        if found is None:
            self.fail(f"{str(value)[:40]!r} is not an interval in seconds such as 0-30 or 95.5-110", param, ctx)
        return Interval(float(found[1]), float(found[2]))
