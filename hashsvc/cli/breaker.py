"""hashsvc breaker: entries that flood."""

import contextlib

import click

from hashsvc.bank.breaker import Breaker
from hashsvc.cli import records
from hashsvc.cli.options import bank_option, format_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, every
from hashsvc.errors import PreconditionError

entry_argument = click.argument("entry")


@click.group("breaker")
def command() -> None:
    """Look after entries that flood.

    An entry that is about to block more different uploads than it may within a window trips its breaker: from then on
    its matches are REVIEW, until people reset it or undo the entry.
    """


@command.command("list")
@target_options
@click.option("--all", "also_reset", is_flag=True, help="Also those that were reset since.")
@format_option
def list_(choice: Choice, also_reset: bool, output_format: str) -> None:
    """Show the breakers that are tripped.

    \b
    hashsvc breaker list --data bank-data
    """
    with choice.open() as target:
        fetch = target.operations.list_breakers
        found = every(lambda token: fetch(page_size=PAGE_SIZE, page_token=token))
        listed = [one for one in found if one.tripped or also_reset]
    if output_format == "json":
        for one in listed:
            click.echo(records.in_json(records.breaker_record(one)))
        return
    from hashsvc.cli import tables

    tables.show(tables.breakers(listed))


@command.command("show")
@target_options
@bank_option
@format_option
@entry_argument
def show(choice: Choice, bank: str, output_format: str, entry: str) -> None:
    """Show the breaker of ENTRY and the uploads that it affected.

    \b
    hashsvc breaker show --data bank-data 3f9c1a2b4d5e6f70
    """
    with choice.open() as target:
        found = target.operations.get_breaker(bank, entry)
    _show(found, output_format)


@command.command("reset")
@target_options
@bank_option
@click.option(
    "--hits",
    type=click.IntRange(min=1),
    help="Different uploads that it may block within a window from now on; without it, as many as any entry.",
)
@format_option
@entry_argument
def reset(choice: Choice, bank: str, hits: int | None, output_format: str, entry: str) -> None:
    """Let ENTRY block again: people have looked, and it is right.

    \b
    hashsvc breaker reset --data bank-data --hits 500 3f9c1a2b4d5e6f70
    """
    with choice.open() as target:
        changed = target.operations.reset_breaker(bank, entry, hits=hits or 0)
    _show(changed, output_format)


@command.command("undo")
@target_options
@bank_option
@click.option("--reason", default="flooded", show_default=True, help="Why, for people; kept with the entry.")
@format_option
@entry_argument
def undo(choice: Choice, bank: str, reason: str, output_format: str, entry: str) -> None:
    """Withdraw ENTRY, which should never have been there, and list the uploads that it affected.

    \b
    hashsvc breaker undo --data bank-data --reason "a title card" 3f9c1a2b4d5e6f70
    """
    with choice.open() as target:
        target.operations.get_breaker(bank, entry)
        # Withdrawn first: were it reset first, it would block again in between.
        target.operations.withdraw(bank, entry, reason=reason)
        with contextlib.suppress(PreconditionError):  # reset before, and flooding all the same
            target.operations.reset_breaker(bank, entry)
        found = target.operations.get_breaker(bank, entry)
    _show(found, output_format)


def _show(breaker: Breaker, output_format: str) -> None:
    if output_format == "json":
        click.echo(records.in_json(records.breaker_record(breaker)))
        return
    from hashsvc.cli import tables

    tables.show(tables.breakers([breaker]))
    tables.show(tables.affected(breaker))
