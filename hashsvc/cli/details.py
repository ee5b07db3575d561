"""What people keep with an entry, as it is typed: `--metadata case=41 --partner TAT --expires 2027-01-31`."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import click

from hashsvc.bank.model import Details

NEVER = "none"
"""What is typed to take a date away."""


def date(text: str) -> datetime.datetime | str:
    """The `type` of an option: a day, which begins at midnight UTC, or a time, UTC unless it says another zone; or NEVER.

    Raises click.BadParameter for what is neither.
    """
    if text == NEVER:
        return NEVER
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text[:40]!r} is not a date such as 2027-01-31 or 2027-01-31T18:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def pair(text: str) -> tuple[str, str]:
    """The `type` of an option: NAME=VALUE, with an empty value to take it away."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"{text[:40]!r} is not NAME=VALUE")
    return name, value


def details_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each of the details; None or empty where not given."""
    for option in (
        click.option("--expires", type=date, metavar="DATE", help="Withdraw it by itself then."),
        click.option("--review-by", type=date, metavar="DATE", help="When somebody is to look at it again."),
        click.option("--legal-basis", metavar="TEXT", help="The law, contract or policy that it is kept under."),
        click.option("--partner-id", metavar="ID", help="What the partner calls it."),
        click.option("--partner", metavar="NAME", help="Who gave it; without one it is our own."),
        click.option(
            "--metadata", type=pair, multiple=True, metavar="NAME=VALUE", help="Anything to keep with it; may be repeated."
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def changed(before: Details, given: dict[str, Any]) -> Details:
    """`before` with what was typed; pairs of metadata are added one by one."""
    metadata = {**before.metadata, **dict(given["metadata"])}
    values = {name: given[name] for name in ("partner", "partner_id", "legal_basis") if given[name] is not None}
    if values.get("partner") == "":  # our own: no partner calls it anything
        values.setdefault("partner_id", "")
    for field, value in (("review_by", given["review_by"]), ("expires_at", given["expires"])):
        if value is not None:
            values[field] = None if value == NEVER else value
    return dataclasses.replace(before, metadata={name: one for name, one in metadata.items() if one}, **values)


def is_given(given: dict[str, Any]) -> bool:
    """Whether any of the options was."""
    return any(value not in (None, ()) for value in given.values())
