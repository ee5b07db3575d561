"""hashsvc decisions: what was decided, by whom and why."""

import datetime
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hashsvc.cli.moment import MOMENT, moment
from hashsvc.cli.options import format_option, target_options
from hashsvc.cli.records import in_json
from hashsvc.cli.target import PAGE_SIZE, Choice, Operations, every
from hashsvc.cli.verify import FAULTY

if TYPE_CHECKING:
    from hashsvc.decisions.model import Decision

_SHOWN = 100


@click.command("decisions")
@target_options
@click.option(
    "--kind",
    type=click.Choice(["bank", "entry", "incident", "breaker", "verdict", "appeal"]),
    help="Only decisions of this kind.",
)
@click.option("--bank", default="", metavar="BANK", help="Only what is about this bank.")
@click.option("--entry", default="", metavar="ENTRY", help="Only what is about this entry.")
@click.option("--content-id", default="", metavar="ID", help="Only what is about the upload that was matched under it.")
@click.option("--since", type=moment, metavar=MOMENT, help="Only from this time on; `24h` is a day ago.")
@click.option("--until", type=moment, metavar=MOMENT, help="Only before this time.")
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="NUMBER", help="Begin after this decision.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; a table has {_SHOWN} without it."
)
@click.option("--verify", is_flag=True, help="List nothing: follow the chain of hashes through the whole log.")
@click.option("--head", default="", metavar="HASH", help="With --verify: the head that was printed some time before.")
@format_option
@click.argument("number", required=False, type=click.IntRange(min=1))
def command(
    choice: Choice,
    kind: str | None,
    bank: str,
    entry: str,
    content_id: str,
    since: datetime.datetime | None,
    until: datetime.datetime | None,
    after: int,
    limit: int | None,
    verify: bool,
    head: str,
    output_format: str,
    number: int | None,
) -> None:
    """Show decisions: verdicts other than ALLOW, changes to banks, entries and incidents, and appeals; or one, by its NUMBER.

    Each record of the log holds the hash of the one before. --verify names every one that was altered, removed or put
    elsewhere, and prints the head, the hash of the last. Noted where nobody can change it and given with --head later,
    it also shows a log that was cut off or made anew. Exits with 1 when there is a fault. `--format json` prints one
    object a decision.

    \b
    hashsvc decisions --data bank-data --since 24h --kind verdict
    hashsvc decisions --data bank-data --verify --head HASH
    """
    if head and not verify:
        raise click.UsageError("--head goes with --verify")
    with choice.open() as target:
        if verify:
            _verify(target.operations, head, output_format)
            return
        found: Iterator[Decision]
        if number is not None:
            found = iter((target.operations.get_decision(number),))
        else:
            fetch = target.operations.list_decisions
            found = every(
                lambda token: fetch(
                    kind=kind or "", bank=bank, entry=entry, content_id=content_id, since=since, until=until,
                    page_size=min(limit or PAGE_SIZE, PAGE_SIZE), page_token=token or (str(after) if after else ""),
                )
            )  # fmt: skip
        _show(found, limit, output_format, whole=number is not None)


def _show(found: "Iterator[Decision]", limit: int | None, output_format: str, *, whole: bool) -> None:
    from hashsvc.cli import decision_records

    if output_format == "json":
        for decision in itertools.islice(found, limit):
            click.echo(in_json(decision_records.decision_record(decision)))
        return
    from hashsvc.cli import tables

    shown = list(itertools.islice(found, limit or _SHOWN))
    tables.show(tables.decisions(shown))
    if whole and shown[0].verdict is not None:
        tables.show(tables.grounds(shown[0].verdict.grounds))
    if limit is None and next(found, None) is not None:
        click.echo(f"more after decision {shown[-1].decision}: --after {shown[-1].decision}, or --limit")


def _verify(operations: Operations, head: str, output_format: str) -> None:
    check = operations.verify_decisions(head=head)
    if output_format == "json":
        click.echo(
            in_json(
                {
                    "clean": not check.faults,
                    "faults": list(check.faults),
                    "decisions": check.decisions,
                    "head": check.head,
                }
            )
        )
    else:
        for fault in check.faults:
            click.echo(fault)
        state = f"{len(check.faults)} faults" if check.faults else "whole"
        click.echo(f"{check.decisions} decisions, {state}; head {check.head}")
    click.get_current_context().exit(FAULTY if check.faults else 0)
