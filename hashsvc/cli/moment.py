"""Moments as they are typed: `2026-03-01`, `2026-03-01T12:30+01:00`, or so long ago: `90m`, `24h`, `7d`."""

import datetime
import re

import click

MOMENT = "TIME"
"""What help calls one."""

_AGO = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime.datetime:
    """The `type` of an option. A time without a zone is UTC. Raises click.BadParameter for what is no time."""
    if ago := _AGO.fullmatch(text):
        return datetime.datetime.now(datetime.UTC) - datetime.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text[:40]!r} is no time such as 2026-03-01, 2026-03-01T12:30+01:00, or 24h for a day ago"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)
