"""hashsvc entry: read, change and withdraw entries."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from hashsvc.bank.model import Entry, Interval
from hashsvc.cli import records
from hashsvc.cli.details import changed, details_options, is_given
from hashsvc.cli.interval import START_END, interval
from hashsvc.cli.options import bank_option, format_option, revision_option, target_options
from hashsvc.cli.target import PAGE_SIZE, Choice, Operations, every
from hashsvc.errors import PreconditionError

if TYPE_CHECKING:
    from hashsvc.bank.breaker import Breaker

entry_argument = click.argument("entry")


@click.group("entry")
def command() -> None:
    """Read, change and withdraw entries.

    An entry is one video in a bank: a candidate, confirmed, disputed or withdrawn. Withdrawing one stops it from
    matching at once and from being exported; the record of it stays.
    """


@command.command("show")
@target_options
@bank_option
@format_option
@entry_argument
def show(choice: Choice, bank: str, entry: str, output_format: str) -> None:
    """Show all that is kept of one entry: its robustness card, and its breaker if that ever tripped.

    The card says which edits of the video find it: made by the server after `confirm --upload`, or by
    `confirm --vaccinate`.

    \b
    hashsvc entry show --data bank-data ENTRY
    """
    with choice.open() as target:
        found = target.operations.get_entry(bank, entry)
        breaker = _breaker(target.operations, bank, entry)
    if output_format == "json":
        known = None if breaker is None else records.breaker_record(breaker)
        click.echo(records.in_json({**records.entry_record(found), "breaker": known}))
        return
    _show(found, output_format)
    if breaker is not None:
        from hashsvc.cli import tables

        tables.show(tables.breakers([breaker]))
        click.echo(f"the uploads that it affected: hashsvc breaker show --bank {bank} {entry}")


@command.command("list")
@target_options
@bank_option
@click.option("--review-due", is_flag=True, help="Only those that somebody was to look at again by now.")
@format_option
def list_(choice: Choice, bank: str, review_due: bool, output_format: str) -> None:
    """Show all entries of a bank, withdrawn ones too.

    \b
    hashsvc entry list --data bank-data --bank default
    hashsvc entry list --data bank-data --review-due
    """
    with choice.open() as target:
        fetch = target.operations.list_entries
        found = every(lambda token: fetch(bank, review_due=review_due, page_size=PAGE_SIZE, page_token=token))
        if output_format == "json":
            for one in found:
                click.echo(records.in_json(records.entry_record(one)))
            return
        from hashsvc.cli import tables

        tables.show(tables.entries(found))


@command.command("exclude")
@target_options
@bank_option
@click.option("--none", "clear", is_flag=True, help="Exclude nothing any more.")
@revision_option
@format_option
@entry_argument
@click.argument("exclusions", nargs=-1, type=interval, metavar=f"[{START_END}]...")
def exclude(
    choice: Choice,
    bank: str,
    clear: bool,
    revision: int | None,
    output_format: str,
    entry: str,
    exclusions: tuple[Interval, ...],
) -> None:
    """Say which parts of an entry are harmless, in seconds, in place of what was said before.

    They are no evidence in a match, and no part of one: an upload that shows nothing else of the entry is ALLOW, with
    the reason said. A file with the very bytes of the entry is found all the same.

    \b
    hashsvc entry exclude --data bank-data ENTRY 0-30 95.5-110
    hashsvc entry exclude --data bank-data --none ENTRY
    """
    if clear == bool(exclusions):
        raise click.UsageError("give the parts to exclude, such as 0-30, or else --none")
    with choice.open() as target:
        changed = target.operations.set_exclusions(bank, entry, exclusions, revision=revision or 0)
    _show(changed, output_format)


@command.command("update")
@target_options
@bank_option
@click.option(
    "--label", "labels", multiple=True, metavar="LABEL", help="In place of the labels before; may be repeated."
)
@click.option("--no-labels", is_flag=True, help="Have no labels any more.")
@details_options
@revision_option
@format_option
@entry_argument
def update(
    choice: Choice,
    bank: str,
    labels: tuple[str, ...],
    no_labels: bool,
    revision: int | None,
    output_format: str,
    entry: str,
    **given: Any,
) -> None:
    """Change what is kept with an entry, and leave what is not given: labels, metadata, where it is from, and its dates.

    A name of metadata without a value (NAME=) is taken away, and so is a date that is `none`.

    \b
    hashsvc entry update --data bank-data --metadata case=41 --legal-basis "TCO 2021/784" ENTRY
    hashsvc entry update --data bank-data --review-by 2027-06-30 --expires none ENTRY
    """
    if labels and no_labels:
        raise click.UsageError("give --label or --no-labels, not both")
    if not (labels or no_labels or is_given(given)):
        raise click.UsageError("nothing to change: give --label, --metadata or another option")
    with choice.open() as target:
        # What is added to is read first, and written under the revision read, so that nobody's change is lost.
        now = target.operations.get_entry(bank, entry)
        after = target.operations.update_entry(
            bank,
            entry,
            labels=labels if labels or no_labels else None,
            details=changed(now.details, given) if is_given(given) else None,
            revision=revision or now.revision,
        )
    _show(after, output_format)


def step_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every step in the life of an entry takes."""
    reason = click.option("--reason", default="", help="Why; kept with the entry and in the decision log.")
    for option in (entry_argument, format_option, revision_option, reason, bank_option, target_options):
        command = option(command)
    return command


@command.command("approve")
@step_options
def approve(choice: Choice, bank: str, entry: str, reason: str, revision: int | None, output_format: str) -> None:
    """Approve a candidate, which is then confirmed; it takes somebody else than who confirmed it.

    \b
    hashsvc entry approve --server 127.0.0.1:50051 --bank attacks --reason "seen, it is the attack" ENTRY
    """
    with choice.open() as target:
        changed = target.operations.approve(bank, entry, reason=reason, revision=revision or 0)
    _show(changed, output_format)


@command.command("dispute")
@step_options
def dispute(choice: Choice, bank: str, entry: str, reason: str, revision: int | None, output_format: str) -> None:
    """Put an entry in doubt: what it matches is REVIEW at most, until it is reinstated or withdrawn.

    \b
    hashsvc entry dispute --data bank-data --reason "the uploader says it is a film" ENTRY
    """
    with choice.open() as target:
        changed = target.operations.dispute(bank, entry, reason=reason, revision=revision or 0)
    _show(changed, output_format)


@command.command("withdraw")
@step_options
def withdraw(choice: Choice, bank: str, entry: str, reason: str, revision: int | None, output_format: str) -> None:
    """Withdraw an entry: it matches nothing any more and leaves the exports.

    \b
    hashsvc entry withdraw --data bank-data --reason "confirmed in error" ENTRY
    """
    with choice.open() as target:
        changed = target.operations.withdraw(bank, entry, reason=reason, revision=revision or 0)
    _show(changed, output_format)


@command.command("reinstate")
@step_options
def reinstate(choice: Choice, bank: str, entry: str, reason: str, revision: int | None, output_format: str) -> None:
    """Take a disputed or withdrawn entry back; in a bank of two people it is a candidate until it is approved.

    \b
    hashsvc entry reinstate --data bank-data --reason "the dispute was without ground" ENTRY
    """
    with choice.open() as target:
        changed = target.operations.reinstate(bank, entry, reason=reason, revision=revision or 0)
    _show(changed, output_format)


def _breaker(operations: Operations, bank: str, entry: str) -> "Breaker | None":
    """None where it never tripped."""
    try:
        return operations.get_breaker(bank, entry)
    except PreconditionError:
        return None


def _show(entry: Entry, output_format: str) -> None:
    if output_format == "json":
        click.echo(records.in_json(records.entry_record(entry)))
        return
    from hashsvc.cli import tables

    tables.show(tables.one_entry(entry))
    if entry.history:
        tables.show(tables.history(entry))
    if entry.card.results:
        tables.show(tables.robustness(entry.card))
